"""The health of a simulation folder: everything that can be known to fail before a run starts.

Each function looks at one thing and returns its problems, so that a user sees all of them at once.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from mpi_coupling.failure import UserError
from mpi_coupling.settings.health import Health
from mpi_coupling.settings.problems import ConfigError, Finding, KeyPath, Problem
from tvb_nest.brain_connectome import connectome_of, connectome_place, with_window_of
from tvb_nest.parameters import Mode, Parameters

INSTALL = "pip install 'multiscale-run[tvb-nest]'"
NEST, TVB, TVB_DATA = "nest", "tvb", "tvb_data"
"""Python modules of the engines and of TVB's data."""


def checkup(parameters: Parameters) -> Health:
    """Look at everything a run depends on."""
    health = Health(notes=list(parameters.notes), passed=["parameters"])
    topics: tuple[tuple[str, Callable[[Parameters], Iterable[Finding]]], ...] = (
        ("engines", _engines),
        ("files", _files),
        ("connectome", _connectome),
    )
    for title, look in topics:
        found = _problems(parameters, look)
        health.problems += found
        if not found:
            health.passed.append(title)
    if parameters.mode == Mode.CO_SIMULATION and not health.problems:
        known = with_window_of(parameters, connectome_of(parameters)).resolved
        health.passed.append(f"window: {known.param_co_simulation.synchronization:g} ms")
    return health


def _problems(parameters: Parameters, look: Callable[[Parameters], Iterable[Finding]]) -> list[Problem]:
    try:
        return [parameters.problem(finding) for finding in look(parameters)]
    except ConfigError as error:
        return list(error.problems)


def _engines(parameters: Parameters) -> Iterator[Finding]:
    needed: dict[str, KeyPath] = {}
    through_mpi = parameters.resolved.param_tvb_nest.exchange == "mpi"
    if parameters.mode != Mode.TVB and through_mpi:
        yield from _nest_with_mpi()
    elif parameters.mode != Mode.TVB:
        needed[NEST] = ("param_co_simulation", "nb_MPI_nest")
    if parameters.resolved.param_tvb_nest.brain == "reference" and parameters.mode in (Mode.TVB, Mode.CO_SIMULATION):
        needed[TVB] = ("param_tvb_nest", "brain")
    if isinstance(parameters.connectome, str) and parameters.mode in (Mode.TVB, Mode.CO_SIMULATION):
        needed[TVB_DATA] = ("param_tvb_nest", "connectome")
    for module, place in needed.items():
        if importlib.util.find_spec(module) is None:
            yield Finding(place, f"{module} is not installed; install it with: {INSTALL}")


def _nest_with_mpi() -> Iterator[Finding]:
    from tvb_nest.nest_side.nest_with_mpi import find

    try:
        find()
    except UserError as error:
        yield Finding(("param_tvb_nest", "exchange"), str(error))


def _files(parameters: Parameters) -> Iterator[Finding]:
    monitor, own = parameters.resolved.param_tvb_monitor, parameters.resolved.param_tvb_nest
    needed: dict[KeyPath, str | None] = {("param_tvb_nest", "network_file"): own.network_file}
    for name in ("SEEG", "ECOG"):
        if getattr(monitor, name):
            settings = f"parameter_{name}"
            needed["param_tvb_monitor", settings, "path"] = getattr(monitor, settings).path
    for place, text in needed.items():
        if text is not None and not parameters.path(text).is_file():
            yield Finding(place, f"no such file: {parameters.path(text)}")


def _connectome(parameters: Parameters) -> Iterator[Finding]:
    if parameters.mode in (Mode.NEST, Mode.NEST_SAVED_RATES):
        return
    source = parameters.connectome
    if isinstance(source, Path) and not source.exists():
        message = f"no such folder or zip: {source}; `tvb-nest import-connectome` makes one"
        yield Finding(connectome_place(parameters), message)
    elif isinstance(source, Path) or importlib.util.find_spec(TVB_DATA) is not None:
        with_window_of(parameters, connectome_of(parameters))
