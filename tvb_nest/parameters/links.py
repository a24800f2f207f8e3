"""Keys that follow from others: the table, and how it is applied."""

from __future__ import annotations

import ast
import csv
import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Any

from simpleeval import simple_eval

from mpi_coupling.settings.problems import ABSENT, Finding, KeyPath, format_value, value_at
from tvb_nest.parameters.parameter_set import ParameterSet, keys
from tvb_nest.parameters.places import overlap

TOLERANCE = 1e-9
"""Relative difference up to which a number that a user gives agrees with its link."""


@dataclass(frozen=True)
class Link:
    """A key and what it is computed from.

    Attributes:
        target: the key, ``section.key``.
        source: expression of keys.
        unit: of the key.
    """

    target: str
    source: str
    unit: str

    @property
    def path(self) -> tuple[str, ...]:
        """Place of the key."""
        return tuple(self.target.split("."))

    @property
    def sources(self) -> tuple[tuple[str, ...], ...]:
        """Places of the keys in the expression."""
        return tuple(_places(ast.parse(self.source, mode="eval").body))

    def value(self, parameters: ParameterSet) -> Any:
        """What the key must be."""
        return simple_eval(self.source, names={name: getattr(parameters, name) for name in ParameterSet.model_fields})


@cache
def link_table() -> tuple[Link, ...]:
    """All links, in the order of the table."""
    units = {info.name: info.unit for info in keys()}
    with resources.files("tvb_nest.parameters").joinpath("links.csv").open(encoding="utf-8") as file:
        return tuple(Link(row["target"], row["source"], units[row["target"]]) for row in csv.DictReader(file))


def linked_values(parameters: ParameterSet) -> dict[tuple[str, ...], Any]:
    """Place of each linked key -> its value; without those whose source has none (no files of a connectome, say)."""
    values = {link.path: link.value(parameters) for link in link_table()}
    return {path: value for path, value in values.items() if value is not None}


def contradictions(
    document: Mapping[str, Any], parameters: ParameterSet, broken: Iterable[KeyPath]
) -> Iterator[Finding]:
    """Linked keys to which the user gave another value.

    Args:
        document: what the user gave.
        parameters: the same, typed; keys that are wrong have their default.
        broken: places that are wrong; links from them are not looked at.
    """
    wrong = list(broken)
    for link in link_table():
        given = value_at(document, link.path)
        if given is ABSENT or any(overlap(place, bad) for place in (link.path, *link.sources) for bad in wrong):
            continue
        expected = link.value(parameters)
        if not _agree(given, expected):
            yield Finding(link.path, _contradiction(link, expected, parameters))


def _contradiction(link: Link, expected: Any, parameters: ParameterSet) -> str:
    if link.source == ".".join(link.sources[0]):
        return f"is linked to {link.source} = {format_value(expected)}; remove it, or change that key"
    values = ", ".join(
        f"{'.'.join(path)} = {format_value(value_at(parameters.document(), path))}" for path in link.sources
    )
    return (
        f"is linked to {link.source} = {format_value(expected)} ({values}); remove it, or change what it is linked to"
    )


def _agree(given: Any, expected: Any) -> bool:
    if isinstance(given, int | float) and isinstance(expected, int | float):
        return math.isclose(given, expected, rel_tol=TOLERANCE)
    return bool(given == expected)


def _places(node: ast.AST) -> Iterator[tuple[str, ...]]:
    if isinstance(node, ast.Attribute):
        yield tuple(ast.unparse(node).split("."))
    else:
        for child in ast.iter_child_nodes(node):
            yield from _places(child)
