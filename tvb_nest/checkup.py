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
from tvb_nest import sensing
from tvb_nest.brain_connectome import connectome_of, connectome_place, with_window_of
from tvb_nest.parameters import Mode, Parameters
from tvb_nest.tvb_data_files import TVB_DATA
from tvb_nest.tvb_models import trial_findings

INSTALL = "pip install 'multiscale-run[tvb-nest]'"
NEST, TVB = "nest", "tvb"
"""Python modules of the engines."""


def checkup(parameters: Parameters) -> Health:
    """Look at everything a run depends on."""
    health = Health(notes=list(parameters.notes), passed=["parameters"])
    for title, look, after in TOPICS:
        if not set(after) <= set(health.passed):
            continue  # what it needs is wrong
        found = _problems(parameters, look)
        health.problems += found
        if not found:
            health.passed.append(title)
    if not health.problems:
        health.passed = [title for title in health.passed if _is_used(parameters, title)]
        health.notes += _notes(parameters)
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
    text = parameters.resolved.param_tvb_nest.network_file
    if text is not None and not parameters.path(text).is_file():
        yield Finding(("param_tvb_nest", "network_file"), f"no such file: {parameters.path(text)}")


def _connectome(parameters: Parameters) -> Iterator[Finding]:
    if parameters.mode in (Mode.NEST, Mode.NEST_SAVED_RATES):
        return
    source = parameters.connectome
    if isinstance(source, Path) and not source.exists():
        message = f"no such folder or zip: {source}; `tvb-nest import-connectome` makes one"
        yield Finding(connectome_place(parameters), message)
    elif isinstance(source, Path) or importlib.util.find_spec(TVB_DATA) is not None:
        with_window_of(parameters, connectome_of(parameters))


def _has_brain(parameters: Parameters) -> bool:
    return parameters.mode in (Mode.TVB, Mode.CO_SIMULATION)


def _model(parameters: Parameters) -> Iterator[Finding]:
    """Another model of tvb-library is made, and tried."""
    if _has_brain(parameters) and parameters.resolved.param_tvb_nest.tvb_model is not None:
        yield from trial_findings(parameters, connectome_of(parameters))


def _sensors(parameters: Parameters) -> Iterator[Finding]:
    if _has_brain(parameters) and sensing.active(parameters):
        yield from sensing.sensor_problems(parameters, connectome_of(parameters))


def _is_used(parameters: Parameters, title: str) -> bool:
    """Whether a topic says anything about this simulation."""
    if title == MODEL:
        return _has_brain(parameters) and parameters.resolved.param_tvb_nest.tvb_model is not None
    return title != SENSORS or (_has_brain(parameters) and bool(sensing.active(parameters)))


def _notes(parameters: Parameters) -> Iterator[str]:
    if _has_brain(parameters) and sensing.active(parameters):
        yield from sensing.left_out(parameters, connectome_of(parameters))


ENGINES, FILES, CONNECTOME, MODEL, SENSORS = "engines", "files", "connectome", "model", "sensors"
TOPICS: tuple[tuple[str, Callable[[Parameters], Iterable[Finding]], tuple[str, ...]], ...] = (
    (ENGINES, _engines, ()),
    (FILES, _files, ()),
    (CONNECTOME, _connectome, ()),
    (MODEL, _model, (ENGINES, CONNECTOME)),
    (SENSORS, _sensors, (ENGINES, CONNECTOME, MODEL)),
)
"""What is looked at, how, and what must be in order before."""
