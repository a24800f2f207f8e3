"""Segments in tetrahedra: our walk against STEPS' own intersection, or against clipping where STEPS is missing.

    python benchmarks/intersection.py [--segments 20000] [--repeats 3] [--clipping]

Both get the same random segments in a box of 200 um, in turn, in one process on one core; the best of the repeats in
CPU time counts, as machines are shared. As in timeit, garbage is collected and results are dropped outside the time.
Ours counts from arrays in um to the sparse matrix; STEPS from its own points, in metres, to its lists of pairs, from
which the sparse matrix is still to be made. Both ratios are shown, and the largest difference of a matrix element. Our
one-time costs (grid of bins, compiled code from the cache) are listed apart. Clipping tests every segment against every
tetrahedron, so it gets fewer segments.
"""

from __future__ import annotations

import argparse
import gc
import os
import platform
import time
from collections.abc import Callable
from dataclasses import dataclass
from importlib.util import find_spec
from itertools import chain
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import scipy.sparse as sparse
from headline import print_headline

from multiscale_run.geometry import Intersector, TetMesh, cubic_mesh, write_msh22
from multiscale_run.geometry.locator import barycentric_planes

SIDE_UM = 200.0
CASES = ((3, 5.0), (7, 5.0), (13, 5.0), (7, 40.0), (13, 40.0))
"""Cubes along a side, length of the segments in um."""
CLIPPED = 500
"""Segments that the peer by clipping gets."""


@dataclass(frozen=True)
class Peer:
    """Another way to intersect: what it takes, what it gives, and the sparse matrix from that."""

    prepare: Callable[[np.ndarray, np.ndarray], Any]
    intersect: Callable[[Any], Any]
    to_matrix: Callable[[Any], sparse.csr_matrix]


def steps_peer(mesh: TetMesh) -> Peer:
    """STEPS' intersectIndependentSegments, on the same mesh through a file."""
    import steps.interface  # noqa: F401  (selects the second interface of STEPS)
    from steps.geom import TetMesh as StepsMesh

    with TemporaryDirectory() as folder:
        file = Path(folder) / "mesh.msh"
        write_msh22(mesh, file)
        geometry = StepsMesh.LoadGmsh(str(file), scale=1e-6).stepsMesh

    def prepare(starts: np.ndarray, ends: np.ndarray) -> np.ndarray:
        return np.stack([starts, ends], axis=1).reshape(-1, 3) * 1e-6

    def intersect(points: np.ndarray) -> list[list[tuple[int, float]]]:
        return geometry.intersectIndependentSegments(points, -1)

    def to_matrix(rows: list[list[tuple[int, float]]]) -> sparse.csr_matrix:
        start = np.concatenate([[0], np.cumsum([len(row) for row in rows])])
        pairs = np.array(list(chain.from_iterable(rows))).reshape(-1, 2)
        shape = (len(rows), mesh.n_tetrahedra)
        return sparse.csr_matrix((pairs[:, 1], pairs[:, 0].astype(np.int32), start), shape=shape)

    return Peer(prepare, intersect, to_matrix)


def clipping_peer(mesh: TetMesh) -> Peer:
    """Every segment against the four half-spaces of every tetrahedron, in numpy."""
    planes = barycentric_planes(mesh.corners).reshape(-1, 4)

    def intersect(segments: tuple[np.ndarray, np.ndarray]) -> np.ndarray:
        at_start, at_end = (points @ planes[:, :3].T + planes[:, 3] for points in segments)
        with np.errstate(divide="ignore", invalid="ignore"):
            crossing = at_start / (at_start - at_end)
        low = np.where(at_end > at_start, crossing, 0).reshape(len(crossing), -1, 4).max(axis=2)
        high = np.where(at_end < at_start, crossing, 1).reshape(len(crossing), -1, 4).min(axis=2)
        return np.maximum(np.minimum(high, 1) - np.maximum(low, 0), 0)

    return Peer(lambda *segments: segments, intersect, sparse.csr_matrix)


