"""Whether a SONATA circuit is what a run needs: files, ids, references between populations, morphologies, templates.

libsonata reads what is there; it does not ask whether an edge points at a neuron that exists, and neurodamus skips
what it cannot resolve. A run on such a circuit computes something else than its author meant.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import libsonata
import morphio
import numpy as np

from mpi_coupling.failure import UserError
from mpi_coupling.settings.problems import ABSENT
from multiscale_run.config import Problem, SimulationConfig

BIOPHYSICAL, ASTROCYTE, CHEMICAL, TRIPARTITE = "biophysical", "astrocyte", "chemical", "synapse_astrocyte"
FIRST_SYNAPSE_GID = 1_000_000
"""Neurodamus numbers the release sites of tripartite synapses from here on, so neurons must stay below."""

GID_BLOCK = 1000
"""Neurodamus begins the ids of each population at a multiple of this."""

CHUNK_EDGES = 5_000_000
SYNAPSES = "synapse_population"

SHOWN = 3
"""How many names a message lists of those that are missing."""


def check_circuit(config: SimulationConfig) -> list[Problem]:
    """All problems of the circuit that a configuration names; empty when it can be simulated."""
    name = str(config.network)
    try:
        circuit = libsonata.CircuitConfig.from_file(name)
    except Exception as error:
        return [Problem(name, "", ABSENT, f"is not a SONATA circuit: {error}")]
    problems = [Problem(name, *found) for found in _populations(circuit)]
    if problems:  # nothing else can be looked at
        return problems
    found = itertools.chain(_neurons(circuit), _edges(circuit), _tripartite_synapses(circuit))
    return [*(Problem(name, *each) for each in found), *_node_sets(config, circuit)]


def neuron_population(config: SimulationConfig) -> libsonata.NodePopulation:
    """The circuit's population of biophysical neurons.

    Raises:
        UserError: the circuit or the file of the population cannot be read.
    """
    try:
        circuit = libsonata.CircuitConfig.from_file(str(config.network))
        return circuit.node_population(_of_type(circuit, BIOPHYSICAL)[0])
    except (libsonata.SonataError, RuntimeError, IndexError) as error:
        raise UserError(f"{config.network}: the neurons of the circuit cannot be read: {error}") from error


def neuron_layers(config: SimulationConfig, neuron_ids: np.ndarray) -> np.ndarray:
    """Cortical layer (1..6) of some neurons, from the SONATA attribute ``layer``; 1 where it has none.

    Args:
        config: the simulation's configuration.
        neuron_ids: SONATA ids, shape (neurons,).
    """
    population = neuron_population(config)
    if "layer" not in population.attribute_names or not len(neuron_ids):
        return np.ones(len(neuron_ids), dtype=int)
    layers = population.get_attribute("layer", libsonata.Selection(neuron_ids))
    digits = ["".join(c for c in str(layer) if c.isdigit())[:1] for layer in layers]
    return np.clip([int(digit or 1) for digit in digits], 1, 6)


_Found = tuple[str, Any, str]
"""Key path, value and message of a problem."""


def _of_type(circuit: libsonata.CircuitConfig, kind: str) -> list[str]:
    names = sorted(circuit.node_populations)
    return [name for name in names if circuit.node_population_properties(name).type == kind]


def _populations(circuit: libsonata.CircuitConfig) -> Iterator[_Found]:
    for kind, names, about, read in (
        ("nodes", circuit.node_populations, circuit.node_population_properties, circuit.node_population),
        ("edges", circuit.edge_populations, circuit.edge_population_properties, circuit.edge_population),
    ):
        for name in sorted(names):
            file = Path(about(name).elements_path)
            if not file.is_file():  # libsonata would also print what HDF5 has to say
                yield f"networks.{kind}.{name}", ABSENT, f"no such file: {file}"
                continue
            try:
                read(name)
            except Exception as error:
                yield f"networks.{kind}.{name}", ABSENT, f"cannot be read: {error}"
    neurons = _of_type(circuit, BIOPHYSICAL)
    if len(neurons) != 1:
        yield "networks.nodes", neurons, "must have exactly one population of type biophysical"


def _neurons(circuit: libsonata.CircuitConfig) -> Iterator[_Found]:
    name = _of_type(circuit, BIOPHYSICAL)[0]
    population, properties = circuit.node_population(name), circuit.node_population_properties(name)
    place = f"networks.nodes.{name}"
    sizes = [circuit.node_population(other).size for other in [*_of_type(circuit, ASTROCYTE), name]]
    if not population.size or sum(-(-size // GID_BLOCK) * GID_BLOCK for size in sizes) > FIRST_SYNAPSE_GID:
        yield place, sizes, f"neurons and astrocytes must be at least 1 and together at most {FIRST_SYNAPSE_GID}"
        return
    everyone = population.select_all()
    missing = sorted({"morphology", "model_template"} - set(population.attribute_names))
    if missing:
        yield place, ABSENT, f"lacks the attributes {', '.join(missing)}"
        return
    morphologies = sorted(set(population.get_attribute("morphology", everyone)))
    folders = [properties.morphologies_dir, *properties.alternate_morphology_formats.values()]
    files = {name: morphology_file([Path(folder) for folder in folders if folder], name) for name in morphologies}
    lost = [name for name, file in files.items() if file is None]
    if lost:
        yield f"{place}.morphologies_dir", ABSENT, f"has no file for {_some(lost)}"
    bad = [str(file.name) for file in files.values() if file is not None and not _is_morphology(file)]
    if bad:
        yield (
            f"{place}.morphologies_dir",
            ABSENT,
            f"these files are no morphologies that MorphIO can read: {_some(bad)}",
        )
    templates = {t.removeprefix("hoc:") for t in population.get_attribute("model_template", everyone)}
    hoc = Path(properties.biophysical_neuron_models_dir)
    lost = [t for t in sorted(templates) if not (hoc / f"{t}.hoc").is_file()]
    if lost:
        yield f"{place}.biophysical_neuron_models_dir", str(hoc), f"has no file <template>.hoc for {_some(lost)}"


def morphology_file(folders: list[Path], name: str) -> Path | None:
    """The file of a morphology in the first of some folders that has it, in any format that MorphIO reads."""
    files = (folder / f"{name}.{ending}" for folder in folders for ending in ("swc", "asc", "h5"))
    return next((file for file in files if file.is_file()), None)


def _is_morphology(file: Path) -> bool:
    """Found here, the mistake is named; found in a run, NEURON ends with a traceback."""
    morphio.set_maximum_warnings(0)
    try:
        morphology = morphio.Morphology(file)
        return len(morphology.root_sections) + len(morphology.soma.points) > 0
    except (morphio.MorphioError, RuntimeError):
        return False


def _some(names: list[str]) -> str:
    rest = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
    return ", ".join(names[:SHOWN]) + rest


def _edges(circuit: libsonata.CircuitConfig) -> Iterator[_Found]:
    for name in sorted(circuit.edge_populations):
        edges = circuit.edge_population(name)
        for end, population, read in (
            ("source", edges.source, edges.source_nodes),
            ("target", edges.target, edges.target_nodes),
        ):
            place = f"networks.edges.{name}"
            highest = max((int(read(chunk).max()) for chunk in _chunks(edges)), default=-1)
            if population not in circuit.node_populations:
                yield place, population, f"its {end} population is not in the circuit"
            elif highest >= (size := circuit.node_population(population).size):
                yield place, highest, f"a {end} id is out of range: {population} has {size} nodes"
        if circuit.edge_population_properties(name).type == CHEMICAL:
            yield from _order(name, edges)


def _chunks(edges: libsonata.EdgePopulation) -> Iterator[libsonata.Selection]:
    """All edges, some at a time: a circuit's edges need not fit into memory."""
    for start in range(0, edges.size, CHUNK_EDGES):
        yield libsonata.Selection([(start, min(start + CHUNK_EDGES, edges.size))])


