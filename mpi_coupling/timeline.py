"""When each rank was in which phase, as a trace that Perfetto (ui.perfetto.dev) and chrome://tracing show.

Format: Trace Event Format, complete events ("X") with times in microseconds; a rank is a process of the trace.
"""

from __future__ import annotations

import json
import platform
import time
from pathlib import Path
from typing import Any

import numpy as np

from mpi_coupling.console import get_logger
from mpi_coupling.failure import UserError
from mpi_coupling.profile import Phase, Profiler
from mpi_coupling.world import World

MOST_EVENTS = 1_000_000
"""Events that a rank keeps, some 24 MB; later ones are only counted."""

MICROSECONDS = 1e6

log = get_logger(__name__)


class TimelineProfiler(Profiler):
    """A profiler that also remembers when each phase ran. Made on all ranks together, so that their clocks agree.

    Args:
        world: the ranks.
    """

    def __init__(self, world: World) -> None:
        super().__init__()
        self._world = world
        self._paths: dict[str, int] = {}
        self._events: list[tuple[int, float, float]] = []
        self._lost = 0
        world.barrier()
        self._zero = time.perf_counter()

    def write_timeline(self, path: Path) -> None:
        """Write the trace of all ranks. Collective.

        Raises:
            UserError: on every rank, when the file cannot be written.
        """
        events = np.array(self._events, dtype=[("phase", np.int32), ("began", float), ("seconds", float)])
        own = (platform.node(), list(self._paths), events, self._lost)
        ranks = self._world.comm.gather(own, root=0) or []
        self._world.on_root(lambda: _write(path, ranks))
        if self._world.is_root:
            log.info("each rank's phases are in %s; open it at ui.perfetto.dev", path)

    def _make(self, path: str) -> Phase:
        return _RememberedPhase(self, path)

    def remember(self, path: str, began: float, seconds: float) -> None:
        """Keep one run of a phase, which began at `began` on the clock of `time.perf_counter`."""
        if len(self._events) == MOST_EVENTS:
            self._lost += 1
            return
        self._events.append((self._paths.setdefault(path, len(self._paths)), began - self._zero, seconds))


class _RememberedPhase(Phase):
    __slots__ = ()

    _profiler: TimelineProfiler

    def _record(self, began: float, seconds: float, cpu_seconds: float) -> None:
        super()._record(began, seconds, cpu_seconds)
        self._profiler.remember(self.path, began, seconds)


def _write(path: Path, ranks: list[tuple[str, list[str], np.ndarray, int]]) -> None:
    trace: list[dict[str, Any]] = []
    for rank, (node, paths, events, lost) in enumerate(ranks):
        name = f"rank {rank} on {node}" + (f" ({lost} later events left out)" if lost else "")
        trace.append({"name": "process_name", "ph": "M", "pid": rank, "args": {"name": name}})
        trace += [
            {
                "name": paths[phase].rpartition("/")[2],
                "cat": paths[phase],
                "ph": "X",
                "ts": round(began * MICROSECONDS, 3),
                "dur": round(seconds * MICROSECONDS, 3),
                "pid": rank,
                "tid": 0,
            }
            for phase, began, seconds in events.tolist()
        ]
    try:
        path.write_text(json.dumps({"traceEvents": trace, "displayTimeUnit": "ms"}))
    except OSError as error:
        raise UserError(f"{path}: the timeline cannot be written ({error.strerror})") from error
