"""Following a run by the files that it writes, from this machine or, on a shared file system, from another.

Nothing is written, and nothing is held that the run waits for.
"""

from __future__ import annotations

import platform
import shlex
import time
from collections import deque
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

import numpy as np

from mpi_coupling.checkpoint import has_checkpoints
from mpi_coupling.failure import UserError
from mpi_coupling.locks import is_folder_held
from multiscale_run.analysis import Results, RunState
from multiscale_run.analysis.catalogue import quantities
from multiscale_run.config import SimulationConfig, load_config
from multiscale_run.config.document import FILE_NAME
from multiscale_run.output_folder import CHECKPOINTS, has_results
from multiscale_run.run_record import RUN, Event, read_events, reason_to_end

WATCHED = (
    ("atp", "atp_after_exchange"),
    ("adp", "adp_after_exchange"),
    ("sodium",),
    ("potassium",),
    ("calcium",),
    ("extracellular_potassium",),
    ("vessel_radius",),
    ("relative_flow",),
)
"""Keys of the quantities that are followed; of each the first one that is reported."""
LAST_WARNINGS = 3
WINDOW_MS = 100.0
"""Biological time of which the present firing rate is the mean."""
WINDOW_READINGS = 20
"""Readings over which the speed is the mean."""
QUIET_SECONDS = 120.0
"""A run of which the lock may not be seen counts as ended when it has written nothing so long: one on another machine,
or on a file system without locks."""
WAITING, BUILDING = "waiting", "building"


@dataclass(frozen=True)
class Spread:
    """A quantity at the last moment that is on disk: over all neurons, segments, vessels or tetrahedra.

    Attributes:
        label: in words.
        unit: of the values.
        mean: of those that have a value.
        lowest: of all.
        highest: of all.
    """

    label: str
    unit: str
    mean: float
    lowest: float
    highest: float


@dataclass(frozen=True)
class Moment:
    """What there is to see of a run.

    Attributes:
        state: as :class:`RunState` has it; ``waiting`` where nothing was computed yet, ``building`` while the model of
            a run is built.
        reached_ms: biological time on disk.
        planned_ms: end of the run.
        speed: biological time per wall time; NaN where it is not known.
        reason: why a run stopped itself.
        spikes: number of spikes.
        rate: mean rate of all neurons, Hz.
        present_rate: the same over the last 100 ms.
        neurons: number of neurons.
        alive: those that take part.
        spreads: quantities.
        warnings: the last ones, with their time in ms; and how many there are.
        n_warnings: how many there are.
        next_command: what goes on with a run that was killed, or begins it anew.
    """

    state: str
    reached_ms: float = 0.0
    planned_ms: float = 0.0
    speed: float = float("nan")
    reason: str = ""
    spikes: int | None = None
    rate: float | None = None
    present_rate: float | None = None
    neurons: int | None = None
    alive: int | None = None
    spreads: tuple[Spread, ...] = ()
    warnings: tuple[str, ...] = ()
    n_warnings: int = 0
    next_command: str = ""

    @property
    def is_over(self) -> bool:
        """Whether nothing more will come."""
        return self.state in ("finished", "stopped", "unfinished")

    @property
    def seconds_left(self) -> float:
        """Wall time to the end of the run, s; NaN where it is not known."""
        return (self.planned_ms - self.reached_ms) / 1000 / self.speed if self.speed > 0 else float("nan")

    @property
    def outcome(self) -> str:
        """The state in a sentence."""
        at = f"at {self.reached_ms:g} of {self.planned_ms:g} ms"
        match self.state:
            case "waiting":
                return "waiting: there are no results yet"
            case "building":
                return "running: the model is being built"
            case "finished":
                return f"finished: {self.planned_ms:g} ms"
            case "stopped":
                return str(RunState("stopped", self.reached_ms, self.planned_ms, self.reason))
            case "unfinished":
                return f"ended {at}, as a run that was killed or crashed; {self.next_command}"
        return f"running {at}"


def follow(folder: Path, every_seconds: float) -> Iterator[Moment]:
    """What there is to see of a run, again and again, until it is over.

    Args:
        folder: simulation folder or configuration file.
        every_seconds: wall time between two looks.

    Raises:
        UserError: it is no simulation, or the results cannot be read.
    """
    readings: deque[tuple[float, float]] = deque(maxlen=WINDOW_READINGS)
    config = load_config(folder)
    while True:
        moment = look(config)
        if readings and moment.reached_ms < readings[-1][1]:
            readings.clear()  # a run that began anew
        if moment.state == "running":
            readings.append((time.monotonic(), moment.reached_ms))
        (first, start), (last, stop) = (readings[0], readings[-1]) if readings else ((0.0, 0.0), (0.0, 0.0))
        if moment.state == "running" and stop > start:
            moment = replace(moment, speed=(stop - start) / 1000 / (last - first))
        yield moment
        if moment.is_over:
            return
        time.sleep(every_seconds)


