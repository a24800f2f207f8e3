"""Where the time and the memory of a run go, per phase and over all ranks."""

from __future__ import annotations

import json
import resource
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict, astuple, dataclass
from pathlib import Path
from statistics import fmean
from types import TracebackType
from typing import NamedTuple

import psutil

from mpi_coupling import console
from mpi_coupling.failure import UserError
from mpi_coupling.world import World

MEBIBYTE = 2**20


@dataclass(frozen=True)
class Spread:
    """A quantity over the ranks."""

    minimum: float
    mean: float
    maximum: float

    @classmethod
    def of(cls, values: Sequence[float]) -> Spread:
        """The spread of one value per rank."""
        return cls(min(values), fmean(values), max(values))


@dataclass(frozen=True)
class PhaseSummary:
    """A phase over the ranks; one that never ran it counts with zeros.

    Attributes:
        seconds: wall time spent in the phase.
        cpu_seconds: processor time of the whole process in the phase; above `seconds` with threads, below it when
            the process slept.
        calls: how often the phase was run.
    """

    seconds: Spread
    cpu_seconds: Spread
    calls: Spread


@dataclass(frozen=True)
class ProfileSummary:
    """What `Profiler.summary` found, the same on every rank.

    Attributes:
        ranks: number of ranks.
        seconds: wall time since the profiler was made.
        phases: path of the phase, as "metabolism/advance" -> its figures, in the order of their first run.
        peak_bytes: largest resident memory so far.
        current_bytes: resident memory now.
    """

    ranks: int
    seconds: Spread
    phases: dict[str, PhaseSummary]
    peak_bytes: Spread
    current_bytes: Spread

    def share(self, path: str) -> float:
        """The part of the wall time, from 0 to 1, that the ranks spent in a phase on average; 0 if it never ran."""
        return self.phases[path].seconds.mean / self.seconds.mean if path in self.phases else 0.0

    def to_json(self) -> str:
        """The figures as JSON, with the names of the attributes; times in seconds, memory in bytes."""
        return json.dumps(asdict(self), indent=2)

    @classmethod
    def from_json(cls, text: str) -> ProfileSummary:
        """The figures that :meth:`to_json` wrote."""
        raw = json.loads(text)
        phases = {
            path: {name: Spread(**spread) for name, spread in phase.items()} for path, phase in raw["phases"].items()
        }
        spreads = {name: Spread(**raw[name]) for name in ("seconds", "peak_bytes", "current_bytes")}
        return cls(raw["ranks"], phases={path: PhaseSummary(**phase) for path, phase in phases.items()}, **spreads)

    def write(self, path: Path | str) -> None:
        """Writes the JSON to a file. Call it on one rank.

        Raises:
            UserError: the file cannot be written.
        """
        try:
            Path(path).write_text(self.to_json() + "\n")
        except OSError as error:
            raise UserError(f"{path}: the profile cannot be written ({error.strerror})") from error

    def print(self) -> None:
        """Prints times and memory as tables. Call it on one rank."""
        headings = ["min", "mean", "max"]
        total = ("total", *astuple(self.seconds), 100.0, None, None)
        phases = [
            (
                path,
                *astuple(phase.seconds),
                100 * self.share(path),
                phase.cpu_seconds.mean,
                int(phase.calls.maximum),
            )
            for path, phase in self.phases.items()
        ]
        console.table(
            f"Wall time of {self.ranks} rank(s) [s]",
            ["phase", *headings, "share [%]", "CPU mean", "calls"],
            [*phases, total],
        )
        memory = {"peak": self.peak_bytes, "at the end": self.current_bytes}
        console.table(
            "Resident memory per rank [MiB]",
            ["", *headings],
            [(name, *(value / MEBIBYTE for value in astuple(spread))) for name, spread in memory.items()],
        )


class Phase:
    """A named stretch of the program; entering it starts its clock. Made by `Profiler.phase`."""

    __slots__ = ("_cpu_began", "_outer", "_profiler", "_wall_began", "calls", "cpu_seconds", "path", "seconds")

    def __init__(self, profiler: Profiler, path: str) -> None:
        self._profiler = profiler
        self.path = path
        self.seconds = 0.0
        self.cpu_seconds = 0.0
        self.calls = 0

    def __enter__(self) -> None:
        self._outer = self._profiler.prefix
        self._profiler.prefix = self.path + "/"
        self._cpu_began = time.process_time()
        self._wall_began = time.perf_counter()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        wall_began = self._wall_began
        self._profiler.prefix = self._outer
        self._record(wall_began, time.perf_counter() - wall_began, time.process_time() - self._cpu_began)

    def _record(self, began: float, seconds: float, cpu_seconds: float) -> None:
        """Adds one run of the phase, which began at `began` on the clock of `time.perf_counter`."""
        self.seconds += seconds
        self.cpu_seconds += cpu_seconds
        self.calls += 1


class Profiler:
    """Adds up the time of the phases of a program. For one thread.

    Example:
        with profiler.phase("metabolism"):
            with profiler.phase("advance"):  # counted as "metabolism/advance", and in "metabolism"
                ...
    """

    def __init__(self) -> None:
        self.prefix = ""  # path of the running phase and a slash
        self._phases: dict[str, Phase] = {}
        self._began = time.perf_counter()

    def phase(self, name: str) -> Phase:
        """A `with` block that is timed under `name`, below the phase in which it stands."""
        path = self.prefix + name
        phase = self._phases.get(path)
        if phase is None:
            phase = self._phases[path] = self._make(path)
        return phase

    def _make(self, path: str) -> Phase:
        return Phase(self, path)

    def summary(self, world: World) -> ProfileSummary:
        """Joins the figures of all ranks, on every rank. Collective.

        The present run of a phase that has not ended yet does not count.
        """
        current = psutil.Process().memory_info().rss
        local = _RankFigures(
            time.perf_counter() - self._began,
            # the system brings its record of the peak up to date with some delay
            max(peak_resident_bytes(), current),
            current,
            {phase.path: (phase.seconds, phase.cpu_seconds, phase.calls) for phase in self._phases.values()},
        )
        ranks = world.comm.gather(local, root=0) or []
        return world.on_root(lambda: _join(ranks))


def peak_resident_bytes() -> int:
    """The largest resident memory of this process so far."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024  # Linux counts in KiB


class _RankFigures(NamedTuple):
    seconds: float
    peak_bytes: int
    current_bytes: int
    phases: dict[str, tuple[float, float, int]]


def _join(ranks: list[_RankFigures]) -> ProfileSummary:
    phases = {}
    for path in dict.fromkeys(path for rank in ranks for path in rank.phases):
        seconds, cpu_seconds, calls = zip(*(rank.phases.get(path, (0.0, 0.0, 0)) for rank in ranks), strict=True)
        phases[path] = PhaseSummary(Spread.of(seconds), Spread.of(cpu_seconds), Spread.of(calls))
    return ProfileSummary(
        ranks=len(ranks),
        seconds=Spread.of([rank.seconds for rank in ranks]),
        phases=phases,
        peak_bytes=Spread.of([rank.peak_bytes for rank in ranks]),
        current_bytes=Spread.of([rank.current_bytes for rank in ranks]),
    )
