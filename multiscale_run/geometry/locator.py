"""Which tetrahedron a point lies in: barycentric coordinates and a grid of bins over the mesh."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numba
import numpy as np

from multiscale_run.geometry.mesh import TetMesh

TOLERANCE = 1e-11
"""How far below zero a barycentric coordinate may round: this part of a tetrahedron's height."""
OUTSIDE = -1
"""Stands for no tetrahedron."""
BIN_SLACK = 1e-6
"""By which part of its width a bin is widened, so that what rounds across its edge finds its tetrahedra."""
_PER_BIN = 0.5
"""Tetrahedra per bin if they were points; more bins find faster and cost memory."""


@dataclass(frozen=True)
class Bins:
    """A grid over the mesh with the tetrahedra whose box meets each bin.

    Attributes:
        lower: lower corner of the grid, shape (3,).
        width: sides of a bin, shape (3,).
        counts: bins along each axis, shape (3,).
        start: where each bin begins in ``members``, shape (bins + 1,).
        members: tetrahedra, bin by bin.
    """

    lower: np.ndarray
    width: np.ndarray
    counts: np.ndarray
    start: np.ndarray
    members: np.ndarray


class Locator:
    """Finds the tetrahedra of points.

    Args:
        mesh: the mesh.

    Attributes:
        centre: origin of the coordinates that ``planes`` and ``bins`` are in, which keeps rounding small, shape (3,).
        planes: gradient and offset of the four barycentric coordinates of each tetrahedron, shape (tetrahedra, 4, 4).
        bins: the grid.
    """

    def __init__(self, mesh: TetMesh) -> None:
        self.centre = (mesh.lower + mesh.upper) / 2
        corners = mesh.corners - self.centre
        self.planes = barycentric_planes(corners)
        self.bins = make_bins(corners)

    def locate(self, points: np.ndarray) -> np.ndarray:
        """Tetrahedron of each point, :data:`OUTSIDE` where there is none, shape (points,).

        A point on a face gets the same one of its neighbours whatever it is asked with.

        Args:
            points: coordinates in um, shape (points, 3).
        """
        local = np.ascontiguousarray(np.asarray(points, dtype=float).reshape(-1, 3) - self.centre)
        bins = self.bins
        return _locate_all(local, self.planes, bins.lower, bins.width, bins.counts, bins.start, bins.members)


def barycentric_planes(corners: np.ndarray) -> np.ndarray:
    """Barycentric coordinates as linear functions of position.

    Args:
        corners: vertices of the tetrahedra, shape (tetrahedra, 4, 3).

    Returns:
        For each vertex the gradient (1/um) and the offset of its coordinate, shape (tetrahedra, 4, 4).
    """
    planes = np.empty((len(corners), 4, 4))
    planes[:, 1:, :3] = np.linalg.inv((corners[:, 1:] - corners[:, :1]).transpose(0, 2, 1))
    planes[:, 0, :3] = -planes[:, 1:, :3].sum(axis=1)
    # a coordinate is zero on the opposite face: each offset is taken from a vertex of that face
    planes[:, 0, 3] = -np.einsum("ij,ij->i", planes[:, 0, :3], corners[:, 1])
    planes[:, 1:, 3] = -np.einsum("ikj,ij->ik", planes[:, 1:, :3], corners[:, 0])
    return planes


def make_bins(corners: np.ndarray) -> Bins:
    """Sort tetrahedra into bins.

    Args:
        corners: vertices of the tetrahedra, shape (tetrahedra, 4, 3).
    """
    lower, upper = corners.min(axis=(0, 1)), corners.max(axis=(0, 1))
    sides = upper - lower
    size = (sides.prod() / len(corners) * _PER_BIN) ** (1 / 3)
    counts = np.maximum(np.round(sides / size), 1).astype(np.int64)
    width = sides / counts
    slack = BIN_SLACK * width
    first = ((corners.min(axis=1) - slack - lower) / width).astype(np.int64).clip(0, counts - 1)
    last = ((corners.max(axis=1) + slack - lower) / width).astype(np.int64).clip(0, counts - 1)
    start, members = _sort_into_bins(first, last, counts)
    return Bins(lower, width, counts, start, members)


@numba.njit(cache=True)
def _sort_into_bins(first: Any, last: Any, counts: Any) -> tuple[Any, Any]:
    """Start and members of the bins, by counting first."""
    start = np.zeros(counts[0] * counts[1] * counts[2] + 1, np.int64)
    members = np.empty(0, np.int32)
    for is_filling in (False, True):
        for tet in range(len(first)):
            for i in range(first[tet, 0], last[tet, 0] + 1):
                for j in range(first[tet, 1], last[tet, 1] + 1):
                    for k in range(first[tet, 2], last[tet, 2] + 1):
                        bin_ = (i * counts[1] + j) * counts[2] + k
                        if is_filling:
                            members[start[bin_]] = tet
                            start[bin_] += 1
                        else:
                            start[bin_ + 1] += 1
        if not is_filling:
            start = np.cumsum(start)
            members = np.empty(start[-1], np.int32)
    # filling moved each start to the next one
    start[1:] = start[:-1].copy()
    start[0] = 0
    return start, members


@numba.njit(cache=True)
def bin_index(value: Any, axis: Any, lower: Any, width: Any, counts: Any) -> int:
    """Index along one axis of the bin of a coordinate, the outermost one for coordinates off the grid."""
    scaled = (value - lower[axis]) / width[axis]
    if scaled <= 0.0:
        return 0
    return counts[axis] - 1 if scaled >= counts[axis] else int(scaled)


@numba.njit(cache=True)
def locate_one(point: Any, planes: Any, lower: Any, width: Any, counts: Any, start: Any, members: Any) -> int:
    """The tetrahedron of one point of the local coordinates, or OUTSIDE."""
    bin_ = 0
    for axis in range(3):
        bin_ = bin_ * counts[axis] + bin_index(point[axis], axis, lower, width, counts)
    best, best_smallest = OUTSIDE, -TOLERANCE
    for place in range(start[bin_], start[bin_ + 1]):
        tet = members[place]
        smallest = 1.0
        for face in range(4):
            x, y, z = planes[tet, face, 0], planes[tet, face, 1], planes[tet, face, 2]
            smallest = min(smallest, x * point[0] + y * point[1] + z * point[2] + planes[tet, face, 3])
            if smallest <= best_smallest:
                break
        if smallest > 0.0:
            return tet
        if smallest > best_smallest:
            best, best_smallest = tet, smallest
    return best


@numba.njit(cache=True)
def _locate_all(points: Any, planes: Any, lower: Any, width: Any, counts: Any, start: Any, members: Any) -> Any:
    found = np.empty(len(points), np.int32)
    for row in range(len(points)):
        found[row] = locate_one(points[row], planes, lower, width, counts, start, members)
    return found
