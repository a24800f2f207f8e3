"""Reads the text of a BlueConfig: blocks of a type, a name, and keys with values."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path

from mpi_coupling.settings.problems import ABSENT, ConfigError, Problem
from multiscale_run.blueconfig.tables import BLOCK_TYPES

_COMMENTED_HEAD = re.compile(r"#+\s*([A-Za-z]\w*)\s+[^\s{}]+\s*(\{?)$")


@dataclass(frozen=True)
class Setting:
    """A key of a block and its value, as written but without quotes."""

    key: str
    value: str
    line: int


@dataclass(frozen=True)
class Block:
    """A block ``Kind Name { key value ... }``; settings are in the order of the file, keys may come twice."""

    kind: str
    name: str
    line: int
    settings: tuple[Setting, ...]

    def get(self, key: str) -> Setting | None:
        """The last setting of a key, in upper or lower case, or None."""
        return next((s for s in reversed(self.settings) if s.key.lower() == key.lower()), None)

    def __str__(self) -> str:
        return f"{self.kind} {self.name}"


@dataclass(frozen=True)
class BlueConfig:
    """The blocks of a BlueConfig, in the order of the file."""

    file: Path
    blocks: tuple[Block, ...]

    def of(self, kind: str) -> list[Block]:
        """The blocks of a type."""
        return [block for block in self.blocks if block.kind == kind]


def read_blueconfig(file: Path) -> BlueConfig:
    """Read a BlueConfig.

    ``#`` begins a comment at the start of a line or after a space, outside of quotes. A block whose head is commented
    out is left out as a whole.

    Args:
        file: where it is.

    Raises:
        ConfigError: the file cannot be read, or a line is not what the format wants there; names file and line.
    """
    try:
        text = file.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError([Problem(str(file), "", ABSENT, f"cannot be read: {error}")]) from error
    reader = _Reader(file)
    for number, line in enumerate(text.splitlines(), 1):
        reader.read(number, line)
    return reader.finish()


@dataclass
class _Open:
    """A block that is being read."""

    kind: str
    name: str
    line: int
    braced: bool = False
    skipped: bool = False
    settings: list[Setting] = field(default_factory=list)


class _Reader:
    """Takes the lines of a file one by one."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self._blocks: list[Block] = []
        self._open: _Open | None = None
        self._commented_head = False  # whether there is a head behind a # since the last block

    def read(self, number: int, line: str) -> None:
        stripped = line.strip()
        if stripped.startswith("#"):
            self._comment(number, stripped)
            return
        content = _without_comment(stripped)
        if content:
            self._content(number, content)
            self._commented_head = False

    def finish(self) -> BlueConfig:
        if self._open is not None:
            missing = "}" if self._open.braced else "{"
            raise self._error(self._open.line, f"the block {self._open.kind} {self._open.name} has no '{missing}'")
        return BlueConfig(self._file, tuple(self._blocks))

    def _comment(self, number: int, comment: str) -> None:
        if self._open is not None:
            # a block that is commented out line by line: its brace, too, is behind a #
            if self._open.skipped and comment.lstrip("# \t") == "}":
                self._open = None
            return
        head = _COMMENTED_HEAD.match(comment)
        self._commented_head |= head is not None
        if head is not None and head[2] and head[1] in BLOCK_TYPES:
            self._open = _Open("", "", number, braced=True, skipped=True)

    def _content(self, number: int, content: str) -> None:
        if self._open is None:
            self._head(number, content)
        elif not self._open.braced:
            self._brace(number, content)
        else:
            self._body(number, content)

    def _head(self, number: int, content: str) -> None:
        if content.startswith("{"):
            if not self._commented_head:
                raise self._error(number, "a '{' without a head; write `Type Name` before it")
            self._open = _Open("", "", number, skipped=True)
            self._brace(number, content)
            return
        head, brace, rest = content.partition("{")
        words = head.split()
        if len(words) != 2 or "}" in head:
            raise self._error(number, f"expected the head of a block, `Type Name`, and found {content!r}")
        self._open = _Open(words[0], words[1], number)
        if brace:
            self._brace(number, brace + rest)

    def _brace(self, number: int, content: str) -> None:
        assert self._open is not None
        if not content.startswith("{"):
            raise self._error(number, f"expected '{{' after {self._open.kind} {self._open.name}, found {content!r}")
        self._open.braced = True
        rest = content[1:].strip()
        if rest:
            self._body(number, rest)

    def _body(self, number: int, content: str) -> None:
        assert self._open is not None
        closes = content.endswith("}")
        pair = content[:-1].strip() if closes else content
        if pair and not self._open.skipped:
            key, *value = pair.split(maxsplit=1)
            if set(key) & set("{}"):
                place = f"{self._open.kind} {self._open.name}, which begins in line {self._open.line}"
                raise self._error(number, f"a brace within the block {place}; is its '}}' missing?")
            self._open.settings.append(Setting(key, _unquoted(value[0] if value else ""), number))
        if closes:
            self._close()

    def _close(self) -> None:
        block, self._open = self._open, None
        if block is not None and not block.skipped:
            self._blocks.append(Block(block.kind, block.name, block.line, tuple(block.settings)))

    def _error(self, line: int, message: str) -> ConfigError:
        return ConfigError([Problem(str(self._file), f"line {line}", ABSENT, message)])


def _without_comment(line: str) -> str:
    """The line up to a # that begins a word outside of quotes."""
    position = 0
    for word in re.finditer(r"\S+", line):
        if word.start() < position:
            continue
        if word[0].startswith("#"):
            return line[: word.start()].rstrip()
        if word[0][0] in "\"'":
            # a quote that nothing closes is an apostrophe
            position = line.find(word[0][0], word.start() + 1) + 1
    return line


def _unquoted(value: str) -> str:
    value = value.strip()
    if len(value) >= 2 and value[0] == value[-1] and value[0] in "\"'" and value[0] not in value[1:-1]:
        return value[1:-1]
    return value
