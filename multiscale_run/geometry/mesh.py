"""Tetrahedral meshes: vertices, tetrahedra, and what follows from them."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from mpi_coupling.world import UserError

SHOWN = 3
"""How many tetrahedra a message lists."""
FLATTEST = 1e-12
"""Volume over cubed longest edge below which a tetrahedron counts as flat."""
OPPOSITE_FACES = np.array([[1, 2, 3], [0, 2, 3], [0, 1, 3], [0, 1, 2]])
"""Local vertices of the face opposite to each local vertex."""
_EDGES = np.array([[0, 1], [0, 2], [0, 3], [1, 2], [1, 3], [2, 3]])


@dataclass(frozen=True, eq=False)
class TetMesh:
    """A checked mesh of tetrahedra. Lengths in um.

    Attributes:
        vertices: coordinates, shape (vertices, 3).
        tetrahedra: vertices of each tetrahedron, the fourth on the side that the right-handed normal of the first
            three points to, shape (tetrahedra, 4).
        name: what messages call it, such as its file.

    Raises:
        UserError: an array has a wrong shape, or a tetrahedron is inverted, flat or given twice, or names a vertex
            that does not exist or has no finite coordinates.
    """

    vertices: np.ndarray
    tetrahedra: np.ndarray
    name: str = "mesh"

    def __post_init__(self) -> None:
        object.__setattr__(self, "vertices", np.ascontiguousarray(self.vertices, dtype=float))
        object.__setattr__(self, "tetrahedra", np.ascontiguousarray(self.tetrahedra, dtype=np.int32))
        self._check_shapes()
        self._check_tetrahedra()

    @property
    def n_tetrahedra(self) -> int:
        """Number of tetrahedra."""
        return len(self.tetrahedra)

    @cached_property
    def corners(self) -> np.ndarray:
        """Coordinates of the four vertices of each tetrahedron, shape (tetrahedra, 4, 3)."""
        return self.vertices[self.tetrahedra]

    @cached_property
    def volumes(self) -> np.ndarray:
        """Volume of each tetrahedron in um3, shape (tetrahedra,)."""
        return signed_volumes(self.corners)

    @cached_property
    def barycentres(self) -> np.ndarray:
        """Mean of the vertices of each tetrahedron, shape (tetrahedra, 3)."""
        return self.corners.mean(axis=1)

    @property
    def lower(self) -> np.ndarray:
        """Lowest coordinates of the box round the tetrahedra, shape (3,)."""
        return self.corners.min(axis=(0, 1))

    @property
    def upper(self) -> np.ndarray:
        """Highest coordinates of the box round the tetrahedra, shape (3,)."""
        return self.corners.max(axis=(0, 1))

    @cached_property
    def neighbours(self) -> np.ndarray:
        """The tetrahedron behind the face opposite to each vertex, -1 at the surface, shape (tetrahedra, 4).

        Raises:
            UserError: more than two tetrahedra share a face.
        """
        faces = np.sort(self.tetrahedra[:, OPPOSITE_FACES].reshape(-1, 3), axis=1).astype(np.int64)
        low, high = faces[:, 0] * len(self.vertices) + faces[:, 1], faces[:, 2]
        order = np.lexsort((high, low))
        same = np.flatnonzero((np.diff(low[order]) == 0) & (np.diff(high[order]) == 0))
        crowded = same[1:][np.diff(same) == 1]
        if len(crowded):
            self._refuse(np.unique(order[crowded] // 4), "share a face with two others; tetrahedra must not overlap")
        neighbours = np.full(len(faces), -1, dtype=np.int32)
        one, other = order[same], order[same + 1]
        neighbours[one], neighbours[other] = other // 4, one // 4
        return neighbours.reshape(-1, 4)

    def _check_shapes(self) -> None:
        for what, array, width in (("vertices", self.vertices, 3), ("tetrahedra", self.tetrahedra, 4)):
            if array.ndim != 2 or array.shape[1] != width or not len(array):
                raise UserError(f"{self.name}: {what} have shape {array.shape}; give at least one row of {width}")
        missing = (self.tetrahedra < 0) | (self.tetrahedra >= len(self.vertices))
        self._refuse_any(missing.any(axis=1), f"name a vertex outside 0..{len(self.vertices) - 1}")
        broken = ~np.isfinite(self.vertices).all(axis=1)
        self._refuse_any(broken[self.tetrahedra].any(axis=1), "have a vertex without finite coordinates")

    def _check_tetrahedra(self) -> None:
        edges = self.corners[:, _EDGES[:, 1]] - self.corners[:, _EDGES[:, 0]]
        longest = np.linalg.norm(edges, axis=2).max(axis=1)
        self._refuse_any(np.abs(self.volumes) <= FLATTEST * longest**3, "are flat; mesh again without slivers")
        self._refuse_any(self.volumes < 0, "are inverted; exchange two of their vertices")
        _, first = np.unique(np.sort(self.tetrahedra, axis=1), axis=0, return_index=True)
        repeated = np.ones(self.n_tetrahedra, dtype=bool)
        repeated[first] = False
        self._refuse_any(repeated, "are given twice; remove the copies")

    def _refuse_any(self, wrong: np.ndarray | np.bool, what: str) -> None:
        if wrong.any():
            self._refuse(np.flatnonzero(wrong), what)

    def _refuse(self, rows: np.ndarray, what: str) -> None:
        first = ", ".join(map(str, rows[:SHOWN]))
        raise UserError(f"{self.name}: {len(rows)} of {self.n_tetrahedra} tetrahedra (the first: {first}) {what}")


def signed_volumes(corners: np.ndarray) -> np.ndarray:
    """Volumes of tetrahedra, negative for inverted ones.

    Args:
        corners: coordinates of their vertices, shape (tetrahedra, 4, 3).

    Returns:
        A sixth of the triple product of the edges from the first vertex, shape (tetrahedra,).
    """
    one, two, three = (corners[:, k] - corners[:, 0] for k in (1, 2, 3))
    return np.einsum("ij,ij->i", np.cross(one, two), three) / 6


def mesh_from_tags(tags: np.ndarray, coordinates: np.ndarray, corners: np.ndarray, name: str) -> TetMesh:
    """The mesh of tetrahedra that name their nodes by tags; nodes of no tetrahedron are left out.

    Args:
        tags: of the nodes, in any order, shape (nodes,).
        coordinates: of the nodes in um, shape (nodes, 3).
        corners: tags of the nodes of each tetrahedron, shape (tetrahedra, 4).
        name: what messages call the mesh.

    Raises:
        UserError: a tetrahedron names a node that does not exist, or cannot be used.
    """
    tags, used = np.asarray(tags, dtype=np.int64), np.unique(np.asarray(corners, dtype=np.int64))
    unknown = np.setdiff1d(used, tags)
    if len(unknown):
        raise UserError(f"{name}: tetrahedra name the node {unknown[0]}, which does not exist; write the mesh again")
    order = np.argsort(tags)
    place = order[np.searchsorted(tags, used, sorter=order)]
    return TetMesh(coordinates[place], np.searchsorted(used, corners), name)
