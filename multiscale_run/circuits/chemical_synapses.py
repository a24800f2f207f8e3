"""Chemical synapses between neurons: who connects to whom, where on the target, how strongly."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from . import tables
from .neurons import Neurons
from .segments import Ints, SegmentTable
from .sonata import components
from .space import Floats, perpendicular, rotate, stream
from .specification import CircuitSpec
from .tables import Pathway

POPULATION = "neurons__neurons__chemical"
_PAIRS_PER_BATCH = 1_000_000
_LARGEST_PROBABILITY = 0.95
_ATTEMPTS = 12
# SONATA attribute, its mean and standard deviation in the table of pathways
_DYNAMICS = (
    ("conductance", "conductance_nanosiemens", "conductance_sd_nanosiemens"),
    ("u_syn", "u_syn", "u_syn_sd"),
    ("depression_time", "depression_time_ms", "depression_time_sd_ms"),
    ("facilitation_time", "facilitation_time_ms", "facilitation_time_sd_ms"),
    ("decay_time", "decay_time_ms", "decay_time_sd_ms"),
)
_SHORTEST_DELAY_MS = 0.5
_CONDUCTION_UM_PER_MS = 300.0  # of the unmyelinated local axon: Stuart et al. 1997, J Physiol 505:617


@dataclass(frozen=True)
class SynapseBatch:
    """Consecutive edges, sorted by target and then source.

    Attributes:
        source, target: neuron ids.
        excitatory: whether the source excites.
        centre: n x 3 global positions in um.
        columns: SONATA attributes.
    """

    source: Ints
    target: Ints
    excitatory: NDArray[np.bool_]
    centre: Floats
    columns: dict[str, NDArray]

    def __len__(self) -> int:
        return len(self.source)


def chemical_synapses(spec: CircuitSpec, neurons: Neurons, segments: SegmentTable) -> Iterator[SynapseBatch]:
    """Draw all synapses in batches of target neurons.

    The probability of a connection falls exponentially with the distance of the somata, as measured between
    neocortical neurons (Perin et al. 2011, PNAS 108:5419), and ends at a cutoff: at a given density of neurons the
    in-degree does not depend on the size of the circuit, and the work is linear in it.

    Args:
        spec: the circuit.
        neurons: its neurons.
        segments: the segments of their morphologies.

    Yields:
        Batches in ascending order of the targets.
    """
    wiring = _Wiring(spec, neurons, segments)
    near = wiring.tree.query_ball_point(neurons.positions, wiring.reach, return_length=True)
    batch_of = np.cumsum(near) // _PAIRS_PER_BATCH
    for number in np.unique(batch_of):
        rng = stream(spec.seed, "synapses", int(number))
        yield wiring.synapses(rng, *wiring.connections(rng, np.flatnonzero(batch_of == number)))


class _Wiring:
    """Draws connections onto given targets, and their synapses."""

    def __init__(self, spec: CircuitSpec, neurons: Neurons, segments: SegmentTable) -> None:
        self._neurons = neurons
        self._segments = segments
        self._scale = spec.connection_scale
        self._pathways = tables.pathways()
        self._sites = _SynapseSites(segments, self._pathways, spec.edge_um)
        self.tree = cKDTree(neurons.positions)
        self.reach = max(row.cutoff_um for row in self._pathways)

    def _parameter(self, name: str, pathway: Ints) -> NDArray:
        """A column of the table of pathways, for each connection or synapse."""
        return np.array([getattr(row, name) for row in self._pathways])[pathway]

    def connections(self, rng: np.random.Generator, targets: Ints) -> tuple[Ints, Ints, Ints]:
        """Source, target and pathway of the connections onto some targets, sorted by target and source."""
        positions, excitatory = self._neurons.positions, self._neurons.excitatory
        pairs = cKDTree(positions[targets]).sparse_distance_matrix(self.tree, self.reach, output_type="ndarray")
        target, source, distance = targets[pairs["i"]], pairs["j"], pairs["v"]
        order = np.lexsort((source, target))
        target, source, distance = target[order], source[order], distance[order]
        pathway = 2 * ~excitatory[source] + ~excitatory[target]
        decay = np.exp(-distance / self._parameter("length_constant_um", pathway))
        probability = np.minimum(self._scale * self._parameter("probability", pathway) * decay, _LARGEST_PROBABILITY)
        near = distance < self._parameter("cutoff_um", pathway)
        connected = near & (source != target) & (rng.random(len(source)) < probability)
        return source[connected], target[connected], pathway[connected]

    def synapses(self, rng: np.random.Generator, source: Ints, target: Ints, pathway: Ints) -> SynapseBatch:
        """The synapses of connections; those of a connection share their dynamics."""
        count = 1 + rng.poisson(self._parameter("synapses", pathway) - 1)
        columns = {name: np.repeat(values, count) for name, values in self._dynamics(rng, pathway).items()}
        source, target, pathway = (np.repeat(values, count) for values in (source, target, pathway))
        columns["n_rrp_vesicles"] = (1 + rng.poisson(self._parameter("vesicles", pathway) - 1)).astype("u4")
        columns["syn_type_id"] = self._parameter("syn_type_id", pathway).astype("u4")

        neurons, segments = self._neurons, self._segments
        on, fraction, centre = self._sites.draw(rng, neurons, target, pathway)
        columns |= segments.columns("afferent", on, fraction)
        outward = perpendicular(rng, segments.end[on] - segments.start[on]) * segments.radius[on, None]
        surface = centre + rotate(neurons.orientations[target], outward)
        columns |= components("afferent_center_", centre) | components("afferent_surface_", surface)
        columns["spine_length"] = np.zeros(len(source))
        distance = np.linalg.norm(surface - neurons.positions[source], axis=1)
        columns["delay"] = _SHORTEST_DELAY_MS + distance / _CONDUCTION_UM_PER_MS
        return SynapseBatch(source, target, neurons.excitatory[source], centre, columns)

    def _dynamics(self, rng: np.random.Generator, pathway: Ints) -> dict[str, Floats]:
        """Gamma-distributed parameters, one value per connection."""
        drawn = {}
        for attribute, mean_name, deviation_name in _DYNAMICS:
            mean, deviation = self._parameter(mean_name, pathway), self._parameter(deviation_name, pathway)
            drawn[attribute] = rng.gamma((mean / deviation) ** 2, deviation**2 / mean)
        drawn["u_syn"] = np.clip(drawn["u_syn"], 0.01, 1.0)
        return drawn


class _SynapseSites:
    """Draws points on morphologies with the density of a pathway: one cumulative weight over all segments.

    Points outside the cube are drawn again: dendrites may leave it, but it holds all the axons.
    """

    def __init__(self, segments: SegmentTable, rows: list[Pathway], edge_um: float) -> None:
        self._segments = segments
        self._edge_um = edge_um
        weights = np.stack([self._weights(segments, row) for row in rows])
        self._cumulative = np.concatenate([np.zeros((len(rows), 1)), np.cumsum(weights, axis=1)], axis=1)

    @staticmethod
    def _weights(segments: SegmentTable, row: Pathway) -> Floats:
        dendrite = np.where(segments.is_dendrite, segments.length * np.exp(-segments.path / row.path_constant_um), 0)
        totals = np.add.reduceat(dendrite, segments.first[:-1])
        soma = np.zeros_like(dendrite)
        # a morphology without dendrites takes all its synapses on the soma
        soma[segments.first[:-1]] = np.where(totals > 0, row.soma_fraction / (1 - row.soma_fraction) * totals, 1)
        return dendrite + soma

    def draw(
        self, rng: np.random.Generator, neurons: Neurons, target: Ints, pathway: Ints
    ) -> tuple[Ints, Floats, Floats]:
        """Row of a segment, fraction along it and global position, for each synapse."""
        rows, fraction = np.empty(len(target), np.int64), np.empty(len(target))
        centre = np.empty((len(target), 3))
        again = np.arange(len(target))
        for _ in range(_ATTEMPTS):
            on, along = self._draw_once(rng, neurons.morphology[target[again]], pathway[again])
            local = rotate(neurons.orientations[target[again]], self._segments.centre(on, along))
            rows[again], fraction[again], centre[again] = on, along, neurons.positions[target[again]] + local
            again = again[((centre[again] < 0) | (centre[again] > self._edge_um)).any(axis=1)]
        return rows, fraction, centre

    def _draw_once(self, rng: np.random.Generator, morphology: Ints, pathway: Ints) -> tuple[Ints, Floats]:
        rows = np.empty(len(morphology), np.int64)
        shares = rng.random(len(morphology))
        for number, cumulative in enumerate(self._cumulative):
            mine = pathway == number
            first, after = self._segments.first[morphology[mine]], self._segments.first[morphology[mine] + 1]
            low, high = cumulative[first], cumulative[after]
            drawn = np.searchsorted(cumulative, low + shares[mine] * (high - low), side="right") - 1
            rows[mine] = np.clip(drawn, first, after - 1)
        return rows, rng.uniform(0.05, 0.95, len(morphology))
