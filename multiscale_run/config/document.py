"""Reading a JSON configuration with its parents, remembering which file supplied which value."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mpi_coupling.settings.json_file import merge, read_json
from mpi_coupling.settings.problems import ABSENT, ConfigError, Finding, KeyPath, Problem, format_key_path, value_at

PARENT_KEY = "parent_config_path"
SECTION = "multiscale_run"
FILE_NAME = "simulation_config.json"


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
        return value_at(self.data, path)

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
        is_there = file.parent.is_dir() and file.name == FILE_NAME
        problem = "no such file; name a folder with one" if is_there else "no such folder or file; name one that exists"
        raise ConfigError([Problem(str(file), "", ABSENT, f"{problem}, or run `multiscale-run init` there")])
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
    data = read_json(file, name)
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


def _places(node: Any, file: str, path: KeyPath = ()) -> Iterator[tuple[KeyPath, str]]:
    yield path, file
    if isinstance(node, dict):
        for key, value in node.items():
            yield from _places(value, file, (*path, key))
