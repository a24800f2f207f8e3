"""The points of an exploration: which keys take which values, and what their folders are called."""

from __future__ import annotations

import csv
import itertools
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from mpi_coupling.failure import UserError
from mpi_coupling.settings.problems import nearest
from tvb_nest.parameters import KeyInfo, keys, link_table

RANGE_PARTS = 3
DIGITS = 12
"""Significant digits of the values of a range: 0.1, not 0.30000000000000004."""

RESULT_PATH = "result_path"


@dataclass(frozen=True)
class Point:
    """A point of an exploration.

    Attributes:
        values: ``section.key`` -> value, in the order in which they vary.
    """

    values: Mapping[str, Any]

    @property
    def folder_name(self) -> str:
        """The original's pattern: ``_<key>_<value>`` for each key, with as much of its section as tells keys apart."""
        return "".join(
            f"_{name}_{value}".replace("/", "-")
            for name, value in zip(short_names(list(self.values)), self.values.values(), strict=True)
        )


def axis_of(text: str) -> tuple[str, list[Any]]:
    """Read what a user varies: ``section.key=values``.

    Values are a list ``1,2,5``, a range ``start:stop:count`` with both ends, or a JSON list ``[[1, 2], [3, 4]]``.

    Raises:
        UserError: it cannot be understood, or the key cannot be explored.
    """
    name, equals, values = text.partition("=")
    if not equals or not values.strip():
        raise UserError(f"{text}: must be KEY=VALUES, such as param_nest_connection.g=3.5,5,10")
    return explorable(name.strip()), _values(values.strip(), text)


def points_of_grid(axes: Iterable[tuple[str, Sequence[Any]]]) -> list[Point]:
    """All combinations; the last key varies fastest, as in the original.

    Raises:
        UserError: a key is given twice.
    """
    named = list(axes)
    names = [name for name, _ in named]
    for name in names:
        if names.count(name) > 1:
            raise UserError(f"{name} is varied twice; give all its values at once")
    return [Point(dict(zip(names, values, strict=True))) for values in itertools.product(*(axis for _, axis in named))]


def points_of_table(file: Path) -> list[Point]:
    """Points from a CSV file: a column for each key, a row for each point.

    Raises:
        UserError: the file cannot be read, a key cannot be explored, or a value is missing.
    """
    try:
        with file.open(newline="", encoding="utf-8-sig") as lines:
            rows = list(csv.reader(lines))
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(f"{file}: cannot be read: {error}") from error
    if len(rows) <= 1:
        raise UserError(f"{file}: has no points; the first line names keys, every other one gives their values")
    names = [explorable(name.strip()) for name in rows[0]]
    points = []
    for number, row in enumerate(rows[1:], start=2):
        if len(row) != len(names) or not all(row):
            raise UserError(f"{file}: line {number} must have {len(names)} values, one for each key")
        points.append(Point({name: _value(text) for name, text in zip(names, row, strict=True)}))
    return points


def explorable(name: str) -> str:
    """The full name of a key that may be varied; its last parts will do where only one key ends with them.

    Raises:
        UserError: there is no such key, there are several, or it follows from another one.
    """
    known = {info.name: info for info in keys()}
    matches = [info for info in known.values() if f".{info.name}".endswith(f".{name}")]
    free = [info for info in matches if not info.linked]
    if len(free) > 1:
        raise UserError(f"{name}: there are {_either(free)}; write one of them")
    if not matches:
        suggestion = nearest(name, [*known, *(info.path[-1] for info in known.values())])
        raise UserError(f"{name}: is not a key" + (f'; did you mean "{suggestion}"?' if suggestion else ""))
    if not free:
        source = next(link.source for link in link_table() if link.target == matches[0].name)
        raise UserError(f"{matches[0].name}: is linked to {source}; vary that instead")
    if free[0].unused or free[0].name == RESULT_PATH:
        raise UserError(f"{free[0].name}: cannot be varied; it does not change the simulation")
    return free[0].name


def short_names(names: Sequence[str]) -> list[str]:
    """The last part of each name, or its last two where that is not enough to tell them apart."""
    last = [name.rpartition(".")[2] for name in names]
    return [
        short if last.count(short) == 1 else ".".join(name.split(".")[-2:])
        for name, short in zip(names, last, strict=True)
    ]


def _either(infos: Sequence[KeyInfo]) -> str:
    return " and ".join(info.name for info in infos)


def _values(text: str, whole: str) -> list[Any]:
    if text.startswith("["):
        try:
            values = json.loads(text)
        except json.JSONDecodeError as error:
            raise UserError(f"{whole}: not a JSON list: {error.msg}") from error
    elif text.count(":") == RANGE_PARTS - 1:
        values = _range(text, whole)
    else:
        values = [_value(part.strip()) for part in text.split(",")]
    if not values:
        raise UserError(f"{whole}: has no values")
    return list(values)


def _range(text: str, whole: str) -> list[float]:
    try:
        start, stop, count = text.split(":")
        return [float(f"{value:.{DIGITS}g}") for value in np.linspace(float(start), float(stop), int(count))]
    except ValueError as error:
        raise UserError(f"{whole}: a range must be start:stop:count, two numbers and a whole number") from error


def _value(text: str) -> Any:
    try:
        return json.loads(text)
    except json.JSONDecodeError:
        return text
