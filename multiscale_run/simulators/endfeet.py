"""Endfeet: where astrocytes hold vessels and set their radius."""

from __future__ import annotations

from typing import Any

import libsonata
import numpy as np
import scipy.sparse as sparse

from mpi_coupling.world import UserError
from multiscale_run.bloodflow import vasculature_populations
from multiscale_run.config import SimulationConfig
from multiscale_run.coupling import ENDFEET, VESSELS, Domain, Operator, Reduction
from multiscale_run.simulators.segments import RangeVariable

RADIUS = "Rad_vascouplingB"
"""Range variable of an endfoot that holds the radius of its vessel, um."""


class Endfeet:
    """The endfeet of this rank's astrocytes.

    Neurodamus makes one section for every edge that ends at an astrocyte, in the order of the edges; ids of vessels
    and astrocytes count from 0.

    Args:
        config: the simulation's configuration.
        neurodamus: the ``Neurodamus`` object, built. A circuit without gliovascular edges has no endfeet.
        h: NEURON's hoc interface.

    Attributes:
        ids: rows of the edges, shape (endfeet,).
        vessels: the vessel segment that each endfoot holds, shape (endfeet,).
        n_vessels: number of vessel segments of the circuit.
    """

    def __init__(self, config: SimulationConfig, neurodamus: Any, h: Any) -> None:
        ids: list[int] = []
        vessels: list[int] = []
        segments: list[Any] = []
        self.n_vessels = _count_vessels(config)
        for manager in _gliovascular_managers(neurodamus):
            edges = manager._gliovascular
            for astrocyte in manager._astro_ids:
                at_astrocyte = edges.afferent_edges(astrocyte)
                if not at_astrocyte.flat_size:
                    continue
                ids += at_astrocyte.flatten().tolist()
                vessels += edges.source_nodes(at_astrocyte).tolist()
                cell = manager.cell_manager.gid2cell[astrocyte + manager._gid_offset]
                segments += [section(0.5) for section in cell.endfeet]
        self.ids, self.vessels = np.array(ids, dtype=np.int64), np.array(vessels, dtype=np.int64)
        self._radius = RangeVariable(h, RADIUS, segments)

    def radii(self) -> np.ndarray:
        """Radius of the vessel at each endfoot, um, shape (endfeet,).

        Raises:
            UserError: a radius is not a number; on its way to the vessels NaN would mean that no endfoot holds them.
        """
        radii = self._radius.read()
        lost = np.flatnonzero(np.isnan(radii))
        if len(lost):
            raise UserError(
                f"endfoot {self.ids[lost[0]]} at vessel segment {self.vessels[lost[0]]}: its radius is not a number "
                f"({len(lost)} endfeet in all); check the mechanism vascouplingB and the calcium of the astrocyte"
            )
        return radii

    def domain(self) -> Domain:
        """The endfeet of this rank."""
        return Domain(ENDFEET, self.ids)

    def operator(self) -> Operator:
        """Endfeet to vessel segments: the mean over the endfeet that hold one, NaN where none does."""
        matrix = sparse.csr_matrix(
            (np.ones(len(self.ids)), (self.vessels, np.arange(len(self.ids)))), shape=(self.n_vessels, len(self.ids))
        )
        return Operator(ENDFEET, VESSELS, matrix, Reduction.MEAN, over_ranks=True)


def _count_vessels(config: SimulationConfig) -> int:
    circuit = libsonata.CircuitConfig.from_file(str(config.network))
    return sum(circuit.node_population(name).size for name in vasculature_populations(circuit))


def _gliovascular_managers(neurodamus: Any) -> list[Any]:
    from neurodamus.ngv import GlioVascularManager

    managers = neurodamus.circuits.all_synapse_managers()
    return [manager for manager in managers if isinstance(manager, GlioVascularManager)]
