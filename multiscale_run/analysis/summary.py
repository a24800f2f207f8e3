"""What a results folder holds, in a few numbers; works on unfinished runs."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import h5py
import numpy as np

from mpi_coupling.world import UserError
from multiscale_run.config import SimulationConfig
from multiscale_run.reports import SUCCESS


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
    """

    name: str
    unit: str
    rows: tuple[int, int]
    elements: int
    first: float
    last: float
    lowest: float
    highest: float


@dataclass(frozen=True)
class ResultsSummary:
    """A results folder.

    Attributes:
        folder: where it is.
        finished: whether the run came to its end.
        spikes: number of spikes by population.
        reports: all reports, by name.
    """

    folder: Path
    finished: bool
    spikes: dict[str, int]
    reports: list[ReportSummary]


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
    return ResultsSummary(folder, (folder / SUCCESS).exists(), spikes, reports)


def _summarise_report(name: str, group: h5py.Group) -> ReportSummary:
    data = group["data"]
    rows = int(data.attrs.get("last_written_step", len(data) - 1)) + 1
    values = data[:rows]
    nothing = np.full((1, 1), np.nan)
    values = values if values.size else nothing
    return ReportSummary(
        name=name,
        unit=str(data.attrs["units"]),
        rows=(rows, len(data)),
        elements=data.shape[1],
        first=float(np.nanmean(values[0])),
        last=float(np.nanmean(values[-1])),
        lowest=float(np.nanmin(values)),
        highest=float(np.nanmax(values)),
    )
