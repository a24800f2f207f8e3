"""What a results folder holds, in a few numbers; works on unfinished runs."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import xarray as xr

from multiscale_run.analysis.catalogue import quantities
from multiscale_run.analysis.errors import NoData, Unreadable
from multiscale_run.analysis.results import Results, RunState
from multiscale_run.config import SimulationConfig

HIGHLIGHTS = (
    "sodium",
    "potassium_outside",
    "extracellular_potassium",
    "vessel_radius",
    "relative_flow",
    "inflow",
    "atp",
    "atp_after_exchange",
    "phosphocreatine",
)
"""Keys of the quantities that tell most."""


@dataclass(frozen=True)
class ReportSummary:
    """One report.

    Attributes:
        name: file name without ending.
        unit: of the values.
        rows: time steps written, and in the whole file.
        elements: values per time step.
        first: mean over all elements in the first row.
        last: mean over all elements in the last row written.
        lowest: smallest value of all.
        highest: largest value of all.
        moved: largest change of one element since the first row, with its sign.
        moved_part: the same over the element's first value; NaN where that is 0.
    """

    name: str
    unit: str
    rows: tuple[int, int]
    elements: int
    first: float
    last: float
    lowest: float
    highest: float
    moved: float
    moved_part: float


@dataclass(frozen=True)
class ResultsSummary:
    """A results folder.

    Attributes:
        folder: where it is.
        state: how far the run came.
        spikes: number of spikes; None where their file cannot be read.
        reports: all reports, by name.
        highlights: what each of the quantities that tell most is, and its report, as far as they were written.
        unreadable: why files of results cannot be read.
    """

    folder: Path
    state: RunState
    spikes: int | None
    reports: list[ReportSummary]
    highlights: list[tuple[str, ReportSummary]]
    unreadable: list[str]


def summarise(config: SimulationConfig) -> ResultsSummary:
    """Summarise the results of a simulation.

    Raises:
        UserError: nothing was computed yet.
    """
    results = Results(config.file)
    by_name: dict[str, ReportSummary] = {}
    unreadable = list(results.unreadable)
    for name, values in results.items():
        try:
            by_name[name] = _summarise_report(name, values)
        except Unreadable as error:  # its head can be read, its numbers cannot
            unreadable.append(str(error))
    highlights = []
    known = quantities() | results.of_others
    for key in (*HIGHLIGHTS, *results.of_others):
        with suppress(NoData, KeyError):
            highlights.append((known[key].label, by_name[str(results.quantity(key).name)]))
    return ResultsSummary(
        results.folder, results.state, _spikes(results), list(by_name.values()), highlights, unreadable
    )


def _spikes(results: Results) -> int | None:
    try:
        return results.spikes().sizes["spike"]
    except Unreadable:
        return None
    except NoData:
        return 0


def _summarise_report(name: str, array: xr.DataArray) -> ReportSummary:
    values = array.values if array.size else np.full((1, 1), np.nan)
    moved, moved_part = _largest_change(values)
    return ReportSummary(
        name=name,
        unit=array.attrs["units"],
        rows=(array.sizes["time"], array.attrs["planned_rows"]),
        elements=array.shape[1],
        first=float(np.nanmean(values[0])),
        last=float(np.nanmean(values[-1])),
        lowest=float(np.nanmin(values)),
        highest=float(np.nanmax(values)),
        moved=moved,
        moved_part=moved_part,
    )


def _largest_change(values: np.ndarray) -> tuple[float, float]:
    """The largest change of an element since the first row, and that over the element's first value."""
    change = np.where(np.isfinite(values), values - values[0], 0.0)
    row, element = np.unravel_index(np.argmax(np.abs(change)), change.shape)
    first = values[0, element]
    return float(change[row, element]), float(change[row, element] / first) if first else float("nan")
