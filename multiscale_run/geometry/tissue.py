"""What the coupling matrices are made from: the mesh, and where segments of neurons and vessels lie."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, fields
from functools import cached_property
from typing import Any

import numpy as np

from mpi_coupling.world import UserError
from multiscale_run.geometry.mesh import SHOWN, TetMesh
from multiscale_run.geometry.walk import Intersector


@dataclass(frozen=True, eq=False)
class NeuronSegments:
    """The segments of a rank's neurons. Lengths in um.

    Attributes:
        starts: first point of each segment, shape (segments, 3).
        ends: last point of each segment, shape (segments, 3).
        owner: local index of each segment's neuron, shape (segments,).
        section_ids: id of each segment's section within its neuron, shape (segments,).
        lengths: length along the neurite in um, shape (segments,).
        volumes: um3, shape (segments,).
        n_neurons: number of neurons on this rank.

    Raises:
        UserError: a segment has no positive, finite length or volume.
    """

    starts: np.ndarray
    ends: np.ndarray
    owner: np.ndarray
    section_ids: np.ndarray
    lengths: np.ndarray
    volumes: np.ndarray
    n_neurons: int

    def __post_init__(self) -> None:
        for what, amounts in (("length", self.lengths), ("volume", self.volumes)):
            wrong = np.flatnonzero(~((amounts > 0) & np.isfinite(amounts)))
            if len(wrong):
                shown = ", ".join(f"neuron {self.owner[k]} section {self.section_ids[k]}" for k in wrong[:SHOWN])
                raise UserError(
                    f"{len(wrong)} segments have no positive, finite {what} (the first: {shown}); "
                    "repair the morphologies or their diameters"
                )

    @cached_property
    def sections(self) -> np.ndarray:
        """Index of each segment's section among all of this rank, by neuron, then by section id, shape (segments,)."""
        keys = np.column_stack([self.owner, self.section_ids])
        return np.unique(keys, axis=0, return_inverse=True)[1].ravel()


@dataclass(frozen=True, eq=False)
class VesselSegments:
    """The vessel segments, alike on all ranks. Lengths in um.

    Attributes:
        starts: first point of each segment; positive flow leaves it, shape (segments, 3).
        ends: last point of each segment, shape (segments, 3).
        is_inlet: whether blood enters the network at the first point, shape (segments,).
    """

    starts: np.ndarray
    ends: np.ndarray
    is_inlet: np.ndarray


@dataclass(frozen=True, eq=False)
class Tissue:
    """Everything the matrices may need; parts that a run does not have are None."""

    mesh: TetMesh | None = None
    neurons: NeuronSegments | None = None
    vessels: VesselSegments | None = None

    @cached_property
    def intersector(self) -> Intersector | None:
        """Intersects segments with the mesh; made when the first matrix needs it, None without a mesh."""
        return Intersector(self.mesh) if self.mesh else None

    def has(self, part: str) -> bool:
        """Whether a part is there, without making anything."""
        return self._origin(part) is not None

    def data(self, part: str) -> Iterator[np.ndarray]:
        """All arrays that a part is made of: they decide what is made from it."""
        origin = self._origin(part)
        for field in fields(origin):
            if field.name != "name":
                yield np.asarray(getattr(origin, field.name))

    def _origin(self, part: str) -> Any:
        return getattr(self, "mesh" if part == "intersector" else part)
