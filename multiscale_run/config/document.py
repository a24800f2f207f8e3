"""Reading a JSON configuration with its parents, remembering which file supplied which value."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from multiscale_run.config.problems import ABSENT, ConfigError, Finding, KeyPath, Problem, format_key_path

PARENT_KEY = "parent_config_path"
SECTION = "multiscale_run"
FILE_NAME = "simulation_config.json"


class _JsonObject(dict[str, Any]):
    """A JSON object that remembers the keys it was given twice."""

    def __init__(self, pairs: list[tuple[str, Any]]) -> None:
        super().__init__(pairs)
        keys = [key for key, _ in pairs]
        self.duplicates = sorted({key for key in keys if keys.count(key) > 1})


@dataclass(frozen=True)
class Document:
    """A configuration merged from one or more files.

    Attributes:
        folder: folder of the first file; relative paths in the configuration start here.
        data: the merged content.
        sources: for each place, the file that supplied it, relative to the folder.
    """

    folder: Path
    data: dict[str, Any]
    sources: Mapping[KeyPath, str]

    def value(self, path: Sequence[str | int]) -> Any:
        """The value at a place, or ABSENT."""
        node: Any = self.data
        for part in path:
            try:
                node = node[part]
            except (KeyError, IndexError, TypeError):
                return ABSENT
        return node

    def problem(self, finding: Finding) -> Problem:
        """Complete a finding with the file that supplied the place and the value there."""
        prefixes = (finding.path[:length] for length in range(len(finding.path), -1, -1))
        file = next(self.sources[prefix] for prefix in prefixes if prefix in self.sources)
        return Problem(
            file, format_key_path(finding.path), self.value(finding.path), finding.message, finding.suggestion
        )


def locate(path: Path | str) -> Path:
    """The configuration file that a user means by a folder or a file.

    Raises:
        ConfigError: there is no such file.
    """
    file = Path(path)
    if file.is_dir():
        file = file / FILE_NAME
    if not file.is_file():
        raise ConfigError(
            [Problem(str(file), "", ABSENT, "no such file; name a folder with one, or run `multiscale-run init` there")]
        )
    return file.resolve()


def read_document(path: Path | str) -> Document:
    """Read a configuration and merge it with its parents.

    A file may name a parent by ``parent_config_path`` (at the top or in ``multiscale_run``; relative to the file that
    names it). Objects are merged key by key, the child wins; lists and scalars are replaced.

    Args:
        path: a file, or a folder with a ``simulation_config.json``.

    Raises:
        ConfigError: a file is missing, is not JSON, holds a key twice, or is its own ancestor.
    """
    file = locate(path)
    return _read_chain(file, file.parent, ())


def _read_chain(file: Path, folder: Path, children: tuple[Path, ...]) -> Document:
    name = os.path.relpath(file, folder)
    data = _read_json(file, name)
    document = Document(folder, data, dict(_places(data, name)))
    parent_path = next((p for p in ((PARENT_KEY,), (SECTION, PARENT_KEY)) if document.value(p) is not ABSENT), None)
    if parent_path is None:
        return document
    parent_file = _parent_file(document, parent_path, file, (*children, file))
    holder = data if len(parent_path) == 1 else data[SECTION]
    del holder[PARENT_KEY]
    parent = _read_chain(parent_file, folder, (*children, file))
    return Document(folder, merge(parent.data, data), {**parent.sources, **document.sources})


def _parent_file(document: Document, place: KeyPath, file: Path, chain: tuple[Path, ...]) -> Path:
    value = document.value(place)
    if not isinstance(value, str):
        raise ConfigError([document.problem(Finding(place, "must be the path of a JSON file"))])
    parent = (file.parent / value).resolve()
    if parent in chain:
        cycle = " -> ".join(os.path.relpath(f, document.folder) for f in (*chain, parent))
        raise ConfigError([document.problem(Finding(place, f"files are each other's parents: {cycle}"))])
    if not parent.is_file():
        raise ConfigError([document.problem(Finding(place, f"no such file: {parent}"))])
    return parent


def _read_json(file: Path, name: str) -> dict[str, Any]:
    try:
        data = json.loads(file.read_text(encoding="utf-8-sig"), object_pairs_hook=_JsonObject)
    except json.JSONDecodeError as error:
        place = f"line {error.lineno}, column {error.colno}"
        raise ConfigError([Problem(name, place, ABSENT, f"not valid JSON: {error.msg}")]) from error
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError([Problem(name, "", ABSENT, f"cannot be read: {error}")]) from error
    if not isinstance(data, dict):
        raise ConfigError([Problem(name, "", ABSENT, "must hold a JSON object {...}")])
    duplicates = [
        Problem(name, format_key_path(path), ABSENT, "is given twice; keep one of them") for path in _duplicates(data)
    ]
    if duplicates:
        raise ConfigError(duplicates)
    return data


def _duplicates(node: Any, path: KeyPath = ()) -> Iterator[KeyPath]:
    if isinstance(node, _JsonObject):
        yield from ((*path, key) for key in node.duplicates)
    items = node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ()
    for key, value in items:
        yield from _duplicates(value, (*path, key))


def _places(node: Any, file: str, path: KeyPath = ()) -> Iterator[tuple[KeyPath, str]]:
    yield path, file
    if isinstance(node, dict):
        for key, value in node.items():
            yield from _places(value, file, (*path, key))


def merge(below: Mapping[str, Any], above: Mapping[str, Any]) -> dict[str, Any]:
    """Merge two nested mappings key by key; where both have a value that is not a mapping, the one above wins."""
    merged = dict(below)
    for key, value in above.items():
        old = merged.get(key)
        merged[key] = merge(old, value) if isinstance(old, Mapping) and isinstance(value, Mapping) else value
    return merged
