"""Which tetrahedron a point lies in: barycentric coordinates and a grid of bins over the mesh.

Each bin knows the tetrahedron at its centre. From there a point is reached through the faces that it lies behind,
mostly one or none (visibility walk; Devillers, Pion, Teillaud 2002, Walking in a triangulation). What that does not
find, at the surface or at a vertex, is looked for among all tetrahedra of the bin.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numba
import numpy as np

from multiscale_run.geometry.mesh import TetMesh

TOLERANCE = 1e-11
"""How far below zero a barycentric coordinate may round: this part of a tetrahedron's height."""
OUTSIDE = -1
"""Stands for no tetrahedron."""
BIN_SLACK = 1e-6
"""By which part of its width a bin is widened, so that what rounds across its edge finds its tetrahedra."""
_PER_BIN = 0.25
"""Tetrahedra per bin if they were points; more bins find faster and cost memory."""
_MOST_HOPS = 16
"""Tetrahedra that are tried on the way to a point before those of its bin are gone through."""


Grid = tuple[tuple[float, ...], tuple[float, ...], tuple[int, ...]]
"""Bins in space: lower corner, sides of a bin and bins along each axis."""
inlined = numba.njit(cache=True, inline="always")
"""Compiles into the caller: numba counts references to each array handed to a function, at more cost than a step."""


class Cells(NamedTuple):
    """What compiled code reads; it gets the fields one by one, as its cache on disk must not depend on this class.

    Attributes:
        planes: gradient and offset of the four barycentric coordinates of each tetrahedron, shape (tetrahedra, 4, 4).
        mirror: four times the tetrahedron behind each face, plus the number that the face has there; -1 at the surface,
            shape (tetrahedra, 4).
        grid: the bins.
        guess: the tetrahedron where the search for the points of each bin begins, shape (bins,).
        start: where each bin begins in ``members``, shape (bins + 1,).
        members: the tetrahedra whose box meets a bin, bin by bin.
    """

    planes: np.ndarray
    mirror: np.ndarray
    grid: Grid
    guess: np.ndarray
    start: np.ndarray
    members: np.ndarray


class Locator:
    """Finds the tetrahedra of points.

    Args:
        mesh: the mesh.

    Attributes:
        centre: origin of the coordinates that ``cells`` are in, which keeps rounding small, shape (3,).
        cells: the tetrahedra.
    """

    def __init__(self, mesh: TetMesh) -> None:
        self.centre = (mesh.lower + mesh.upper) / 2
        corners = mesh.corners - self.centre
        planes, mirror = barycentric_planes(corners), mirrored_faces(mesh.neighbours)
        grid, start, members = make_bins(corners)
        self.cells = Cells(planes, mirror, grid, _first_guesses(planes, grid, start, members), start, members)

    def locate(self, points: np.ndarray) -> np.ndarray:
        """Tetrahedron of each point, :data:`OUTSIDE` where there is none, shape (points,).

        A point on a face gets the same one of its neighbours whatever it is asked with.

        Args:
            points: coordinates in um, shape (points, 3).
        """
        local = np.ascontiguousarray(np.asarray(points, dtype=float).reshape(-1, 3) - self.centre)
        return _locate_all(local, *self.cells)


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


def mirrored_faces(neighbours: np.ndarray) -> np.ndarray:
    """The other side of each face.

    Args:
        neighbours: the tetrahedron behind each face, -1 at the surface, shape (tetrahedra, 4).

    Returns:
        Four times that tetrahedron, plus the number that the face has there; -1 at the surface, shape (tetrahedra, 4).
    """
    mirror = np.full(neighbours.shape, -1, dtype=np.int32)
    tet, face = np.nonzero(neighbours >= 0)
    behind = neighbours[tet, face].astype(np.int64)
    mirror[tet, face] = 4 * behind + (neighbours[behind] == tet[:, None]).argmax(axis=1)
    return mirror


