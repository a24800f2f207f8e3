"""The health of a simulation folder: everything that can be known to fail before a run starts.

Each function looks at one thing and returns its problems, so that a user sees all of them at once.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import numpy as np

from mpi_coupling.console import get_logger
from mpi_coupling.settings.health import Health
from mpi_coupling.settings.problems import ABSENT, Finding
from mpi_coupling.world import UserError
from multiscale_run.circuit_check import check_circuit, neuron_population
from multiscale_run.config import Problem, SimulationConfig, check_fields, check_names
from multiscale_run.config.document import SECTION
from multiscale_run.coupling import Expression, registry
from multiscale_run.geometry import RECIPES, read_mesh
from multiscale_run.mechanisms import mechanism_library, mod_folder, mod_warnings
from multiscale_run.metabolism import load_network
from multiscale_run.metabolism.julia import julia_health
from multiscale_run.output_folder import place_problem
from multiscale_run.simulators import simulator_classes
from multiscale_run.simulators.neurodamus_session import sonata_config
from multiscale_run.tissue import needs_mesh

log = get_logger(__name__)

DUMMY_SITES = 3
"""Sites of the vector that transform expressions are tried on."""

ENGINES = {
    "neurodamus": ("neurodamus", "pip install 'multiscale-run[neurons]'"),
    "steps": ("steps", "scripts/setup, or scripts/build-steps-wheel and pip install the wheel whose path it prints"),
}
"""Simulator -> Python module of its engine, and what installs it."""

FLOW_LIBRARY = ("astrovascpy", "pip install 'multiscale-run[bloodflow]'")
"""The same for ``bloodflow.solver = astrovascpy``; our own solver needs no engine."""


MESHER = ("gmsh", "pip install 'multiscale-run[gmsh]' (Debian also needs libglu1-mesa)")
"""The same for ``preprocessor.mesh.generator = gmsh``."""


def checkup(config: SimulationConfig, ranks: int = 1) -> Health:
    """Look at everything a run depends on.

    Args:
        config: a configuration that could be read.
        ranks: number of MPI ranks meant to be used.
    """
    health = Health(notes=list(config.notes))
    topics: list[tuple[str, Callable[[], Iterable[Problem]]]] = [
        ("engines", lambda: _engines(config)),
        ("fields, arguments and transform expressions", lambda: _fields(config)),
        ("species, inputs and parameters", lambda: _names(config)),
        ("SONATA part", lambda: _sonata(config)),
        ("place of the results", lambda: _results_place(config)),
        ("circuit", lambda: check_circuit(config)),
        ("mesh", lambda: _mesh(config)),
        ("mechanisms", lambda: _mechanisms(config)),
    ]
    for title, look in topics:
        found = list(look())
        health.problems += found
        if not found:
            health.passed.append(title)
    if not health.problems:
        neurons = neuron_population(config).size
        if ranks > neurons:
            health.notes.append(f"{ranks} ranks for {neurons} neurons: {ranks - neurons} ranks will have no neuron")
    return health


def _engines(config: SimulationConfig) -> Iterator[Problem]:
    needed = {
        ((SECTION,) if simulator == "neurodamus" else (SECTION, f"with_{simulator}")): ENGINES[simulator]
        for simulator in config.active_simulators
        if simulator in ENGINES
    }
    if config.multiscale_run.with_bloodflow and config.multiscale_run.bloodflow.solver == "astrovascpy":
        needed[(SECTION, "bloodflow", "solver")] = FLOW_LIBRARY
    if needs_mesh(config) and config.multiscale_run.preprocessor.mesh.generator == "gmsh":
        needed[(SECTION, "preprocessor", "mesh", "generator")] = MESHER
    for key, (module, command) in needed.items():
        if importlib.util.find_spec(module) is None:
            yield config.problem(Finding(key, f"{module} is not installed; install it with: {command}"))
    metabolism = config.multiscale_run.metabolism
    if config.multiscale_run.with_metabolism and metabolism.engine == "julia":
        try:
            julia_health()
        except UserError as error:
            yield config.problem(Finding((SECTION, "metabolism", "engine"), str(error)))


def _fields(config: SimulationConfig) -> list[Problem]:
    matrices = dict.fromkeys(RECIPES, _DummyMatrix())

    def dry_run(text: str) -> None:
        Expression(text, config.attribute_view(), matrices)(np.ones(DUMMY_SITES))

    return check_fields(config, registry(simulator_classes(config)), dry_run)


class _DummyMatrix:
    """Stands for a coupling matrix when expressions are tried out."""

    rows = ""

    def dot(self, values: np.ndarray) -> np.ndarray:
        return np.ones(DUMMY_SITES) * values


def _names(config: SimulationConfig) -> list[Problem]:
    settings = config.multiscale_run.metabolism
    if not config.multiscale_run.with_metabolism:
        return []
    try:
        network = load_network(settings.variant, settings.network_path)
    except UserError as error:
        key = "variant" if settings.network_path is None else "network_path"
        return [config.problem(Finding((SECTION, "metabolism", key), str(error)))]
    return check_names(
        config,
        network.slot,
        network.input_index,
        # the tables themselves say whether a parameter can be replaced
        lambda name: load_network(settings.variant, settings.network_path, {str(name): 1.0}),
    )


def _sonata(config: SimulationConfig) -> Iterator[Problem]:
    try:
        sonata_config(config)
    except UserError as error:
        yield Problem(config.file.name, "", ABSENT, str(error))


def _results_place(config: SimulationConfig) -> Iterator[Problem]:
    if problem := place_problem(config):
        yield config.problem(Finding(("output", "output_dir"), problem))


def _mesh(config: SimulationConfig) -> Iterator[Problem]:
    """The mesh, where there is one already."""
    section = config.multiscale_run
    if not (needs_mesh(config) and section.mesh_path.exists()):
        return
    try:
        read_mesh(section.mesh_path, section.mesh_scale)
    except UserError as error:
        yield config.problem(Finding((SECTION, "mesh_path"), f"{error}; or remove it to have one made"))


def _mechanisms(config: SimulationConfig) -> Iterator[Problem]:
    folder = mod_folder(config.folder)
    for warning in mod_warnings(config.folder):
        log.warning(warning)  # at once, because compiling takes a while
    try:
        library = mechanism_library(folder)
    except UserError as error:
        yield Problem(str(folder or "mechanisms"), "", ABSENT, str(error))
        return
    for path in str(library.library_path).split(":"):
        if not Path(path).is_file():
            yield Problem("NRNMECH_LIB_PATH", "", path, "no such file; unset the variable to use our mechanisms")