def look(config: SimulationConfig) -> Moment:
    """What there is to see of a run at this moment.

    Raises:
        UserError: the results cannot be read.
    """
    results = _results(config)
    if results is None:
        return _without_results(config)
    state = results.state
    if state.state == "unfinished":  # it may have come to its end between two of our looks at its files
        time.sleep(0.2)
        results = _results(config) or results
        state = results.state
    kind, reached = _kind(results, state), state.reached_ms
    warnings = [*map(_told, results.warnings), *results.unreadable]
    if kind == "running" and not (results.description and results.description.resumed_from_ms):
        written = _written_by_this_run(results)
        if not written:
            return Moment(BUILDING, planned_ms=state.planned_ms)
        reached = max(written)
    return _with_spikes(
        Moment(
            kind,
            reached,
            state.planned_ms,
            _mean_speed(results, reached) if kind == "running" else float("nan"),
            state.reason,
            neurons=results.neurons().sizes["neuron"],
            alive=int(results.alive()["alive"].isel(time=-1).sum()),
            spreads=tuple(_spreads(results)),
            warnings=tuple(warnings[-LAST_WARNINGS:]),
            n_warnings=len(warnings),
            next_command=_next_command(config),
        ),
        results,
    )


def _next_command(config: SimulationConfig) -> str:
    simulation = shlex.quote(str(config.folder if config.file.name == FILE_NAME else config.file))
    if has_checkpoints(config.output_dir / CHECKPOINTS):
        return f"to go on: multiscale-run compute --continue {simulation}"
    return f"to begin anew: multiscale-run compute {simulation}"


def _without_results(config: SimulationConfig) -> Moment:
    if is_folder_held(config.output_dir):
        return Moment(BUILDING)
    reason = reason_to_end(read_events(config.output_dir))
    return Moment("stopped", planned_ms=config.run.tstop, reason=reason) if reason else Moment(WAITING)


def _results(config: SimulationConfig) -> Results | None:
    """None where there are none; a new one each time, because it is a view of one moment."""
    return Results(config.file) if has_results(config) else None


def _kind(results: Results, state: RunState) -> str:
    age = time.time() - _newest(results.folder)
    elsewhere = results.description is not None and results.description.machine != platform.node()
    unseen = elsewhere or is_folder_held(results.folder) is None
    if state.state == "unfinished" and unseen and age < QUIET_SECONDS:
        return "running"
    return state.state


def _written_by_this_run(results: Results) -> list[float]:
    """Times of the last rows of the reports, ms; those of an earlier run in the same folder are left out."""
    record = results.folder / RUN
    began = record.stat().st_mtime if record.exists() else 0.0
    return [float(f.times[-1]) for f in results.files.values() if f.rows and f.path.stat().st_mtime >= began]


def _newest(folder: Path) -> float:
    """When a report was last written to, in seconds since 1970."""
    return max((file.stat().st_mtime for file in folder.glob("*.h5")), default=0.0)


def _mean_speed(results: Results, reached_ms: float) -> float:
    """Biological time per wall time since the run was started, the building of the model included."""
    if results.description is None:
        return float("nan")
    began = datetime.fromisoformat(results.description.started)
    seconds = (datetime.now(UTC) - began).total_seconds()
    return (reached_ms - (results.description.resumed_from_ms or 0.0)) / 1000 / max(seconds, 1e-9)


def _with_spikes(moment: Moment, results: Results) -> Moment:
    with suppress(UserError):
        times = results.spikes()["time"].values
        neurons = max(moment.neurons or 0, 1)
        window = min(WINDOW_MS, moment.reached_ms)
        recent = int((times > moment.reached_ms - window).sum())
        return replace(
            moment,
            spikes=len(times),
            rate=_rate(len(times), neurons, moment.reached_ms),
            present_rate=_rate(recent, neurons, window),
        )
    return moment


def _rate(spikes: int, neurons: int, milliseconds: float) -> float | None:
    return spikes / neurons / (milliseconds / 1000) if milliseconds > 0 else None


def _spreads(results: Results) -> Iterator[Spread]:
    known = quantities() | results.of_others
    for keys in (*WATCHED, *((key,) for key in results.of_others)):
        for key in keys:
            with suppress(UserError):  # not reported, or just being written
                array = results.quantity(key)
                last = array.isel(time=-1).values
                if np.isfinite(last).any():
                    numbers = (float(f(last)) for f in (np.nanmean, np.nanmin, np.nanmax))
                    yield Spread(known[key].label, str(array.attrs["units"]), *numbers)
                    break


def _told(event: Event) -> str:
    return event.message if event.time_ms is None else f"{event.time_ms:g} ms: {event.message}"
