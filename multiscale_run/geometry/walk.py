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
from multiscale_run.geometry.locator import (
    BIN_SLACK,
    OUTSIDE,
    TOLERANCE,
    Locator,
    bin_index,
    coordinates,
    inlined,
    locate_one,
    lowest,
)
from multiscale_run.geometry.mesh import TetMesh

_ROOM = 16
"""Pieces per segment that there is room for at first."""
_UNFINISHED = -1
_BEYOND = 2.0
"""Stands for a place behind the end of a segment, where it would leave a tetrahedron."""
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

    Attributes:
        n_tetrahedra: of the mesh.
    """

    def __init__(self, mesh: TetMesh) -> None:
        self._locator = Locator(mesh)
        self.n_tetrahedra = mesh.n_tetrahedra

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
        # whatever the arrays are, they are one kind to the compiler
        starts, ends = (np.require(points, float, "CAW").reshape(-1, 3) for points in (starts, ends))
        if len(starts) != len(ends):
            raise UserError(f"{len(starts)} starts and {len(ends)} ends of segments; there must be as many")
        row = _first_broken(starts, ends)
        if row >= 0:
            raise UserError(f"segment {row} goes from {starts[row]} to {ends[row]} um; all coordinates must be finite")
        start, tets, fractions = _intersect_all(starts, ends, self._locator.centre, *self._locator.cells)
        return Overlap(sparse.csr_matrix((fractions, tets, start), shape=(len(starts), self.n_tetrahedra)))


@numba.njit(cache=True)
def _first_broken(starts: Any, ends: Any) -> int:
    """The first segment with a coordinate that is not finite, -1 if there is none."""
    for row in range(len(starts)):
        for axis in range(3):
            if not np.isfinite(starts[row, axis] + ends[row, axis]):
                return row
    return -1


@numba.njit(cache=True)
def _changes(planes: Any, tet: Any, direction: Any) -> tuple[float, float, float, float]:
    """How the barycentric coordinates change from the start of a segment to its end."""
    p, (x, y, z) = planes[tet], direction
    return (
        p[0, 0] * x + p[0, 1] * y + p[0, 2] * z,
        p[1, 0] * x + p[1, 1] * y + p[1, 2] * z,
        p[2, 0] * x + p[2, 1] * y + p[2, 2] * z,
        p[3, 0] * x + p[3, 1] * y + p[3, 2] * z,
    )


@numba.njit(cache=True, error_model="numpy")
def _way_out(values: Any, changes: Any, entry: int) -> tuple[int, float]:
    """The face other than the entry through which a line leaves, and where: a part of the segment, or beyond its end.

    All four quotients are made, with no branch: what is not taken costs less than a branch that is mispredicted.
    """
    (a, b, c, d), (da, db, dc, dd) = values, changes
    out_a, out_b, out_c, out_d = -a / da, -b / db, -c / dc, -d / dd
    return lowest(
        (
            out_a if (da < 0.0) & (entry != 0) else _BEYOND,
            out_b if (db < 0.0) & (entry != 1) else _BEYOND,
            out_c if (dc < 0.0) & (entry != 2) else _BEYOND,
            out_d if (dd < 0.0) & (entry != 3) else _BEYOND,
        )
    )


@numba.njit(cache=True)
def _lowest_at(values: Any, changes: Any, part: float) -> float:
    """The smallest barycentric coordinate at a part of a segment."""
    (a, b, c, d), (da, db, dc, dd) = values, changes
    return min(min(a + part * da, b + part * db), min(c + part * dc, d + part * dd))


@inlined
def _walk(origin: Any, direction: Any, tet: int, planes: Any, mirror: Any, tets: Any, fractions: Any, used: int) -> int:
    """Write the pieces of one segment from a place on and give the place after them, or _UNFINISHED."""
    done, entry, standstills = 0.0, -1, 0
    while standstills < _MOST_STANDSTILLS and used < len(tets):
        values, changes = coordinates(planes, tet, origin), _changes(planes, tet, direction)
        if _lowest_at(values, changes, done) < -TOLERANCE:
            return _UNFINISHED
        face, leave = _way_out(values, changes, entry)
        leave = min(leave, 1.0)
        if leave > done:
            tets[used], fractions[used] = tet, leave - done
            used += 1
            done = leave
            standstills = 0
        else:
            standstills += 1
        if leave >= 1.0:
            return used
        behind = mirror[tet, face]
        if behind < 0:
            return _UNFINISHED
        tet, entry = behind >> 2, behind & 3
    return _UNFINISHED


@numba.njit(cache=True)
def _clip(origin: Any, direction: Any, tet: Any, planes: Any) -> tuple[float, float, float]:
    """Interval of one segment in one tetrahedron: start as found, start allowing for rounding, end."""
    low, low_rounded, high = 0.0, 0.0, 1.0
    values, changes = coordinates(planes, tet, origin), _changes(planes, tet, direction)
    for face in range(4):
        value, change = values[face], changes[face]
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
def _bin_range(origin: Any, direction: Any, span: Any, axis: int, grid: Any) -> tuple[int, int]:
    """First and last bin along an axis that a part of a segment meets."""
    a, b = origin[axis] + span[0] * direction[axis], origin[axis] + span[1] * direction[axis]
    lower, width, count = grid[0][axis], grid[1][axis], grid[2][axis]
    slack = BIN_SLACK * width
    return bin_index(min(a, b) - slack, lower, width, count), bin_index(max(a, b) + slack, lower, width, count)


@numba.njit(cache=True)
def _in_slab(origin: Any, direction: Any, span: Any, axis: int, index: int, grid: Any) -> tuple[float, float]:
    """The part of a part of a segment between the two planes that bound a bin along an axis, with some slack."""
    if direction[axis] == 0.0:
        return span
    lower, width = grid[0][axis], grid[1][axis]
    slack = BIN_SLACK * width
    near = (lower + index * width - slack - origin[axis]) / direction[axis]
    far = (lower + (index + 1) * width + slack - origin[axis]) / direction[axis]
    return max(span[0], min(near, far)), min(span[1], max(near, far))


@numba.njit(cache=True)
def _candidates(origin: Any, direction: Any, row: int, cells: Any, seen: Any, intervals: Any, members: Any) -> int:
    """Intervals of one segment in the tetrahedra of all bins on its way; gives their number."""
    planes, grid, start, binned = cells
    count, n_y, n_z = 0, grid[2][1], grid[2][2]
    whole = (0.0, 1.0)
    first_i, last_i = _bin_range(origin, direction, whole, 0, grid)
    for i in range(first_i, last_i + 1):
        in_plane = _in_slab(origin, direction, whole, 0, i, grid)
        if in_plane[0] > in_plane[1]:
            continue
        first_j, last_j = _bin_range(origin, direction, in_plane, 1, grid)
        for j in range(first_j, last_j + 1):
            in_line = _in_slab(origin, direction, in_plane, 1, j, grid)
            if in_line[0] > in_line[1]:
                continue
            first_k, last_k = _bin_range(origin, direction, in_line, 2, grid)
            bin_ = (i * n_y + j) * n_z
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
def _grown(array: Any, used: int, size: int) -> Any:
    """A larger array with the used part of a smaller one."""
    larger = np.empty(size, array.dtype)
    larger[:used] = array[:used]
    return larger


@inlined
def _start_and_way(starts: Any, ends: Any, row: int, centre: Any) -> tuple[Any, Any]:
    """Start of a segment in local coordinates, and the way from there to its end."""
    x, y, z = starts[row, 0], starts[row, 1], starts[row, 2]
    origin = x - centre[0], y - centre[1], z - centre[2]
    return origin, (ends[row, 0] - x, ends[row, 1] - y, ends[row, 2] - z)


@numba.njit(cache=True)
def _intersect_all(
    starts: Any, ends: Any, centre: Any, planes: Any, mirror: Any, grid: Any, guess: Any, bin_start: Any, binned: Any
) -> tuple[Any, Any, Any]:
    """Row starts, columns and values of the sparse matrix of length fractions; centre and the rest as in Locator."""
    n_rows, n_tets, cells = len(starts), len(planes), (planes, grid, bin_start, binned)
    seen, members, intervals = np.full(n_tets, -1), np.empty(n_tets, np.int32), np.empty((n_tets, 3))
    start = np.zeros(n_rows + 1, np.int64)
    # room that is never written to takes no memory, so there may be plenty, and the result may keep it
    size = _ROOM * n_rows + n_tets
    tets, fractions = np.empty(size, np.int32), np.empty(size)
    for row in range(n_rows):
        used = start[row]
        # a segment has at most one piece in each tetrahedron
        if used + n_tets > size:
            size = 2 * size
            tets, fractions = _grown(tets, used, size), _grown(fractions, used, size)
        origin, direction = _start_and_way(starts, ends, row, centre)
        tet = locate_one(origin, planes, mirror, grid, guess, bin_start, binned)
        end = _UNFINISHED
        if direction == (0.0, 0.0, 0.0):
            tets[used], fractions[used] = tet, 1.0
            end = used if tet == OUTSIDE else used + 1
        elif tet != OUTSIDE:
            end = _walk(origin, direction, tet, planes, mirror, tets, fractions, used)
        if end == _UNFINISHED:
            n_candidates = _candidates(origin, direction, row, cells, seen, intervals, members)
            end = _join(intervals, members, n_candidates, tets, fractions, used)
        start[row + 1] = end
    return start, tets[: start[n_rows]], fractions[: start[n_rows]]
