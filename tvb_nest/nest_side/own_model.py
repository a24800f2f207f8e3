"""A spiking network of the user's own: a Python file with functions that take the place of the standard steps.

The file defines one or more of five functions, one per step. A step without a function stays the standard one.

========================================================  =========================================================
function                                                  what it does
========================================================  =========================================================
``kernel(settings)``                                      returns the kernel settings of NEST, from the standard ones
``populations(nest, parameters, region)``                 makes a region's neurons; returns nodes by population name.
                                                          "excitatory" is the one that other regions and TVB hear
``connections(nest, parameters, region, populations)``    connects them with each other
``devices(nest, parameters, populations)``                makes background, stimuli and recorders; gets populations by
                                                          region; returns spike_recorders and multimeters by label
``simulate(nest, parameters, start, stop)``               is called before each window, times in ms; may change what
                                                          NEST lets change in a running simulation
========================================================  =========================================================

``nest`` is the module, ``parameters`` the `NetworkParameters`, ``region`` an index into the connectome. Input from the
brain, synapses between regions and output files stay the business of `SpikingNetwork`.
"""

from __future__ import annotations

import importlib.util
import inspect
import traceback
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mpi_coupling.failure import UserError

HOOKS = {
    "kernel": ("settings",),
    "populations": ("nest", "parameters", "region"),
    "connections": ("nest", "parameters", "region", "populations"),
    "devices": ("nest", "parameters", "populations"),
    "simulate": ("nest", "parameters", "start", "stop"),
}
"""The functions of an own model and their arguments."""

_RETURNS_DICTIONARY = {
    "kernel": "kernel settings by name",
    "populations": "at least one population by name",
    "devices": "recorders by label",
}


@dataclass(frozen=True)
class OwnModel:
    """Functions of the user's that take the place of steps.

    Attributes:
        file: where they are defined.
        hooks: by step.
    """

    file: Path
    hooks: Mapping[str, Callable[..., Any]]

    def __contains__(self, name: str) -> bool:
        return name in self.hooks

    def call(self, name: str, *arguments: Any) -> Any:
        """What the function returns.

        Raises:
            UserError: it fails or returns the wrong thing.
        """
        try:
            result = self.hooks[name](*arguments)
        except UserError:
            raise
        except Exception as error:
            line = _line_in(self.file, error)
            raise UserError(f"own model {self.file}{line}: {name}() failed: {type(error).__name__}: {error}") from error
        expected = _RETURNS_DICTIONARY.get(name)
        if expected and not (isinstance(result, dict) and (result or name == "devices")):
            raise UserError(f"own model {self.file}: {name}() must return a dictionary of {expected}, not {result!r}")
        return result


STANDARD = OwnModel(Path(), {})
"""A model with the standard steps only."""


def load_own_model(file: Path) -> OwnModel:
    """Run a user's Python file and take its functions.

    Raises:
        UserError: the file does not exist, cannot be run, or has none of the functions or one with wrong arguments.
    """
    namespace = _run(file)
    hooks = {name: namespace[name] for name in HOOKS if name in namespace}
    if not hooks:
        raise UserError(f"own model {file}: define at least one of the functions {', '.join(map(signature, HOOKS))}")
    for name, hook in hooks.items():
        _check_signature(file, name, hook)
    return OwnModel(file, hooks)


def signature(name: str) -> str:
    """A hook as it is written in a file."""
    return f"{name}({', '.join(HOOKS[name])})"


def _run(file: Path) -> dict[str, Any]:
    """The names that the file defines."""
    if not file.is_file():
        raise UserError(f"own model {file}: there is no such file")
    specification = importlib.util.spec_from_file_location(f"tvb_nest_own_model_{file.stem}", file)
    if specification is None or specification.loader is None:
        raise UserError(f"own model {file}: this is not a Python file (*.py)")
    module = importlib.util.module_from_spec(specification)
    try:
        specification.loader.exec_module(module)
    except SyntaxError as error:
        raise UserError(f"own model {file}, line {error.lineno}: {error.msg}") from error
    except Exception as error:
        line = _line_in(file, error)
        raise UserError(f"own model {file}{line}: {type(error).__name__}: {error}") from error
    return vars(module)


def _check_signature(file: Path, name: str, hook: Callable[..., Any]) -> None:
    if not callable(hook):
        raise UserError(f"own model {file}: {name} must be a function, {signature(name)}")
    try:
        inspect.signature(hook).bind(*HOOKS[name])
    except TypeError as error:
        raise UserError(f"own model {file}: {name} must take these arguments: {signature(name)} ({error})") from error


def _line_in(file: Path, error: Exception) -> str:
    """Where in the user's file an error came from."""
    lines = [frame.lineno for frame in traceback.extract_tb(error.__traceback__) if frame.filename == str(file)]
    return f", line {lines[-1]}" if lines else ""
