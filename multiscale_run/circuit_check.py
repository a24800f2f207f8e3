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
import numpy as np

from multiscale_run.config import Problem, SimulationConfig
from multiscale_run.config.problems import ABSENT

BIOPHYSICAL, CHEMICAL, TRIPARTITE = "biophysical", "chemical", "synapse_astrocyte"
FIRST_SYNAPSE_GID = 1_000_000
"""Neurodamus numbers the release sites of tripartite synapses from here on, so neurons must stay below."""

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
    if not problems:
        problems = [
            Problem(name, *found)
            for found in itertools.chain(_neurons(circuit), _edges(circuit), _tripartite_synapses(circuit))
        ]
    return problems + list(_node_sets(config, circuit))


def neuron_population(config: SimulationConfig) -> libsonata.NodePopulation:
    """The circuit's population of biophysical neurons."""
    circuit = libsonata.CircuitConfig.from_file(str(config.network))
    return circuit.node_population(_of_type(circuit, BIOPHYSICAL)[0])


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
    for kind, names, read in (
        ("nodes", circuit.node_populations, circuit.node_population),
        ("edges", circuit.edge_populations, circuit.edge_population),
    ):
        for name in sorted(names):
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
    if not 0 < population.size < FIRST_SYNAPSE_GID:
        yield place, population.size, f"must have 1 to {FIRST_SYNAPSE_GID - 1} neurons"
        return
    everyone = population.select_all()
    missing = sorted({"morphology", "model_template"} - set(population.attribute_names))
    if missing:
        yield place, ABSENT, f"lacks the attributes {', '.join(missing)}"
        return
    morphologies = sorted(set(population.get_attribute("morphology", everyone)))
    folders = [properties.morphologies_dir, *properties.alternate_morphology_formats.values()]
    lost = [m for m in morphologies if not any(_has_morphology(Path(f), m) for f in folders if f)]
    if lost:
        yield f"{place}.morphologies_dir", ABSENT, f"has no file for {_some(lost)}"
    templates = {t.removeprefix("hoc:") for t in population.get_attribute("model_template", everyone)}
    hoc = Path(properties.biophysical_neuron_models_dir)
    lost = [t for t in sorted(templates) if not (hoc / f"{t}.hoc").is_file()]
    if lost:
        yield f"{place}.biophysical_neuron_models_dir", str(hoc), f"has no file <template>.hoc for {_some(lost)}"


def _has_morphology(folder: Path, name: str) -> bool:
    return any((folder / f"{name}.{ending}").is_file() for ending in ("swc", "asc", "h5"))


def _some(names: list[str]) -> str:
    rest = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
    return ", ".join(names[:SHOWN]) + rest


def _edges(circuit: libsonata.CircuitConfig) -> Iterator[_Found]:
    for name in sorted(circuit.edge_populations):
        edges = circuit.edge_population(name)
        everything = edges.select_all()
        for end, population, ids in (
            ("source", edges.source, edges.source_nodes(everything)),
            ("target", edges.target, edges.target_nodes(everything)),
        ):
            place = f"networks.edges.{name}"
            if population not in circuit.node_populations:
                yield place, population, f"its {end} population is not in the circuit"
            elif len(ids) and ids.max() >= (size := circuit.node_population(population).size):
                yield place, int(ids.max()), f"a {end} id is out of range: {population} has {size} nodes"
        if circuit.edge_population_properties(name).type == CHEMICAL:
            yield from _order(name, edges)


def _order(name: str, edges: libsonata.EdgePopulation) -> Iterator[_Found]:
    """Astrocytes find a synapse by its rank within its connection, so a connection's rows must stand together."""
    everything = edges.select_all()
    source, target = edges.source_nodes(everything), edges.target_nodes(everything)
    pair = target.astype(np.int64) * (int(source.max(initial=0)) + 1) + source.astype(np.int64)
    starts = pair[np.flatnonzero(np.diff(pair, prepend=-1))]
    if len(np.unique(starts)) != len(starts):
        place = f"networks.edges.{name}"
        yield place, ABSENT, "edges of one (source, target) pair must be contiguous; sort by target and source"


def _tripartite_synapses(circuit: libsonata.CircuitConfig) -> Iterator[_Found]:
    for name in sorted(circuit.edge_populations):
        if circuit.edge_population_properties(name).type != TRIPARTITE:
            continue
        edges, place = circuit.edge_population(name), f"networks.edges.{name}"
        if not edges.size:
            continue
        synapses = edges.get_attribute("synapse_id", edges.select_all())
        populations = set(edges.get_attribute("synapse_population", edges.select_all()))
        unknown = sorted(populations - set(circuit.edge_populations))
        if unknown:
            yield f"{place}.synapse_population", unknown[0], "is not an edge population of the circuit"
        elif synapses.max() >= (size := max(circuit.edge_population(p).size for p in populations)):
            yield f"{place}.synapse_id", int(synapses.max()), f"is out of range: there are {size} synapses"


def _node_sets(config: SimulationConfig, circuit: libsonata.CircuitConfig) -> Iterator[Problem]:
    path = config.node_sets_file or circuit.node_sets_path
    if not path:
        return
    try:
        known = libsonata.NodeSets.from_file(str(path)).names
    except Exception as error:
        yield Problem(str(path), "", ABSENT, f"is not a node set file: {error}")
        return
    for place, name in _named_sets(config.raw):
        if name not in known:
            yield Problem(config.file.name, place, name, f"is not a node set; allowed: {', '.join(sorted(known))}")


def _named_sets(raw: Any) -> Iterator[tuple[str, str]]:
    if "node_set" in raw:
        yield "node_set", raw["node_set"]
    for section, key in (("inputs", "node_set"), ("inputs", "source"), ("reports", "cells")):
        for name, block in raw.get(section, {}).items():
            if isinstance(block.get(key), str):
                yield f"{section}.{name}.{key}", block[key]
