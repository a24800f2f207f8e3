"""What is wrong with settings: problems, each naming file, key, value, what is allowed and the remedy."""

from __future__ import annotations

import difflib
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any, TypeAlias

from mpi_coupling.failure import UserError

KeyPath: TypeAlias = tuple[str | int, ...]
"""Place in a JSON document: keys of objects and indices of lists, from the root."""

LONGEST_VALUE = 60
"""Characters of a value shown in a message."""


class Absent(Enum):
    """Stands for the value of a key that is not there (``null`` is a value)."""

    VALUE = "absent"


ABSENT = Absent.VALUE


def value_at(document: Any, path: Sequence[str | int]) -> Any:
    """The value at a place of a nested document, or ABSENT."""
    node = document
    for part in path:
        try:
            node = node[part]
        except (KeyError, IndexError, TypeError):
            return ABSENT
    return node


def format_key_path(path: Sequence[str | int]) -> str:
    """Write a key path as users do: ``multiscale_run.connections.after_steps_advance[2].action``."""
    text = ""
    for part in path:
        text += f"[{part}]" if isinstance(part, int) else f".{part}" if text else part
    return text


def format_value(value: Any) -> str:
    """Write a value as JSON, cut to a readable length."""
    text = json.dumps(value, ensure_ascii=False, default=str)
    return text if len(text) <= LONGEST_VALUE else text[: LONGEST_VALUE - 3] + "..."


def nearest(name: object, allowed: Iterable[str]) -> str | None:
    """The allowed name that a mistyped one probably means, or None."""
    candidates = {option.lower(): option for option in allowed}
    matches = difflib.get_close_matches(str(name).lower(), candidates, n=1, cutoff=0.6)
    return candidates[matches[0]] if matches else None


@dataclass(frozen=True)
class Problem:
    """One thing the user has to correct.

    Attributes:
        file: the file that supplied the value, relative to the simulation folder.
        key_path: place in the file, as the user writes it; empty for the file as a whole.
        value: the offending value, or ABSENT.
        message: what is allowed, and the remedy where it is not obvious.
        suggestion: the name that was probably meant, or None.
    """

    file: str
    key_path: str
    value: Any
    message: str
    suggestion: str | None = None

    def __str__(self) -> str:
        place = ": ".join(part for part in (self.file, self.key_path) if part)
        shown = "" if self.value is ABSENT else f" = {format_value(self.value)}"
        hint = f'; did you mean "{self.suggestion}"?' if self.suggestion else ""
        return f"{place}{shown}: {self.message}{hint}"


@dataclass(frozen=True)
class Finding:
    """A problem or note before the file and the value at its place are looked up.

    Attributes:
        path: where in the document.
        message: what is allowed, or what the user should know.
        suggestion: the name that was probably meant, or None.
    """

    path: KeyPath
    message: str
    suggestion: str | None = None


def unknown_name(path: KeyPath, name: object, message: str, allowed: Iterable[str]) -> Finding:
    """Finding for a name that is not known: with the one that was probably meant, else with all that are allowed."""
    options = list(allowed)
    suggestion = nearest(name, options)
    return Finding(path, message if suggestion else f"{message}; allowed: {', '.join(options) or 'none'}", suggestion)


@dataclass(frozen=True)
class Note:
    """Something the user should know about a configuration that is correct.

    Attributes:
        key_path: place in the configuration.
        message: one sentence.
    """

    key_path: str
    message: str

    def __str__(self) -> str:
        return f"{self.key_path}: {self.message}"


class ConfigError(UserError):
    """A configuration cannot be used; carries every problem that was found.

    Args:
        problems: all problems, in the order in which they are printed, one line each.
    """

    def __init__(self, problems: Sequence[Problem]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(str(problem) for problem in self.problems))
