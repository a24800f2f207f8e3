"""Reading JSON that people write, and merging it."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from mpi_coupling.settings.problems import ABSENT, ConfigError, KeyPath, Problem, format_key_path


class _JsonObject(dict[str, Any]):
    """A JSON object that remembers the keys it was given twice."""

    def __init__(self, pairs: list[tuple[str, Any]]) -> None:
        super().__init__(pairs)
        keys = [key for key, _ in pairs]
        self.duplicates = sorted({key for key in keys if keys.count(key) > 1})


def read_json(file: Path, name: str) -> dict[str, Any]:
    """Read a JSON object.

    Args:
        file: where it is.
        name: the file as messages call it.

    Raises:
        ConfigError: the file cannot be read, is not a JSON object, or holds a key twice.
    """
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


def merge(below: Mapping[str, Any], above: Mapping[str, Any]) -> dict[str, Any]:
    """Merge two nested mappings key by key; where both have a value that is not a mapping, the one above wins."""
    merged = dict(below)
    for key, value in above.items():
        old = merged.get(key)
        merged[key] = merge(old, value) if isinstance(old, Mapping) and isinstance(value, Mapping) else value
    return merged


def _duplicates(node: Any, path: KeyPath = ()) -> Iterator[KeyPath]:
    if isinstance(node, _JsonObject):
        yield from ((*path, key) for key in node.duplicates)
    items = node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ()
    for key, value in items:
        yield from _duplicates(value, (*path, key))
