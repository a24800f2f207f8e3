"""The results of an exploration in one table and one figure."""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from mpi_coupling.failure import UserError
from tvb_nest.exploration.points import short_names
from tvb_nest.exploration.record import read_record
from tvb_nest.exploration.running import Exploration
from tvb_nest.parameters import keys
from tvb_nest.recording import BRAIN_RATE, SUMMARY, WALL_TIME

TABLE_FILE = "summary.csv"
RECORDED = ("state", "seconds", "message")

IN_WORDS = (
    (re.compile(BRAIN_RATE), "mean excitatory rate of the brain (Hz)"),
    (re.compile(r"rate_excitatory_region_(\d+)_Hz"), r"excitatory rate of region \1 (Hz)"),
    (re.compile(r"mean_(.+)_brain"), r"mean of \1 over the brain"),
    (re.compile(WALL_TIME), "wall time per biological time (s/s)"),
)
"""Names of results, and what the axis of a figure says instead."""

Measure: TypeAlias = Callable[[Path], Mapping[str, float]]
"""Numbers that describe the results in a folder."""


def results_of(folder: Path) -> Mapping[str, float]:
    """The numbers that a run left in its folder; none when it did not come to its end."""
    file = folder / SUMMARY
    content = json.loads(file.read_text(encoding="utf-8")) if file.is_file() else {}
    return {name: value for name, value in content.items() if isinstance(value, int | float)}


def summarise(exploration: Exploration, result: str | None = None, measure: Measure = results_of) -> list[Path]:
    """Write summary.csv, and a figure of one result over the first two keys.

    Args:
        exploration: some or all of its points may have been run.
        result: the result in the figure; None: the mean excitatory rate, or else the first that is no wall time.
        measure: finds the results of a point.

    Returns:
        The files that were written.

    Raises:
        UserError: no point has the result.
    """
    measured = [dict(measure(exploration.folder_of(point))) for point in exploration.points]
    names = list(dict.fromkeys(name for numbers in measured for name in numbers))
    if result is not None and result not in names:
        raise UserError(f"no point has a result {result}; there are: {', '.join(names) or 'none'}")
    exploration.folder.mkdir(parents=True, exist_ok=True)
    table = exploration.folder / TABLE_FILE
    _write_table(table, exploration, measured, names)
    chosen = result or _most_telling(names)
    if chosen is None:
        return [table]
    figure = exploration.folder / f"{chosen.replace('/', '-')}.png"
    values = np.array([numbers.get(chosen, np.nan) for numbers in measured], float)
    draw(figure, [point.values for point in exploration.points], values, chosen)
    return [table, figure]


def _most_telling(names: Sequence[str]) -> str | None:
    """The result that is drawn when nobody says which; None if there is none."""
    return min(names, key=lambda name: (name != BRAIN_RATE, name == WALL_TIME), default=None)


def in_words(result: str) -> str:
    """A result with its unit, for an axis; its name if it is none of ours."""
    for pattern, words in IN_WORDS:
        if match := pattern.fullmatch(result):
            return match.expand(words)
    return result


def _with_units(names: Sequence[str]) -> list[str]:
    """Short names of keys with their units."""
    units = {info.name: info.unit for info in keys()}
    return [
        f"{short} ({units[name]})" if units.get(name) else short
        for name, short in zip(names, short_names(names), strict=True)
    ]


def draw(file: Path, points: Sequence[Mapping[str, Any]], values: NDArray[np.float64], result: str) -> None:
    """Draw a curve over one key, or a heat map over the first two; other keys are averaged over.

    Args:
        file: of the figure.
        points: key -> value.
        values: result at each point, NaN where there is none.
        result: its name.
    """
    from matplotlib.figure import Figure

    names = list(points[0])
    labels, result = _with_units(names), in_words(result)
    figure = Figure(figsize=(6, 4.5), layout="constrained")
    axes = figure.add_subplot()
    if len(names) == 1:
        levels, means = _pivot(points, values, names[0], None)
        axes.plot([str(level) if not _is_number(level) else level for level in levels[0]], means[:, 0], marker="o")
        axes.set(xlabel=labels[0], ylabel=result)
    else:
        levels, means = _pivot(points, values, names[0], names[1])
        image = axes.imshow(means.T, origin="lower", aspect="auto")
        axes.set_xticks(range(len(levels[0])), [str(level) for level in levels[0]])
        axes.set_yticks(range(len(levels[1])), [str(level) for level in levels[1]])
        axes.set(xlabel=labels[0], ylabel=labels[1])
        figure.colorbar(image, label=result)
    if len(names) > 2:
        axes.set_title(f"mean over {', '.join(short_names(names)[2:])}", fontsize="medium")
    figure.savefig(file, dpi=150)


def _pivot(
    points: Sequence[Mapping[str, Any]], values: NDArray[np.float64], across: str, up: str | None
) -> tuple[tuple[list[Any], list[Any]], NDArray[np.float64]]:
    """The levels of two keys and the mean at each pair of them, NaN where there is none."""
    places = [(point[across], None if up is None else point[up]) for point in points]
    levels = _levels([place[0] for place in places]), _levels([place[1] for place in places])
    sums = np.zeros((len(levels[0]), len(levels[1])))
    counts = np.zeros_like(sums)
    for (horizontal, vertical), value in zip(places, values, strict=True):
        if np.isfinite(value):
            cell = levels[0].index(horizontal), levels[1].index(vertical)
            sums[cell] += value
            counts[cell] += 1
    return levels, np.divide(sums, counts, out=np.full_like(sums, np.nan), where=counts > 0)


def _levels(values: Sequence[Any]) -> list[Any]:
    """Different values: numbers in order, others as they come."""
    different: list[Any] = []
    for value in values:
        if value not in different:
            different.append(value)
    return sorted(different) if all(map(_is_number, different)) else different


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _write_table(
    file: Path, exploration: Exploration, measured: Sequence[Mapping[str, float]], names: Sequence[str]
) -> None:
    with file.open("w", newline="", encoding="utf-8") as lines:
        writer = csv.writer(lines)
        writer.writerow(["folder", *exploration.points[0].values, *RECORDED, *names])
        for point, numbers in zip(exploration.points, measured, strict=True):
            record = read_record(exploration.folder_of(point))
            state = ["", "", ""] if record is None else [record.state, f"{record.seconds:.3f}", record.message]
            row = [point.folder_name, *point.values.values(), *state, *(numbers.get(name, "") for name in names)]
            writer.writerow(row)