def _order(name: str, edges: libsonata.EdgePopulation) -> Iterator[_Found]:
    """Astrocytes find a synapse by its rank within its connection, so a connection's rows must stand together."""
    starts, last = [], -1
    for chunk in _chunks(edges):
        source, target = edges.source_nodes(chunk).astype(np.int64), edges.target_nodes(chunk).astype(np.int64)
        pair = (target << 32) | source
        starts.append(pair[np.diff(pair, prepend=last) != 0])
        last = int(pair[-1])
    connections = np.concatenate(starts) if starts else np.empty(0, np.int64)
    if len(np.unique(connections)) != len(connections):
        place = f"networks.edges.{name}"
        yield place, ABSENT, "edges of one (source, target) pair must be contiguous; sort by target and source"


def _tripartite_synapses(circuit: libsonata.CircuitConfig) -> Iterator[_Found]:
    for name in sorted(circuit.edge_populations):
        if circuit.edge_population_properties(name).type != TRIPARTITE:
            continue
        edges, place = circuit.edge_population(name), f"networks.edges.{name}"
        highest = max((int(edges.get_attribute("synapse_id", chunk).max()) for chunk in _chunks(edges)), default=-1)
        named = {population for chunk in _chunks(edges) for population in edges.get_attribute(SYNAPSES, chunk)}
        unknown = sorted(named - set(circuit.edge_populations))
        if unknown:
            yield f"{place}.{SYNAPSES}", unknown[0], "is not an edge population of the circuit"
        elif highest >= (size := max((circuit.edge_population(p).size for p in named), default=0)):
            yield f"{place}.synapse_id", highest, f"is out of range: there are {size} synapses"


