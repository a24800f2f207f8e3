"""The one NEST kernel of a process: how it is imported, who owns it.

The wheel of NEST has no MPI and ends the process with exit code 127 when it finds the variables of an MPI launcher.
Here MPI is started first, by mpi4py, which needs them; then they are hidden while NEST looks, and put back.
"""

from __future__ import annotations

import contextlib
import importlib
import os
import sys
from collections.abc import Iterator
from types import ModuleType
from typing import Any

from mpi_coupling.failure import UserError

LAUNCHER_VARIABLES = ("PMIX_RANK", "PMI_RANK", "OMPI_COMM_WORLD_SIZE", "MPI_LOCALNRANKS")
"""What NEST takes as the sign of an MPI launcher."""

_IMPORT_SETTINGS = {
    "PYNEST_QUIET": "1",
    # threads that spin while they wait for work take the core from the other simulator
    "OMP_WAIT_POLICY": os.environ.get("OMP_WAIT_POLICY", "passive"),
}

_owner: object | None = None


def import_nest() -> ModuleType:
    """NEST's Python module, also under mpirun and srun.

    Raises:
        UserError: NEST, or mpi4py under an MPI launcher, is not installed.
    """
    if "nest" in sys.modules:
        return sys.modules["nest"]
    if any(name in os.environ for name in LAUNCHER_VARIABLES):
        _require("mpi4py.MPI", "NEST runs under an MPI launcher only after mpi4py", "pip install mpi4py")
    with _hidden_launcher():
        return _require("nest", "the spiking regions need NEST", "pip install 'nest-simulator>=3.10'")


def acquire(owner: object) -> Any:
    """Reset the kernel and give it to `owner` until `release`.

    Raises:
        RuntimeError: another network of this process still has the kernel; a reset would destroy it.
    """
    global _owner
    if _owner is not None:
        raise RuntimeError("NEST has one kernel per process and another SpikingNetwork uses it: close() that one first")
    nest: Any = import_nest()  # Any: NEST adds its attributes as properties of the module
    _reset(nest)
    nest.verbosity = nest.VerbosityLevel.ERROR
    _owner = owner
    return nest


def release(owner: object) -> None:
    """Give the kernel back and free its memory; nothing happens when `owner` does not have it."""
    global _owner
    if _owner is owner:
        _reset(import_nest())
        _owner = None


def _reset(nest: Any) -> None:
    """Reset the kernel, which looks for a launcher again."""
    with _hidden_launcher():
        nest.ResetKernel()


@contextlib.contextmanager
def _hidden_launcher() -> Iterator[None]:
    """The environment that NEST may see while it is imported."""
    names = (*LAUNCHER_VARIABLES, *_IMPORT_SETTINGS)
    before = {name: os.environ[name] for name in names if name in os.environ}
    arguments = sys.argv
    for name in names:
        os.environ.pop(name, None)
    os.environ.update(_IMPORT_SETTINGS)
    sys.argv = arguments[:1]  # NEST would take --quiet and --debug of our program for its own
    try:
        yield
    finally:
        sys.argv = arguments
        for name in names:
            os.environ.pop(name, None)
        os.environ.update(before)


def _require(module: str, reason: str, remedy: str) -> ModuleType:
    try:
        return importlib.import_module(module)
    except ImportError as error:
        raise UserError(f"{reason}, which cannot be imported ({error}); install it: {remedy}") from error
