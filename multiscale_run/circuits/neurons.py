"""The population of neurons: where they are, what they are, how they are turned."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from . import tables
from .neuron_morphologies import NeuronMorphologies
from .segments import Ints
from .sonata import components, write_nodes
from .space import Floats, blue_noise, rotations_about_y, stream
from .specification import CircuitSpec
from .tables import NeuronType

POPULATION = "neurons"
_RELATIVE_DISTANCE = 0.6  # smallest distance of two somata over the mean spacing


@dataclass(frozen=True)
class Neurons:
    """All neurons of a circuit.

    Attributes:
        positions: n x 3 somata in um.
        orientations: n x 4 quaternions (w, x, y, z).
        type_index: row of `tables.neuron_types()`.
        morphology: index into the morphologies.
        excitatory: which neurons excite.
    """

    positions: Floats
    orientations: Floats
    type_index: Ints
    morphology: Ints
    excitatory: NDArray[np.bool_]

    def __len__(self) -> int:
        return len(self.positions)


def place_neurons(spec: CircuitSpec, morphologies: NeuronMorphologies) -> Neurons:
    """Draw positions, types, morphologies and orientations."""
    rng = stream(spec.seed, "neurons")
    positions = blue_noise(rng, spec.neurons, np.zeros(3), np.full(3, spec.edge_um), _RELATIVE_DISTANCE)
    layer = _layers_at(spec, positions[:, 1])
    excitatory = _choose_excitatory(rng, layer, spec.excitatory_fraction)
    types = tables.neuron_types()
    type_index = _choose_types(rng, types, layer, excitatory)
    morphology = np.empty(spec.neurons, np.int64)
    for kind in sorted({row.morphology for row in types}):
        cells = np.flatnonzero([types[index].morphology == kind for index in type_index])
        variants = np.array(morphologies.of_kind(kind))
        morphology[cells] = variants[rng.permutation(len(cells)) % len(variants)]
    return Neurons(positions, rotations_about_y(rng, spec.neurons), type_index, morphology, excitatory)


def _layers_at(spec: CircuitSpec, y: Floats) -> Ints:
    """Layer at a height: the chosen layers share the cube in proportion to their thickness, layer 1 at the top."""
    rows = [row for row in tables.layers() if row.layer in spec.layers]
    depth_ends = np.cumsum([row.thickness_um for row in rows])
    depth = (1 - y / spec.edge_um) * depth_ends[-1]
    index = np.minimum(np.searchsorted(depth_ends, depth), len(rows) - 1)
    return np.array([row.layer for row in rows])[index]


def _choose_excitatory(rng: np.random.Generator, layer: Ints, fraction: float) -> NDArray[np.bool_]:
    """Choose the excitatory neurons outside layer 1, which has none."""
    excitatory = np.zeros(len(layer), bool)
    candidates = rng.permutation(np.flatnonzero(layer != 1))
    excitatory[candidates[: round(fraction * len(layer))]] = True
    return excitatory


def _choose_types(
    rng: np.random.Generator, types: list[NeuronType], layer: Ints, excitatory: NDArray[np.bool_]
) -> Ints:
    """Deal the types of each layer and synapse class in proportion to their fractions."""
    chosen = np.empty(len(layer), np.int64)
    for own_layer in np.unique(layer):
        for synapse_class, mask in (("EXC", excitatory), ("INH", ~excitatory)):
            cells = rng.permutation(np.flatnonzero(mask & (layer == own_layer)))
            rows = [i for i, t in enumerate(types) if t.layer == own_layer and t.synapse_class == synapse_class]
            if len(cells):
                shares = np.cumsum([types[row].fraction for row in rows])
                quantile = (np.arange(len(cells)) + 0.5) / len(cells) * shares[-1]
                chosen[cells] = np.array(rows)[np.searchsorted(shares, quantile)]
    return chosen


def write_neurons(path: Path, neurons: Neurons, morphologies: NeuronMorphologies) -> None:
    """Write the nodes file.

    `threshold_current` (nA) and `input_resistance` (MOhm) are estimates from the membrane area of the morphology,
    with the coefficients of `electrical_types.csv`.
    """
    kinds = tables.read_toml("morphology_kinds")
    electrical = tables.electrical_types()
    types = [tables.neuron_types()[index] for index in neurons.type_index]
    cells = [electrical[row.etype] for row in types]
    area = morphologies.segments.membrane_area[neurons.morphology]
    resistance = np.array([cell.specific_membrane_resistance_ohm_cm2 for cell in cells])
    attributes: dict[str, Any] = {
        **components("", neurons.positions),
        **components("orientation_", neurons.orientations, "wxyz"),
        "model_type": "biophysical",
        "model_template": [cell.model_template for cell in cells],
        "morphology": [morphologies.names[index] for index in neurons.morphology],
        "morph_class": [kinds[row.morphology]["morph_class"] for row in types],
        "mtype": [row.mtype for row in types],
        "etype": [row.etype for row in types],
        "synapse_class": [row.synapse_class for row in types],
        "layer": [str(row.layer) for row in types],
        "region": [f"L{row.layer}" for row in types],
    }
    dynamics = {
        "threshold_current": area * [cell.threshold_current_na_per_um2 for cell in cells],
        "holding_current": 0.0,
        "input_resistance": resistance / (area * 1e-8) * 1e-6,
    }
    write_nodes(path, POPULATION, len(neurons), attributes, dynamics)
