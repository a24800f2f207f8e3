"""What a results folder holds, in a few numbers; works on unfinished runs."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from pathlib import Path

import h5py
import numpy as np

from mpi_coupling.world import UserError
from multiscale_run.config import SimulationConfig
from multiscale_run.reports import SUCCESS

_HIGHLIGHTS = Path(__file__).with_name("highlights.csv")


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
        finished: whether the run came to its end.
        spikes: number of spikes by population.
        reports: all reports, by name.
        highlights: what each of the quantities that tell most is, and its report, as far as they were written.
    """

    folder: Path
    finished: bool
    spikes: dict[str, int]
    reports: list[ReportSummary]
    highlights: list[tuple[str, ReportSummary]]


def summarise(config: SimulationConfig) -> ResultsSummary:
    """Summarise the results of a simulation.

    Raises:
        UserError: nothing was computed yet.
    """
    folder = config.output_dir
    files = sorted(folder.glob("*.h5"))
    if not files:
        raise UserError(f"no results in {folder}; run: multiscale-run compute {config.folder}")
    spikes: dict[str, int] = {}
    reports = []
    for path in files:
        with h5py.File(path) as file:
            for population, group in file.get("spikes", {}).items():
                spikes[population] = len(group["timestamps"])
            for group in file.get("report", {}).values():
                reports.append(_summarise_report(path.stem, group))
    by_name = {report.name: report for report in reports}
    with _HIGHLIGHTS.open(newline="", encoding="utf-8") as stream:
        rows = [(row["quantity"], by_name[row["report"]]) for row in csv.DictReader(stream) if row["report"] in by_name]
    return ResultsSummary(folder, (folder / SUCCESS).exists(), spikes, reports, rows)


def _summarise_report(name: str, group: h5py.Group) -> ReportSummary:
    data = group["data"]
    rows = int(data.attrs.get("last_written_step", len(data) - 1)) + 1
    values = data[:rows]
    nothing = np.full((1, 1), np.nan)
    values = values if values.size else nothing
    moved, moved_part = _largest_change(values)
    return ReportSummary(
        name=name,
        unit=str(data.attrs["units"]),
        rows=(rows, len(data)),
        elements=data.shape[1],
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
