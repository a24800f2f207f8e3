"""What the benchmarks of whole runs share: build a circuit, compute it as a user does, read the profile."""

from __future__ import annotations

import json
import os
import platform
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

PROGRAM = str(Path(sys.executable).parent / "multiscale-run")


@dataclass(frozen=True)
class MeasuredRun:
    """A run that was computed.

    Attributes:
        init_seconds: wall time of ``init``.
        profile: content of profile.json.
    """

    init_seconds: float
    profile: dict[str, Any]

    def seconds(self, *phases: str, kind: str = "cpu_seconds", over: str = "mean") -> float:
        """Time of some phases added up, over the ranks; processor time unless ``kind`` is ``seconds``."""
        known = self.profile["phases"]
        return sum(known[phase][kind][over] for phase in phases if phase in known)

    @property
    def building(self) -> tuple[str, ...]:
        """Names of the phases before the run begins."""
        return tuple(name for name in self.profile["phases"] if name.startswith("build/"))

    @property
    def peak_mib(self) -> float:
        """Most memory that a rank took."""
        return self.profile["peak_bytes"]["maximum"] / 2**20


def measured_run(neurons: int, milliseconds: float, ranks: int = 1, report_ms: float | None = None) -> MeasuredRun:
    """Build a circuit of some neurons and compute it.

    Args:
        neurons: number of neurons.
        milliseconds: biological time.
        ranks: of MPI.
        report_ms: interval of the neurons' reports; None: as ``init`` writes them.
    """
    with TemporaryDirectory() as name:
        folder = Path(name) / "simulation"
        start = time.perf_counter()
        _run(PROGRAM, "init", "--neurons", str(neurons), "--no-check", str(folder))
        init_seconds = time.perf_counter() - start
        file = folder / "simulation_config.json"
        settings = json.loads(file.read_text())
        settings["run"]["tstop"] = milliseconds
        for report in settings["reports"].values():
            report["end_time"] = milliseconds
            report["dt"] = report_ms or report["dt"]
        file.write_text(json.dumps(settings))
        launcher = ["mpirun", "--oversubscribe", "-n", str(ranks)] if ranks > 1 else []
        _run(*launcher, PROGRAM, "compute", str(folder))
        return MeasuredRun(init_seconds, json.loads((folder / "RESULTS" / "profile.json").read_text()))


def machine() -> str:
    """What a table is measured on."""
    return f"{platform.machine()}, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}"


def _run(*command: str) -> None:
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    if done.returncode:
        sys.exit(f"{' '.join(command)}\n{done.stdout}")