def _node_sets(config: SimulationConfig, circuit: libsonata.CircuitConfig) -> Iterator[Problem]:
    path = config.node_sets_file or circuit.node_sets_path
    if not path:
        return
    try:
        sets = libsonata.NodeSets.from_file(str(path))
    except Exception as error:
        yield Problem(str(path), "", ABSENT, f"is not a node set file: {error}")
        return
    for place, name in _named_sets(config.raw):
        if name not in sets.names:
            allowed = ", ".join(sorted(sets.names))
            yield Problem(config.file.name, place, name, f"is not a node set; allowed: {allowed}")
        elif place.endswith(".cells") and not _selected(sets, name, neuron_population(config)):
            yield Problem(config.file.name, place, name, "selects no neuron, so there is nothing to report")
    yield from _simulated_set(config, circuit, sets)


def _simulated_set(
    config: SimulationConfig, circuit: libsonata.CircuitConfig, sets: libsonata.NodeSets
) -> Iterator[Problem]:
    """Neurodamus loses its way when a population it knows of has no cell in the node set that it simulates."""
    name = config.raw.get("node_set")
    if name not in sets.names:
        return
    for population in [*_of_type(circuit, BIOPHYSICAL), *_of_type(circuit, ASTROCYTE)]:
        if not _selected(sets, name, circuit.node_population(population)):
            remedy = 'name a set with cells of each population, such as ["Neurons", "Astrocytes"] by population'
            yield Problem(config.file.name, "node_set", name, f"selects no cell of {population}; {remedy}")


def _selected(sets: libsonata.NodeSets, name: str, population: libsonata.NodePopulation) -> bool:
    try:
        return sets.materialize(name, population).flat_size > 0
    except libsonata.SonataError:  # an attribute that this population lacks
        return False


def _named_sets(raw: Any) -> Iterator[tuple[str, str]]:
    if "node_set" in raw:
        yield "node_set", raw["node_set"]
    for section, key in (("inputs", "node_set"), ("inputs", "source"), ("reports", "cells")):
        for name, block in raw.get(section, {}).items():
            if isinstance(block.get(key), str):
                yield f"{section}.{name}.{key}", block[key]
