"""Places in nested documents: setting and taking out a value by its path."""

from __future__ import annotations

import copy
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from mpi_coupling.settings.problems import value_at


def with_values(document: Mapping[str, Any], values: Mapping[tuple[str, ...], Any]) -> dict[str, Any]:
    """A copy of a document with other values at some places; sections that are missing are made."""
    result = copy.deepcopy(dict(document))
    for path, value in values.items():
        node = result
        for part in path[:-1]:
            node = node.setdefault(part, {})
        node[path[-1]] = value
    return result


def without(document: Mapping[str, Any], paths: Iterable[Sequence[str | int]]) -> dict[str, Any]:
    """A copy of a document without the keys at or above some places; an item takes its whole list with it."""
    result = copy.deepcopy(dict(document))
    for path in paths:
        first_item = next((number for number, part in enumerate(path) if isinstance(part, int)), len(path))
        *parents, name = path[:first_item] or ("",)
        node = value_at(result, parents)
        if isinstance(node, dict):
            node.pop(name, None)
    return result


def overlap(one: Sequence[str | int], other: Sequence[str | int]) -> bool:
    """Whether one of two places is the other or inside it."""
    shorter = min(len(one), len(other))
    return tuple(one[:shorter]) == tuple(other[:shorter])
