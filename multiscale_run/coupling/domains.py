"""Domains: the sets of sites that quantities live on."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

NEURONS = "neurons"
SEGMENTS = "segments"
"""Segments of the neurons of this rank."""
GLIA = "glia"
"""Compartments of the astrocytes of this rank, their endfeet among them."""
ENDFEET = "endfeet"
"""Endfeet, on the rank of their astrocyte; ids are the rows of the gliovascular edges."""
TETRAHEDRA = "tetrahedra"
"""Tetrahedra of the mesh, which every rank has all of; ids are their numbers in the mesh."""
VESSELS = "vessels"
"""Vessel segments, which every rank has all of; ids are the SONATA ids of the vasculature."""
EXCLUDED_NEURON = "neuron"
"""Attribute of the log record of an exclusion: the neuron's SONATA id, for those who keep a record."""


@dataclass(frozen=True)
class Domain:
    """A set of sites: neurons, segments of neurons, tetrahedra, vessel segments, endfeet.

    Attributes:
        name: the standard term, such as ``segments``.
        ids: the sites' ids on this rank, in the order of every array on this domain, shape (sites,).
        distributed: True when each rank holds its own sites, False when every rank holds all of them.
    """

    name: str
    ids: np.ndarray
    distributed: bool = True

    @property
    def size(self) -> int:
        """Number of sites on this rank."""
        return len(self.ids)


class AliveNeurons:
    """Which neurons of this rank still take part: one boolean per neuron, shared by every simulator.

    A neuron that fails a check is masked out for the rest of the run; arrays never change their shape.

    Args:
        neuron_ids: SONATA ids of this rank's neurons, shape (neurons,).
    """

    def __init__(self, neuron_ids: np.ndarray) -> None:
        self.neuron_ids = np.asarray(neuron_ids)
        self.mask = np.ones(len(self.neuron_ids), dtype=bool)
        self.reasons: dict[int, str] = {}

    def exclude(self, index: int, reason: str) -> None:
        """Mask out the neuron at a local index and remember why."""
        self.mask[index] = False
        self.reasons[int(self.neuron_ids[index])] = reason
