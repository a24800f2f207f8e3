"""The Julia engine: the same method on the same tables, in a Julia process of its own.

An independent implementation, for comparison and for those who work in Julia. It needs a ``julia`` of version 1.5 or
later and no package.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from mpi_coupling.world import UserError

from .engine import MetabolismEngine, Options
from .julia_code import julia_source
from .kernels import make_plan
from .network import Network
from .pivoting import PivotingFallback
from .rosenbrock import METHODS, StepControl
from .status import Status

_INTEGRATOR = Path(__file__).with_name("julia") / "rosenbrock.jl"
_OLDEST = (1, 5)


def find_julia() -> Path:
    """The Julia to use: the environment variable JULIA, else ``julia`` on the PATH.

    Raises:
        UserError: there is none, or it is older than 1.5.
    """
    named = os.environ.get("JULIA")
    found = shutil.which(named or "julia")
    if found is None:
        place = f"JULIA={named} is no program" if named else "there is no julia on the PATH"
        raise UserError(f"metabolism engine 'julia': {place}; install Julia 1.5 or later, or take engine 'native'")
    answer = subprocess.run([found, "--version"], capture_output=True, text=True, timeout=60, check=False).stdout
    version = re.search(r"(\d+)\.(\d+)", answer)
    if version is None or (int(version[1]), int(version[2])) < _OLDEST:
        raise UserError(f"metabolism engine 'julia': {found} says {answer.strip()!r}; version 1.5 or later is needed")
    return Path(found)


class JuliaEngine(MetabolismEngine):
    """Sends the cells of a call to a Julia process over pipes and takes them back."""

    def __init__(
        self, network: Network, options: Options, world: Any = None, control: StepControl | None = None
    ) -> None:
        super().__init__(network, options)
        julia = find_julia()
        plan = make_plan(self.equations)
        place = {node: i for i, node in enumerate(self.equations.symbols)}
        self._given = np.array([place[node] for node in plan.given], dtype=np.intp)
        self._folder = TemporaryDirectory(prefix="multiscale-run-julia-")
        folder = Path(self._folder.name)
        equations = folder / "equations.jl"
        equations.write_text(julia_source(plan, METHODS[options.method], control or StepControl()))
        self._complaints = folder / "stderr.txt"
        # equations first: they define what the integrator uses
        program = f'include(raw"{equations}"); include(raw"{_INTEGRATOR}")'
        with self._complaints.open("wb") as stderr:
            command = [str(julia), "--startup-file=no", "--history-file=no", "-O2", "-e", program]
            self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=stderr)
        self._pivoting = PivotingFallback(network, options)

    def close(self) -> None:
        """End the process."""
        if self._process.poll() is None:
            self._process.stdin.close()
            self._process.wait()
        self._process.stdout.close()
        self._folder.cleanup()

    def _integrate(
        self, state: np.ndarray, inputs: np.ndarray, seconds: float, status: np.ndarray, steps: np.ndarray
    ) -> None:
        rows, slots = np.flatnonzero(status == Status.OK), self.network.dynamic_slots
        if len(rows) == 0:
            return
        known = np.concatenate([state[rows], inputs[rows]], axis=1)[:, self._given]
        dynamic = state[np.ix_(rows, slots)]
        limits = np.array([seconds, self.options.relative_tolerance, self.options.absolute_tolerance])
        numbers = np.array([len(rows), self.options.max_steps], np.int64)
        try:
            for part in (numbers, limits, self._next_step[rows], dynamic, known):
                self._process.stdin.write(np.ascontiguousarray(part).tobytes())
            self._process.stdin.flush()
        except BrokenPipeError:
            raise self._failure() from None
        outcome = self._read(np.int64, 2 * len(rows)).reshape(-1, 2)
        self._next_step[rows] = self._read(np.float64, len(rows))
        state[np.ix_(rows, slots)] = self._read(np.float64, dynamic.size).reshape(dynamic.shape)
        status[rows], steps[rows] = outcome.T
        self._pivoting.advance(state, inputs, seconds, status, steps)

    def _read(self, kind: type, count: int) -> np.ndarray:
        size = np.dtype(kind).itemsize * count
        data = self._process.stdout.read(size)
        if len(data) < size:
            raise self._failure()
        return np.frombuffer(data, kind)

    def _failure(self) -> RuntimeError:
        self._process.wait()
        said = self._complaints.read_text(errors="replace").strip()[-2000:]
        return RuntimeError(f"the Julia process ended with status {self._process.returncode}: {said}")
