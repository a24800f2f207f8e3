"""Step 3 of a spiking network: synapses inside a region and between spiking regions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from mpi_coupling.failure import UserError
from tvb_nest.nest_side.parameters import ConnectionParameters, NetworkParameters
from tvb_nest.nest_side.populations import EXCITATORY, INHIBITORY, Region


class BrainConnections(Protocol):
    """What is needed of a connectome (`tvb_nest.connectome.Connectome`).

    Attributes:
        weights: (n, n), target x source.
        lengths: (n, n), target x source, in mm.
        speed: in mm/ms.
    """

    @property
    def weights(self) -> NDArray[np.float64]: ...

    @property
    def lengths(self) -> NDArray[np.float64]: ...

    @property
    def speed(self) -> float: ...

    def delays(self, dt: float) -> NDArray[np.integer]:
        """Steps of dt, (n, n), target x source."""
        ...


@dataclass(frozen=True)
class Link:
    """The synapses from one spiking region to another.

    Attributes:
        source, target: regions, as indices into the connectome.
        n_synapses: altogether, on randomly chosen pairs of neurons.
        delay_steps: of each.
    """

    source: int
    target: int
    n_synapses: int
    delay_steps: int


def plan_links(
    connectome: BrainConnections,
    regions: Sequence[int],
    parameters: ConnectionParameters,
    n_neurons: Sequence[int],
    dt: float,
) -> list[Link]:
    """The links between spiking regions that have a synapse, in the order of `regions`.

    Args:
        connectome: weights and delays of the brain.
        regions: the spiking regions.
        parameters: of the connections.
        n_neurons: of each of these regions.
        dt: time step (ms).
    """
    planned = _upstream_links if parameters.compat_upstream else _links
    synapses, delays = planned(connectome, np.asarray(regions), parameters, dt)
    links = []
    for i, target in enumerate(regions):
        for j, source in enumerate(regions):
            total = int(np.rint(n_neurons[i] * synapses[i, j]))
            if i != j and total > 0:
                links.append(Link(source, target, total, max(1, int(delays[i, j]))))
    return links


def _links(
    connectome: BrainConnections, regions: NDArray[np.intp], parameters: ConnectionParameters, dt: float
) -> tuple[NDArray[np.float64], NDArray[np.integer]]:
    """Synapses per neuron and delays, both (target, source).

    A source takes its own share of the external synapses and no more: the shares of the regions outside NEST are the
    input that TVB computes, so nothing is counted twice.
    """
    pairs = np.ix_(regions, regions)
    per_weight = parameters.nb_external_synapse * parameters.weight_global
    return per_weight * connectome.weights[pairs], connectome.delays(dt)[pairs]


def _upstream_links(
    connectome: BrainConnections, regions: NDArray[np.intp], parameters: ConnectionParameters, dt: float
) -> tuple[NDArray[np.float64], NDArray[np.integer]]:
    """The same as the original had it; see `ConnectionParameters.compat_upstream`."""
    pairs = np.ix_(regions, regions)
    weights = connectome.weights[pairs].T.copy()
    np.fill_diagonal(weights, 0.0)
    totals = weights.sum(axis=1, keepdims=True)
    shares = np.divide(weights, totals, out=np.zeros_like(weights), where=totals > 0)
    delays = np.rint(connectome.lengths[pairs] * connectome.speed / dt).astype(np.int64)
    return parameters.nb_external_synapse * shares, delays


def connect_inside(nest: Any, parameters: NetworkParameters, region: Region) -> None:
    """Random synapses with a fixed in-degree, p_connect times the size of the source population."""
    synapses = parameters.connections
    kinds = {
        EXCITATORY: (synapses.weight_local, synapses.receptor_excitatory),
        INHIBITORY: (-synapses.g * synapses.weight_local, synapses.receptor_inhibitory),
    }
    for name, (weight, receptor) in kinds.items():
        sources = region.populations.get(name, ())
        in_degree = round(synapses.p_connect * len(sources))
        if in_degree:
            nest.Connect(
                sources,
                region.nodes,
                {"rule": "fixed_indegree", "indegree": in_degree},
                synapse(weight, parameters.delay_local, receptor),
            )


def connect_between(nest: Any, parameters: NetworkParameters, regions: Sequence[Region], links: Sequence[Link]) -> None:
    """Make the planned synapses, from excitatory neurons to all neurons.

    Raises:
        UserError: a source region has no excitatory population.
    """
    by_index = {region.index: region for region in regions}
    synapses = parameters.connections
    for link in links:
        sources = by_index[link.source].populations.get(EXCITATORY)
        if sources is None:
            raise UserError(f"region {link.source} has no population 'excitatory' to send its spikes to other regions")
        nest.Connect(
            sources,
            by_index[link.target].nodes,
            {"rule": "fixed_total_number", "N": link.n_synapses},
            synapse(
                synapses.external_synapse_weight,
                link.delay_steps * parameters.sim_resolution,
                synapses.receptor_excitatory,
            ),
        )


def synapse(weight: float, delay: float, receptor: int = 0) -> dict[str, float | int]:
    """A synapse specification of NEST; port 0 is left out, some models accept no port at all."""
    specification: dict[str, float | int] = {"weight": weight, "delay": delay}
    return specification | {"receptor_type": receptor} if receptor else specification
