"""The metabolism engine that integrates in Julia."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..engine import MetabolismEngine, Options
from ..network import Network
from ..pivoting import PivotingFallback
from ..rosenbrock import METHODS, StepControl
from ..status import Status
from .code import integrator_source
from .discovery import find_julia
from .drive import Block, Driver, InProcessDriver, WorkerDriver

# cells of one request per thread: bounds memory, and how long a healthy worker can stay silent
_CELLS_AT_ONCE = 64


class JuliaEngine(MetabolismEngine):
    """Rosenbrock method with per-cell step sizes in generated Julia code.

    Cells that it cannot factorise go to SciPy's Radau, as in the native engine.

    Args:
        network: what to integrate.
        options: accuracy, method, threads, cache folder.
        world: not needed: every rank has its own Julia.
        control: choice of the step size.

    Raises:
        JuliaError: there is no usable Julia; `advance` raises it when the worker dies or hangs.
    """

    def __init__(
        self, network: Network, options: Options, world: Any = None, control: StepControl | None = None
    ) -> None:
        super().__init__(network, options)
        self._pivoting = PivotingFallback(network, options)
        julia, tableau = find_julia(), METHODS[options.method]
        integrator = integrator_source(self.equations, tableau, control or StepControl(), options.cache_dir)
        self._driver: Driver = (
            InProcessDriver(integrator, options)
            if julia.in_process
            else WorkerDriver(julia, integrator, len(network.species), len(network.inputs), options)
        )

    def close(self) -> None:
        """End Julia's process."""
        self._driver.close()

    def _integrate(
        self, state: np.ndarray, inputs: np.ndarray, seconds: float, status: np.ndarray, steps: np.ndarray
    ) -> None:
        rows = np.flatnonzero(status == Status.OK)
        size = _CELLS_AT_ONCE * self.options.threads
        for part in (rows[first : first + size] for first in range(0, len(rows), size)):
            block = Block(*(array[part] for array in (state, inputs, self._next_step, status, steps)))
            self._driver.advance(block, seconds)
            state[part], status[part], steps[part] = block.state, block.status, block.steps
            self._next_step[part] = block.next_step
        self._pivoting.advance(state, inputs, seconds, status, steps)
