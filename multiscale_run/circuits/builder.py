"""Builds a complete synthetic neuro-glia-vascular circuit from its specification."""

import logging
import shutil
from dataclasses import dataclass
from importlib.resources import as_file, files
from pathlib import Path

from . import astrocytes, chemical_synapses, configuration, glial_edges, neurons, vasculature
from .astrocytes import Astrocytes
from .configuration import edges_file, nodes_file
from .glial_edges import TripartiteSynapses
from .neuron_morphologies import NeuronMorphologies, write_morphologies
from .neurons import Neurons
from .sonata import EdgeWriter
from .specification import CircuitSpec

_LOGGER = logging.getLogger(__name__)


@dataclass(frozen=True)
class CircuitSummary:
    """What was built.

    Attributes:
        config: path of circuit_config.json.
        edge_um: edge of the cube in um.
        nodes: size of each node population.
        edges: size of each edge population.
        inlets: number of arterioles that bring blood.
        outlets: number of venules that carry it away.
        file_bytes: size of all files of the circuit.
        notes: what the user should know.
    """

    config: Path
    edge_um: float
    nodes: dict[str, int]
    edges: dict[str, int]
    inlets: int
    outlets: int
    file_bytes: int
    notes: tuple[str, ...] = ()


def build_circuit(directory: Path, spec: CircuitSpec, config_directory: Path | None = None) -> CircuitSummary:
    """Write a circuit: SONATA nodes and edges, morphologies, cell templates, circuit_config.json and node_sets.json.

    The same specification gives the same bytes with the same versions of numpy, scipy and h5py.

    Args:
        directory: folder for the data; existing files of the circuit are replaced.
        spec: what to build.
        config_directory: folder for the two JSON files, `directory` by default.

    Raises:
        UserError: the morphologies cannot be used.
    """
    morphologies = write_morphologies(directory / configuration.NEURON_MORPHOLOGIES, spec.seed, spec.morphologies)
    cells = neurons.place_neurons(spec, morphologies)
    neurons.write_neurons(directory / nodes_file(neurons.POPULATION), cells, morphologies)
    glia = astrocytes.place_astrocytes(spec, directory / configuration.ASTROCYTE_MORPHOLOGIES)
    astrocytes.write_astrocytes(directory / nodes_file(astrocytes.POPULATION), glia)
    glia.microdomains.write(directory / configuration.MICRODOMAINS)
    vessels = vasculature.grow_vasculature(spec)
    vasculature.write_vasculature(directory / nodes_file(vasculature.POPULATION), vessels)
    edges = _write_synapses(directory, spec, cells, morphologies, glia)
    edges[glial_edges.GLIALGLIAL] = glial_edges.write_gap_junctions(
        directory / edges_file(glial_edges.GLIALGLIAL), glia
    )
    edges[glial_edges.GLIOVASCULAR] = glial_edges.write_endfeet(
        directory / edges_file(glial_edges.GLIOVASCULAR), spec, glia, vessels
    )
    _copy_templates(directory / configuration.CELL_TEMPLATES)
    for note in morphologies.notes:
        _LOGGER.warning(note)
    return CircuitSummary(
        config=configuration.write_configuration(config_directory or directory, directory),
        edge_um=spec.edge_um,
        nodes={
            neurons.POPULATION: len(cells),
            astrocytes.POPULATION: len(glia),
            vasculature.POPULATION: len(vessels),
        },
        edges=edges,
        inlets=len(vessels.inlets),
        outlets=len(vessels.outlets),
        file_bytes=sum(path.stat().st_size for path in directory.rglob("*") if path.is_file()),
        notes=tuple(morphologies.notes),
    )


def _write_synapses(
    directory: Path, spec: CircuitSpec, cells: Neurons, morphologies: NeuronMorphologies, glia: Astrocytes
) -> dict[str, int]:
    """Write the chemical synapses and the neuroglial edges to them in one pass; returns the numbers of edges."""
    tripartite = TripartiteSynapses(spec, glia)
    population = neurons.POPULATION, len(cells)
    path = directory / edges_file(chemical_synapses.POPULATION)
    with EdgeWriter(path, chemical_synapses.POPULATION, population, population) as writer:
        for batch in chemical_synapses.chemical_synapses(spec, cells, morphologies.segments):
            tripartite.add(writer.count, batch)
            writer.append(batch.source, batch.target, batch.columns)
    covered = tripartite.write(directory / edges_file(glial_edges.NEUROGLIAL), len(cells))
    return {chemical_synapses.POPULATION: writer.count, glial_edges.NEUROGLIAL: covered}


def _copy_templates(folder: Path) -> None:
    """Copy the hoc cell templates into the circuit, which then is complete in itself."""
    folder.mkdir(parents=True, exist_ok=True)
    with as_file(files("multiscale_run") / "mechanisms" / "hoc") as templates:
        for template in sorted(templates.glob("*.hoc")):
            shutil.copyfile(template, folder / template.name)
