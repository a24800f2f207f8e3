"""The two ways of calling the generated Julia integrator: in a worker process, or inside this one."""

from __future__ import annotations

import os
import struct
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from ..engine import Options
from .code import MAGIC, MODULE, worker_source
from .discovery import Julia
from .environment import worker_environment
from .process import Worker

START_SECONDS = 300.0
"""How long Julia may take to start and compile; about 5 s on an idle machine."""

# longest pause of the system, and several times the longest step of a cell
_PAUSE_SECONDS, _STEP_SECONDS = 60.0, 1e-4


@dataclass
class Block:
    """Cells of one call; everything but the inputs is changed in place.

    Attributes:
        state: shape (n, n_species).
        inputs: shape (n, n_inputs).
        next_step: first step to try, seconds, 0 when unknown, shape (n,).
        status: int8, shape (n,).
        steps: int64, shape (n,).
    """

    state: np.ndarray
    inputs: np.ndarray
    next_step: np.ndarray
    status: np.ndarray
    steps: np.ndarray


class Driver(Protocol):
    """Something that can run the generated integrator."""

    def advance(self, block: Block, seconds: float) -> None:
        """Integrate all cells of a block over a window."""

    def close(self) -> None:
        """Release what is held."""


class WorkerDriver:
    """Runs the integrator in a process of its own.

    Args:
        julia: the program to run.
        integrator: text of :func:`.code.integrator_source`.
        species: slots of the state vector.
        inputs: inputs per cell.
        options: accuracy and threads.
        pause: how long, beyond its work, the worker may stay silent, seconds.
    """

    _READ = 'include_string(Main, String(read(stdin, parse(Int, ARGS[1]))), "metabolism.jl")'

    def __init__(
        self, julia: Julia, integrator: str, species: int, inputs: int, options: Options, pause: float = _PAUSE_SECONDS
    ) -> None:
        self._options, self._pause = options, pause
        program = worker_source(integrator, species, inputs).encode()
        flags = ("--startup-file=no", "--history-file=no", "--color=no", f"--threads={options.threads}")
        command = (str(julia.path), *flags, "-e", self._READ, str(len(program)))
        self.worker = Worker(command, worker_environment(), program, struct.pack("=q", MAGIC), START_SECONDS)

    def advance(self, block: Block, seconds: float) -> None:
        """Integrate all cells of a block over a window; raises JuliaError when the worker fails."""
        options, cells = self._options, len(block.state)
        header = struct.pack(
            "=qqddd", cells, options.max_steps, seconds, options.relative_tolerance, options.absolute_tolerance
        )
        request = b"".join((header, *(a.tobytes() for a in (block.state, block.inputs, block.next_step))))
        results = (block.state, block.next_step, block.steps, block.status)
        limit = self._pause + cells * options.max_steps * _STEP_SECONDS
        reply = self.worker.ask(request, sum(array.nbytes for array in results), limit)
        start = 0
        for array in results:
            array[...] = np.frombuffer(reply, array.dtype, array.size, start).reshape(array.shape)
            start += array.nbytes

    def close(self) -> None:
        """End the worker."""
        self.worker.close()


class InProcessDriver:
    """Runs the integrator inside this process by juliacall; arrays are shared by their addresses.

    Args:
        integrator: text of :func:`.code.integrator_source`.
        options: accuracy and threads; the threads count when this is the first use of juliacall in the process.
    """

    # a module of its own, so that a second engine does not replace the first one's
    _LOAD = f"text -> (place = Module(:Engine); Base.include_string(place, text); Core.eval(place, :{MODULE}))"

    def __init__(self, integrator: str, options: Options) -> None:
        self._options = options
        if options.threads > 1:
            os.environ.setdefault("PYTHON_JULIACALL_THREADS", str(options.threads))
            # with several threads Julia's garbage collector needs its signals
            os.environ.setdefault("PYTHON_JULIACALL_HANDLE_SIGNALS", "yes")
        from juliacall import Main

        module: Any = Main.seval(self._LOAD)(integrator)
        self._advance_at = getattr(module, "advance_at!")

    def advance(self, block: Block, seconds: float) -> None:
        """Integrate all cells of a block over a window."""
        arrays = (block.state, block.inputs, block.next_step, block.status, block.steps)
        addresses = tuple(array.ctypes.data for array in arrays)
        accuracy = (self._options.relative_tolerance, self._options.absolute_tolerance, self._options.max_steps)
        sizes = (block.state.shape[1], block.inputs.shape[1], len(block.state))
        self._advance_at(*sizes, addresses, seconds, *accuracy)

    def close(self) -> None:
        """Julia ends with the process."""
