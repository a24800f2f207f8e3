"""Unbranched chains of vessel segments: resistors in series, which the pressure solve sees as one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numba
import numpy as np


@dataclass(frozen=True)
class Chains:
    """Segments grouped into chains between points that are kept.

    Attributes:
        ends: the two kept points of each chain, shape (chains, 2).
        segments: the segments chain by chain, each in walking order from the first end to the second.
        start: where each chain begins in ``segments``, shape (chains + 1,).
        forward: +1 for a segment that points along the walk, -1 for one that points against it, in the same order.
        points: the point that each step of the walk arrives at, in the same order.
    """

    ends: np.ndarray
    segments: np.ndarray
    start: np.ndarray
    forward: np.ndarray
    points: np.ndarray

    def series(self, resistance: np.ndarray) -> np.ndarray:
        """Resistance of each chain: the sum of its segments', shape (chains,)."""
        return np.add.reduceat(resistance[self.segments], self.start[:-1])

    def spread(self, flow: np.ndarray, n_segments: int) -> np.ndarray:
        """Flow of every segment from that of its chain; 0 in segments of no chain."""
        result = np.zeros(n_segments)
        result[self.segments] = np.repeat(flow, np.diff(self.start)) * self.forward
        return result

    def fill_pressure(self, pressure: np.ndarray, flow: np.ndarray, resistance: np.ndarray) -> None:
        """Set the pressure of the points inside the chains, in place, from that of the kept points."""
        _walk_down(pressure, self.ends[:, 0], self.start, self.points, flow, resistance[self.segments])


def find_chains(ends: np.ndarray, is_kept: np.ndarray) -> Chains:
    """Group segments into chains.

    Args:
        ends: start and end point of each segment, shape (segments, 2).
        is_kept: the points at which chains end, shape (points,); all others must have two segments. A ring without
            any kept point belongs to no chain: nothing drives blood through it.
    """
    order = np.argsort(ends.ravel(), kind="stable")
    at_point = order // 2  # the segments at each point, point after point
    first = np.concatenate([[0], np.cumsum(np.bincount(ends.ravel(), minlength=len(is_kept)))])
    chain_ends, segments, start, forward, points = _walk(ends, is_kept, at_point, first)
    return Chains(chain_ends, segments, start, forward, points)


@numba.njit(cache=True)
def _walk(ends: Any, is_kept: Any, at_point: Any, first: Any) -> Any:
    """Walk each chain once, from kept point to kept point."""
    n = len(ends)
    done = np.zeros(n, np.bool_)
    segments, points, forward = np.empty(n, np.int64), np.empty(n, np.int64), np.empty(n)
    start, chain_ends = np.zeros(n + 1, np.int64), np.empty((n, 2), np.int64)
    n_chains, here = 0, 0
    for origin in range(len(is_kept)):
        if not is_kept[origin]:
            continue
        for leaving in range(first[origin], first[origin + 1]):
            segment, point = at_point[leaving], origin
            if done[segment]:
                continue
            while True:
                done[segment] = True
                along = ends[segment, 0] == point
                point = ends[segment, 1] if along else ends[segment, 0]
                segments[here], points[here], forward[here] = segment, point, 1.0 if along else -1.0
                here += 1
                if is_kept[point]:
                    break
                one, other = at_point[first[point]], at_point[first[point] + 1]
                segment = other if one == segment else one
            chain_ends[n_chains, 0], chain_ends[n_chains, 1] = origin, point
            n_chains += 1
            start[n_chains] = here
    return chain_ends[:n_chains], segments[:here], start[: n_chains + 1], forward[:here], points[:here]


@numba.njit(cache=True)
def _walk_down(pressure: Any, origin: Any, start: Any, points: Any, flow: Any, resistance: Any) -> None:
    for chain in range(len(origin)):
        value = pressure[origin[chain]]
        for step in range(start[chain], start[chain + 1] - 1):
            value -= flow[chain] * resistance[step]
            pressure[points[step]] = value
