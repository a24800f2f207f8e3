"""Lengths of segments inside tetrahedra.

A segment that starts in the mesh is walked from face to face (Haines 1991, in Graphics Gems II, ray tracing of convex
polyhedra, one cell after the other). What a walk cannot finish (a start outside, a way through the surface, rounding
at a vertex) is clipped against every tetrahedron of the bins that it meets, and the intervals are joined without gap.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numba
import numpy as np
import scipy.sparse as sparse

from mpi_coupling.world import UserError
from multiscale_run.geometry.locator import BIN_SLACK, OUTSIDE, TOLERANCE, Locator, bin_index, locate_one
from multiscale_run.geometry.mesh import TetMesh

_UNFINISHED = -1
_MOST_STANDSTILLS = 32
"""Faces that a walk may cross without getting further, as happens at a vertex, before it is given up."""


@dataclass(frozen=True, eq=False)
class Overlap:
    """How segments lie in a mesh.

    Attributes:
        fractions: part of each segment's length in each tetrahedron, shape (segments, tetrahedra). A segment of no
            length lies wholly in the tetrahedron of its point.
    """

    fractions: sparse.csr_matrix

    @cached_property
    def inside(self) -> np.ndarray:
        """Part of each segment that lies in the mesh, 1 up to rounding where all of it does, shape (segments,)."""
        return np.asarray(self.fractions.sum(axis=1)).ravel()

    def outside(self, amounts: np.ndarray, tolerance: float = 1e-9) -> tuple[np.ndarray, float]:
        """What the mesh does not cover.

        Args:
            amounts: length, area or volume of each segment, shape (segments,).
            tolerance: part of a segment that may be missing.

        Returns:
            The segments that lie outside, wholly or in part, and the amount that is lost there.
        """
        segments = np.flatnonzero(self.inside < 1 - tolerance)
        return segments, float(((1 - self.inside[segments]) * np.asarray(amounts)[segments]).sum())


class Intersector:
    """Intersects segments with a mesh.

    Args:
        mesh: the mesh.
    """

    def __init__(self, mesh: TetMesh) -> None:
        self._locator = Locator(mesh)
        self._mirror = _mirrored_faces(mesh.neighbours)

    def locate(self, points: np.ndarray) -> np.ndarray:
        """Tetrahedron of each point, :data:`OUTSIDE` where there is none, shape (points,)."""
        return self._locator.locate(points)

    def intersect(self, starts: np.ndarray, ends: np.ndarray) -> Overlap:
        """Lengths of straight segments inside each tetrahedron.

        The pieces of a segment add up to its part inside the mesh to rounding, 1e-14, whether it passes through
        vertices, edges or faces; one that runs in a face is given to one of the two tetrahedra there. A crossing is as
        exact as the angle to the face allows: the segment meant is at most 1e-11 of the tetrahedron's height away.

        Args:
            starts: first point of each segment in um, shape (segments, 3).
            ends: last point of each segment in um, shape (segments, 3).

        Raises:
            UserError: a point is not finite, or there are not as many starts as ends.
        """
        starts, ends = (np.asarray(points, dtype=float).reshape(-1, 3) for points in (starts, ends))
        if len(starts) != len(ends):
            raise UserError(f"{len(starts)} starts and {len(ends)} ends of segments; there must be as many")
        broken = ~np.isfinite(starts + ends).all(axis=1)
        if broken.any():
            row = np.flatnonzero(broken)[0]
            raise UserError(f"segment {row} goes from {starts[row]} to {ends[row]} um; all coordinates must be finite")
        origin, bins = self._locator.centre, self._locator.bins
        start, tets, fractions = _intersect_all(
            np.ascontiguousarray(starts - origin),
            np.ascontiguousarray(ends - starts),
            self._mirror,
            self._locator.planes,
            (bins.lower, bins.width, bins.counts, bins.start, bins.members),
        )
        shape = (len(starts), len(self._mirror))
        return Overlap(sparse.csr_matrix((fractions, tets, start), shape=shape))


def _mirrored_faces(neighbours: np.ndarray) -> np.ndarray:
    """Four times the tetrahedron behind each face, plus the number that the face has there; -1 at the surface."""
    mirror = np.full(neighbours.shape, -1, dtype=np.int64)
    tet, face = np.nonzero(neighbours >= 0)
    behind = neighbours[tet, face]
    mirror[tet, face] = 4 * behind + (neighbours[behind] == tet[:, None]).argmax(axis=1)
    return mirror


@numba.njit(cache=True)
def _along(planes: Any, tet: Any, face: Any, origin: Any, direction: Any) -> tuple[float, float]:
    """A barycentric coordinate at the start of a segment, and its change up to the end."""
    x, y, z = planes[tet, face, 0], planes[tet, face, 1], planes[tet, face, 2]
    value = x * origin[0] + y * origin[1] + z * origin[2] + planes[tet, face, 3]
    return value, x * direction[0] + y * direction[1] + z * direction[2]


@numba.njit(cache=True)
def _walk(origin: Any, direction: Any, tet: int, mirror: Any, planes: Any, tets: Any, fractions: Any, used: int) -> int:
    """Write the pieces of one segment from a place on and give the place after them, or _UNFINISHED."""
    done, entry, standstills = 0.0, -1, 0
    while standstills < _MOST_STANDSTILLS and used < len(tets):
        leave, leave_face = 1.0, -1
        for face in range(4):
            if face == entry:
                continue
            value, change = _along(planes, tet, face, origin, direction)
            if value + done * change < -TOLERANCE:
                return _UNFINISHED
            if change < 0.0 and value < -leave * change:
                leave, leave_face = -value / change, face
        if leave > done:
            tets[used], fractions[used] = tet, leave - done
            used += 1
            done = leave
            standstills = 0
        else:
            standstills += 1
        if leave_face < 0:
            return used
        behind = mirror[tet, leave_face]
        if behind < 0:
            return _UNFINISHED
        tet, entry = behind // 4, behind % 4
    return _UNFINISHED


@numba.njit(cache=True)
def _clip(origin: Any, direction: Any, tet: Any, planes: Any) -> tuple[float, float, float]:
    """Interval of one segment in one tetrahedron: start as found, start allowing for rounding, end."""
    low, low_rounded, high = 0.0, 0.0, 1.0
    for face in range(4):
        value, change = _along(planes, tet, face, origin, direction)
        if value >= -TOLERANCE and value + change >= -TOLERANCE:
            continue
        if change > 0.0:
            low = max(low, -value / change)
            low_rounded = max(low_rounded, (-value - TOLERANCE) / change)
        elif change < 0.0:
            high = min(high, -value / change)
        else:
            return 1.0, 1.0, 0.0
    return low, low_rounded, high


@numba.njit(cache=True)
def _bin_range(origin: Any, direction: Any, span: Any, axis: int, bins: Any) -> tuple[int, int]:
    """First and last bin along an axis that a part of a segment meets."""
    lower, width, counts, _, _ = bins
    a, b = origin[axis] + span[0] * direction[axis], origin[axis] + span[1] * direction[axis]
    slack = BIN_SLACK * width[axis]
    first = bin_index(min(a, b) - slack, axis, lower, width, counts)
    return first, bin_index(max(a, b) + slack, axis, lower, width, counts)


@numba.njit(cache=True)
def _in_slab(origin: Any, direction: Any, span: Any, axis: int, index: int, bins: Any) -> tuple[float, float]:
    """The part of a part of a segment between the two planes that bound a bin along an axis, with some slack."""
    lower, width, _, _, _ = bins
    if direction[axis] == 0.0:
        return span
    slack = BIN_SLACK * width[axis]
    near = (lower[axis] + index * width[axis] - slack - origin[axis]) / direction[axis]
    far = (lower[axis] + (index + 1) * width[axis] + slack - origin[axis]) / direction[axis]
    return max(span[0], min(near, far)), min(span[1], max(near, far))


@numba.njit(cache=True)
def _candidates(
    origin: Any, direction: Any, row: int, planes: Any, bins: Any, seen: Any, intervals: Any, members: Any
) -> int:
    """Intervals of one segment in the tetrahedra of all bins on its way; gives their number."""
    _, _, counts, start, binned = bins
    count = 0
    whole = (0.0, 1.0)
    first_i, last_i = _bin_range(origin, direction, whole, 0, bins)
    for i in range(first_i, last_i + 1):
        in_plane = _in_slab(origin, direction, whole, 0, i, bins)
        if in_plane[0] > in_plane[1]:
            continue
        first_j, last_j = _bin_range(origin, direction, in_plane, 1, bins)
        for j in range(first_j, last_j + 1):
            in_line = _in_slab(origin, direction, in_plane, 1, j, bins)
            if in_line[0] > in_line[1]:
                continue
            first_k, last_k = _bin_range(origin, direction, in_line, 2, bins)
            bin_ = (i * counts[1] + j) * counts[2]
            for tet in binned[start[bin_ + first_k] : start[bin_ + last_k + 1]]:
                if seen[tet] == row:
                    continue
                seen[tet] = row
                low, low_rounded, high = _clip(origin, direction, tet, planes)
                if high > low_rounded:
                    intervals[count, 0], intervals[count, 1], intervals[count, 2] = low, low_rounded, high
                    members[count] = tet
                    count += 1
    return count


@numba.njit(cache=True)
def _join(intervals: Any, members: Any, n_candidates: int, tets: Any, fractions: Any, used: int) -> int:
    """Cover a segment by intervals, each from where the one before ended; gives the place after the last piece."""
    done = 0.0
    while done < 1.0:
        best, reach, next_low = -1, done, 2.0
        for place in range(n_candidates):
            if intervals[place, 2] <= done:
                continue
            if intervals[place, 1] <= done:
                if intervals[place, 2] > reach:
                    best, reach = place, intervals[place, 2]
            else:
                next_low = min(next_low, intervals[place, 0])
        if best >= 0:
            tets[used], fractions[used] = members[best], reach - done
            used += 1
            done = reach
        elif next_low < 1.0:
            done = max(next_low, np.nextafter(done, 2.0))
        else:
            break
    return used


@numba.njit(cache=True)
def _intersect_all(origins: Any, directions: Any, mirror: Any, planes: Any, bins: Any) -> tuple[Any, Any, Any]:
    """Row starts, columns and values of the sparse matrix of length fractions."""
    n_rows, n_tets = len(origins), len(planes)
    lower, width, counts, bin_start, binned = bins
    seen, members, intervals = np.full(n_tets, -1), np.empty(n_tets, np.int32), np.empty((n_tets, 3))
    start = np.zeros(n_rows + 1, np.int64)
    size = 3 * n_rows + n_tets
    tets, fractions = np.empty(size, np.int32), np.empty(size)
    for row in range(n_rows):
        used = start[row]
        # a segment has at most one piece in each tetrahedron
        if used + n_tets > size:
            size = 2 * size
            tets = np.concatenate((tets, np.empty(size - len(tets), np.int32)))
            fractions = np.concatenate((fractions, np.empty(size - len(fractions))))
        origin, direction = origins[row], directions[row]
        tet = locate_one(origin, planes, lower, width, counts, bin_start, binned)
        end = _UNFINISHED
        if direction[0] == 0.0 and direction[1] == 0.0 and direction[2] == 0.0:
            tets[used], fractions[used] = tet, 1.0
            end = used if tet == OUTSIDE else used + 1
        elif tet != OUTSIDE:
            end = _walk(origin, direction, tet, mirror, planes, tets, fractions, used)
        if end == _UNFINISHED:
            n_candidates = _candidates(origin, direction, row, planes, bins, seen, intervals, members)
            end = _join(intervals, members, n_candidates, tets, fractions, used)
        start[row + 1] = end
    return start, tets[: start[n_rows]].copy(), fractions[: start[n_rows]].copy()
