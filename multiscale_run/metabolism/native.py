"""The fast engine: generated machine code that advances several cells per instruction."""

from __future__ import annotations

import queue
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np

from .engine import MetabolismEngine, Options
from .kernel_cache import Kernel, LoadedKernel, best_lanes, kernel_for, processor
from .network import Network
from .pivoting import PivotingFallback
from .rosenbrock import METHODS, StepControl

_ALIGNMENT = 64
# pieces per thread, so that a thread with easy cells takes over work from the others
_PIECES = 4


class NativeEngine(MetabolismEngine):
    """Rosenbrock method with per-cell step sizes in generated code; cells that it cannot factorise go to SciPy's Radau.

    Args:
        network: what to integrate.
        options: accuracy, method, threads, cache folder.
        world: ranks of the job: the root compiles, the others receive the code. None when this process is alone.
        control: choice of the step size.
    """

    def __init__(
        self, network: Network, options: Options, world: Any = None, control: StepControl | None = None
    ) -> None:
        super().__init__(network, options)
        tableau, lanes = METHODS[options.method], options.lanes or best_lanes()

        def prepare() -> tuple[Any, Kernel]:
            kernel = kernel_for(self.equations, tableau, control or StepControl(), lanes, options.cache_dir)
            return processor(), kernel

        made_for, kernel = prepare() if world is None else world.on_root(prepare)
        if made_for != processor():
            _, kernel = prepare()
        self._kernel = LoadedKernel(kernel)
        self._memories: queue.SimpleQueue[np.ndarray] = queue.SimpleQueue()
        for _ in range(options.threads):
            self._memories.put(_aligned_zeros(kernel.memory_vectors * lanes))
        self._pool = ThreadPoolExecutor(options.threads) if options.threads > 1 else None
        self._pivoting = PivotingFallback(network, options)

    def close(self) -> None:
        """End the threads."""
        if self._pool is not None:
            self._pool.shutdown()

    def _integrate(
        self, state: np.ndarray, inputs: np.ndarray, seconds: float, status: np.ndarray, steps: np.ndarray
    ) -> None:
        def piece(first: int, last: int) -> None:
            memory = self._memories.get()
            arrays = (array.ctypes.data for array in (state, inputs, status, steps, self._next_step))
            limits = (self.options.relative_tolerance, self.options.absolute_tolerance, self.options.max_steps)
            self._kernel.advance(*arrays, first, last, seconds, *limits, memory.ctypes.data)
            self._memories.put(memory)

        if self._pool is None:
            piece(0, len(state))
        else:
            edges = np.linspace(0, len(state), self.options.threads * _PIECES + 1).astype(int).tolist()
            # list: an exception in a thread comes out here
            list(self._pool.map(piece, edges[:-1], edges[1:]))
        self._pivoting.advance(state, inputs, seconds, status, steps)


def _aligned_zeros(count: int) -> np.ndarray:
    """Doubles whose first lies on a vector boundary."""
    spare = _ALIGNMENT // 8
    raw = np.zeros(count + spare)
    skip = -raw.ctypes.data % _ALIGNMENT // 8
    return raw[skip : skip + count]
