"""Edges of the astrocytes: synapses they listen to, gap junctions between them, endfeet on vessels."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from . import astrocytes as astrocyte_nodes
from . import chemical_synapses, neurons, tables, vasculature
from .astrocytes import Astrocytes
from .chemical_synapses import SynapseBatch
from .segments import Ints
from .sonata import EdgeWriter, components
from .space import Floats, stream
from .specification import CircuitSpec
from .vasculature import Vasculature

NEUROGLIAL, GLIALGLIAL, GLIOVASCULAR = "neuroglial", "glialglial", "gliovascular"


class TripartiteSynapses:
    """Collects the excitatory synapses that astrocytes listen to.

    A synapse belongs to the astrocyte in whose microdomain it lies; those outside every microdomain have none.
    """

    def __init__(self, spec: CircuitSpec, astrocytes: Astrocytes) -> None:
        self._astrocytes = astrocytes
        self._fraction = tables.read_toml("glia")["synapses"]["covered_fraction"]
        self._rng = stream(spec.seed, "neuroglial")
        self._pieces: list[tuple[Ints, ...]] = []

    def add(self, first_edge: int, batch: SynapseBatch) -> None:
        """Choose among a batch of chemical edges that starts at row `first_edge` of its file."""
        covered = batch.excitatory & (self._rng.random(len(batch)) < self._fraction)
        rows = np.flatnonzero(covered)
        owner = self._astrocytes.microdomains.owner(batch.centre[rows])
        rows, owner = rows[owner >= 0], owner[owner >= 0]
        local = self._astrocytes.to_local(owner, batch.centre[rows])
        segment = self._astrocytes.segments.nearest(self._astrocytes.morphology[owner], local)
        self._pieces.append((owner, batch.target[rows], first_edge + rows, segment))

    def write(self, path: Path, neuron_count: int) -> int:
        """Write the edges, sorted by astrocyte, neuron and synapse; returns their number."""
        empty = np.empty(0, np.int64)
        astrocyte, neuron, synapse, segment = (
            np.concatenate(column) for column in zip((empty,) * 4, *self._pieces, strict=True)
        )
        order = np.lexsort((synapse, neuron, astrocyte))
        astrocyte, neuron, synapse, segment = (a[order] for a in (astrocyte, neuron, synapse, segment))
        middle = np.full(len(segment), 0.5)
        columns = self._astrocytes.segments.columns("astrocyte", segment, middle)
        del columns["astrocyte_section_type"]  # not an attribute of this edge type
        centre = self._astrocytes.to_global(astrocyte, self._astrocytes.segments.centre(segment, middle))
        columns |= components("astrocyte_center_", centre)
        columns["synapse_id"] = synapse.astype("u8")
        columns["synapse_population"] = np.zeros(len(synapse), "u4")
        with EdgeWriter(
            path,
            NEUROGLIAL,
            (astrocyte_nodes.POPULATION, len(self._astrocytes)),
            (neurons.POPULATION, neuron_count),
            labels={"synapse_population": [chemical_synapses.POPULATION]},
            attributes_of={("synapse_id", "edge_population"): chemical_synapses.POPULATION},
        ) as writer:
            writer.append(astrocyte, neuron, columns)
        return writer.count


def write_gap_junctions(path: Path, astrocytes: Astrocytes) -> int:
    """Join every two astrocytes whose microdomains touch, one edge per direction; returns the number of edges."""
    both = np.concatenate([astrocytes.microdomains.pairs, astrocytes.microdomains.pairs[:, ::-1]])
    source, target = both[np.lexsort((both[:, 0], both[:, 1]))].T
    between = (astrocytes.positions[source] + astrocytes.positions[target]) / 2
    columns: dict[str, NDArray] = {"spine_length": np.zeros(len(source))}
    for prefix, cells in (("afferent", target), ("efferent", source)):
        rows = astrocytes.segments.nearest(astrocytes.morphology[cells], astrocytes.to_local(cells, between))
        middle = np.full(len(rows), 0.5)
        columns |= astrocytes.segments.columns(prefix, rows, middle)
        centre = astrocytes.to_global(cells, astrocytes.segments.centre(rows, middle))
        outward = between - centre
        outward /= np.maximum(np.linalg.norm(outward, axis=1, keepdims=True), 1e-9)
        surface = centre + outward * astrocytes.segments.radius[rows, None]
        columns |= components(f"{prefix}_center_", centre) | components(f"{prefix}_surface_", surface)
    population = astrocyte_nodes.POPULATION, len(astrocytes)
    with EdgeWriter(path, GLIALGLIAL, population, population) as writer:
        writer.append(source, target, columns)
    return writer.count


def write_endfeet(path: Path, spec: CircuitSpec, astrocytes: Astrocytes, vessels: Vasculature) -> int:
    """Put endfeet on the vessels nearest to each astrocyte, at most one on a segment; returns their number.

    `astrocyte_section_id` counts neurites from 0 without the soma: neurodamus adds one for this edge type, and only
    for this one.
    """
    table = tables.read_toml("glia")["endfeet"]
    rng = stream(spec.seed, "endfeet")
    wanted = rng.integers(table["least"], table["most"] + 1, len(astrocytes))
    astrocyte, vessel = _claim_vessels(astrocytes.positions, vessels, wanted, table["candidates"])
    count = len(astrocyte)
    centre = vessels.centres[vessel]
    towards = astrocytes.positions[astrocyte] - centre
    axis = vessels.directions[vessel]
    towards -= axis * np.sum(axis * towards, axis=1, keepdims=True)
    towards /= np.maximum(np.linalg.norm(towards, axis=1, keepdims=True), 1e-9)
    surface = centre + towards * vessels.radii[vessel, None]
    local = astrocytes.to_local(astrocyte, surface)
    segment = astrocytes.segments.nearest(astrocytes.morphology[astrocyte], local)
    diameter = _uniform(rng, table["diameter_um"], count)
    columns = {
        "endfoot_id": np.arange(count, dtype="u8"),
        **components("endfoot_surface_", surface),
        "vasculature_section_id": vessels.section_id[vessel].astype("u4"),
        "vasculature_segment_id": vessels.segment_id[vessel].astype("u4"),
        "astrocyte_section_id": (astrocytes.segments.section_id[segment] - 1).astype("u4"),
        "endfoot_compartment_length": _uniform(rng, table["length_um"], count),
        "endfoot_compartment_diameter": diameter,
        "endfoot_compartment_perimeter": np.pi * diameter,
    }
    source = vasculature.POPULATION, len(vessels)
    with EdgeWriter(path, GLIOVASCULAR, source, (astrocyte_nodes.POPULATION, len(astrocytes))) as writer:
        writer.append(vessel, astrocyte, columns)
    return writer.count


def _uniform(rng: np.random.Generator, bounds: list[float], count: int) -> Floats:
    low, high = bounds
    return rng.uniform(low, high, count)


def _claim_vessels(somata: Floats, vessels: Vasculature, wanted: Ints, candidates: int) -> tuple[Ints, Ints]:
    """Astrocyte and vessel segment of every endfoot: the nearest free segments, each in another vessel section."""
    nearest = cKDTree(vessels.centres).query(somata, k=min(candidates, len(vessels)))[1].reshape(len(somata), -1)
    taken: set[int] = set()
    pairs: list[tuple[int, int]] = []
    for astrocyte, (rows, number) in enumerate(zip(nearest, wanted, strict=True)):
        sections: set[int] = set()
        for row in rows.tolist():
            section = int(vessels.section_id[row])
            if len(sections) < number and row not in taken and section not in sections:
                taken.add(row)
                sections.add(section)
                pairs.append((astrocyte, row))
    result = np.array(pairs, np.int64).reshape(-1, 2)
    return result[:, 0], result[:, 1]