def make_bins(corners: np.ndarray) -> tuple[Grid, np.ndarray, np.ndarray]:
    """Sort tetrahedra into bins.

    Args:
        corners: vertices of the tetrahedra, shape (tetrahedra, 4, 3).

    Returns:
        The grid, where each bin begins in the last array, and the tetrahedra whose box meets a bin, bin by bin.
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
    return (tuple(lower.tolist()), tuple(width.tolist()), tuple(counts.tolist())), start, members


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


@numba.njit(cache=True, error_model="numpy")
def bin_index(value: Any, lower: float, width: float, count: int) -> int:
    """Index along one axis of the bin of a coordinate, the outermost one for coordinates off the grid."""
    scaled = (value - lower) / width
    # not a number ends in the first bin
    if not scaled > 0.0:
        return 0
    return count - 1 if scaled >= count else int(scaled)


@numba.njit(cache=True)
def bin_of(point: Any, grid: Any) -> int:
    """The bin of a point, the nearest one for points off the grid."""
    x, y, z = point
    (left, front, bottom), (width_x, width_y, width_z), (n_x, n_y, n_z) = grid
    i, j = bin_index(x, left, width_x, n_x), bin_index(y, front, width_y, n_y)
    return (i * n_y + j) * n_z + bin_index(z, bottom, width_z, n_z)


@numba.njit(cache=True)
def coordinates(planes: Any, tet: Any, point: Any) -> tuple[float, float, float, float]:
    """The four barycentric coordinates of a point."""
    p, (x, y, z) = planes[tet], point
    return (
        p[0, 0] * x + p[0, 1] * y + p[0, 2] * z + p[0, 3],
        p[1, 0] * x + p[1, 1] * y + p[1, 2] * z + p[1, 3],
        p[2, 0] * x + p[2, 1] * y + p[2, 2] * z + p[2, 3],
        p[3, 0] * x + p[3, 1] * y + p[3, 2] * z + p[3, 3],
    )


@numba.njit(cache=True)
def lowest(values: Any) -> tuple[int, float]:
    """Which of four numbers is the smallest, and that one, without a branch to mispredict."""
    a, b, c, d = values
    one, low = (1, b) if b < a else (0, a)
    other, low_other = (3, d) if d < c else (2, c)
    return (other, low_other) if low_other < low else (one, low)


@inlined
def locate_one(point: Any, planes: Any, mirror: Any, grid: Any, guess: Any, start: Any, members: Any) -> int:
    """The tetrahedron of one point of the local coordinates, or OUTSIDE; arguments as in Cells."""
    bin_ = bin_of(point, grid)
    tet = _walk_to(point, guess[bin_], planes, mirror)
    return _search_bin(point, bin_, planes, start, members) if tet == OUTSIDE else tet


@inlined
def _walk_to(point: Any, tet: int, planes: Any, mirror: Any) -> int:
    """The tetrahedron of a point, walking from another one, or OUTSIDE at the surface and after too many hops."""
    for _ in range(_MOST_HOPS):
        face, smallest = lowest(coordinates(planes, tet, point))
        if smallest >= 0.0:
            return tet
        behind = mirror[tet, face]
        if behind < 0:
            return OUTSIDE
        tet = behind >> 2
    return OUTSIDE


@numba.njit(cache=True)
def _search_bin(point: Any, bin_: int, planes: Any, start: Any, members: Any) -> int:
    """The tetrahedron of a bin in which a point lies deepest, or OUTSIDE."""
    best, best_smallest = OUTSIDE, -TOLERANCE
    for place in range(start[bin_], start[bin_ + 1]):
        _, smallest = lowest(coordinates(planes, members[place], point))
        if smallest > best_smallest:
            best, best_smallest = members[place], smallest
    return best


@numba.njit(cache=True)
def _first_guesses(planes: Any, grid: Any, start: Any, members: Any) -> Any:
    """The tetrahedron at the centre of each bin, else any of its tetrahedra, else the first of the mesh."""
    guess = np.zeros(len(start) - 1, np.int32)
    (left, front, bottom), (width_x, width_y, width_z), (n_x, n_y, n_z) = grid
    for i in range(n_x):
        for j in range(n_y):
            for k in range(n_z):
                bin_ = (i * n_y + j) * n_z + k
                if start[bin_] == start[bin_ + 1]:
                    continue
                centre = left + (i + 0.5) * width_x, front + (j + 0.5) * width_y, bottom + (k + 0.5) * width_z
                found = _search_bin(centre, bin_, planes, start, members)
                guess[bin_] = members[start[bin_]] if found == OUTSIDE else found
    return guess


@numba.njit(cache=True)
def _locate_all(points: Any, planes: Any, mirror: Any, grid: Any, guess: Any, start: Any, members: Any) -> Any:
    found = np.empty(len(points), np.int32)
    for row in range(len(points)):
        point = points[row, 0], points[row, 1], points[row, 2]
        found[row] = locate_one(point, planes, mirror, grid, guess, start, members)
    return found