def random_segments(count: int, length: float) -> tuple[np.ndarray, np.ndarray]:
    """Segments of one length inside the box."""
    rng = np.random.default_rng(1)
    starts = rng.uniform(0, SIDE_UM, (count, 3))
    direction = rng.normal(size=(count, 3))
    direction *= length / np.linalg.norm(direction, axis=1)[:, None]
    # one that would leave the box is turned inwards
    is_out = (starts + direction < 0) | (starts + direction > SIDE_UM)
    return starts, starts + np.where(is_out, -direction, direction)


def cpu_seconds(work: Callable[[], Any]) -> tuple[float, Any]:
    """CPU time, and the result."""
    gc.collect()
    gc.disable()
    start = time.process_time()
    result = work()
    seconds = time.process_time() - start
    gc.enable()
    return seconds, result


def best_in_turn(repeats: int, ours: Callable[[], Any], peer: Peer, points: Any) -> tuple[np.ndarray, Any, Any]:
    """Least CPU time of ours, of the peer and of its matrix, and the two matrices."""
    times = np.empty((repeats, 3))
    for row in times:
        found = raw = expected = None
        row[0], found = cpu_seconds(ours)
        row[1], raw = cpu_seconds(lambda: peer.intersect(points))
        row[2], expected = cpu_seconds(lambda raw=raw: peer.to_matrix(raw))
    return times.min(axis=0), found, expected


def compare(cubes: int, length: float, options: argparse.Namespace) -> list[str]:
    """One row of the table."""
    mesh = cubic_mesh(np.zeros(3), np.full(3, SIDE_UM), SIDE_UM / cubes)
    setup, ours = cpu_seconds(lambda: Intersector(mesh))
    peer = (clipping_peer if options.clipping else steps_peer)(mesh)
    starts, ends = random_segments(options.segments, length)
    points = peer.prepare(*(part[: CLIPPED if options.clipping else None] for part in (starts, ends)))
    times, found, expected = best_in_turn(options.repeats, lambda: ours.intersect(starts, ends), peer, points)
    count = expected.shape[0]
    difference = abs(found.fractions[:count] - expected).max()
    our_rate, raw_rate, full_rate = options.segments / times[0], count / times[1], count / times[1:].sum()
    columns = (f"{mesh.n_tetrahedra}", f"{length:g}", f"{our_rate:.2g}", f"{raw_rate:.2g}", f"{full_rate:.2g}")
    ratios = (f"{our_rate / raw_rate:.1f}", f"{our_rate / full_rate:.1f}")
    return [*columns, *ratios, f"{difference:.0e}", f"{1e3 * setup:.1f}"]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--segments", type=int, default=20_000)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--clipping", action="store_true", help="compare with clipping even where STEPS is installed")
    options = parser.parse_args()
    # a move to another core would cost whoever is running then
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    options.clipping = options.clipping or find_spec("steps") is None
    peer = "clipping in numpy" if options.clipping else "STEPS"
    machine = f"{platform.machine()}, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}"
    print(f"peer: {peer}; {options.segments} segments, best of {options.repeats}, segments per CPU second; {machine}")
    first = cpu_seconds(lambda: compare(1, 5.0, argparse.Namespace(**vars(options) | {"segments": 1000})))[0]
    print(f"loading compiled code, with one small case: {first:.2f} s")
    header = "tetrahedra", "um", "ours", "peer", "with matrix", "ratio", "ratio with matrix", "difference", "setup ms"
    print(" | ".join(header))
    rows = []
    for cubes, length in CASES:
        rows.append(compare(cubes, length, options))
        print(" | ".join(rows[-1]), flush=True)
    for tetrahedra, length_um, *_, ratio, _, _ in (rows[0], rows[-1]):
        what = "segments in tetrahedra, to the sparse matrix"
        print_headline(what, peer, float(ratio), f"{tetrahedra} tetrahedra, segments of {length_um} um")


if __name__ == "__main__":
    main()
