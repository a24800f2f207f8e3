"""The extracellular space as solvers and messages need it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Ion:
    """An ion species that diffuses.

    Attributes:
        name: what STEPS calls it.
        diffusion: diffusion coefficient in m2/s.
    """

    name: str
    diffusion: float


@dataclass(frozen=True, eq=False)
class Space:
    """A mesh and the ions in it.

    Attributes:
        vertices: coordinates in um, shape (vertices, 3).
        tetrahedra: vertices of each tetrahedron, shape (tetrahedra, 4).
        ions: what diffuses.
        compartment: name of the compartment in STEPS.
        volume_system: name of the volume system in STEPS.
    """

    vertices: np.ndarray
    tetrahedra: np.ndarray
    ions: Sequence[Ion]
    compartment: str = "extra"
    volume_system: str = "extra_volsys"

    @property
    def barycentres(self) -> np.ndarray:
        """Mean of the vertices of each tetrahedron in um, shape (tetrahedra, 3)."""
        return self.vertices[self.tetrahedra].mean(axis=1)

    def describe(self, tetrahedron: int) -> str:
        """A tetrahedron's number and where it is, for messages."""
        x, y, z = self.barycentres[tetrahedron]
        return f"tetrahedron {tetrahedron} at ({x:.6g}, {y:.6g}, {z:.6g}) um"

    def split(self, n_ranks: int) -> np.ndarray:
        """The rank of each tetrahedron: slabs of equal numbers across the longest side, shape (tetrahedra,)."""
        centres = self.barycentres
        axis = np.argmax(np.ptp(centres, axis=0))
        ranks = np.empty(len(centres), dtype=np.int32)
        ranks[np.argsort(centres[:, axis], kind="stable")] = np.arange(len(centres)) * n_ranks // len(centres)
        return ranks
