"""The branching pattern of cortical vessels: a capillary mesh, and penetrating vessels that feed and drain it."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components
from scipy.spatial import cKDTree

from .segments import Ints
from .space import Floats, blue_noise

_LARGEST_DEGREE = 3
CAPILLARY_TYPE = 7  # "transitional" in the SONATA vasculature


@dataclass
class VesselNetwork:
    """Branching points and the vessels between them.

    Attributes:
        points: coordinates in um.
        ends: the two points of each vessel.
        types: SONATA vessel type.
        diameters: in um.
        inlets, outlets: points at the pia where blood enters and leaves.
    """

    points: list[Floats] = field(default_factory=list)
    ends: list[tuple[int, int]] = field(default_factory=list)
    types: list[int] = field(default_factory=list)
    diameters: list[float] = field(default_factory=list)
    inlets: list[int] = field(default_factory=list)
    outlets: list[int] = field(default_factory=list)

    def add_point(self, position: Floats) -> int:
        """Add a branching point and return its index."""
        self.points.append(position)
        return len(self.points) - 1

    def add_vessel(self, start: int, end: int, vessel_type: int, diameter: float) -> None:
        """Join two points."""
        self.ends.append((start, end))
        self.types.append(vessel_type)
        self.diameters.append(float(diameter))

    def split(self, vessel: int) -> int:
        """Put a new branching point in the middle of a vessel and return it."""
        start, end = self.ends[vessel]
        middle = self.add_point((self.points[start] + self.points[end]) / 2)
        self.ends[vessel] = start, middle
        self.add_vessel(middle, end, self.types[vessel], self.diameters[vessel])
        return middle


def cortical_vessels(rng: np.random.Generator, size: float, table: dict[str, Any]) -> VesselNetwork:
    """Draw a connected network in the cube [0, size]^3 um with the pia at y = size.

    Every point but the tops of the penetrating vessels has at least two vessels, and none more than three.

    Args:
        rng: random stream.
        size: edge of the cube in um.
        table: `data/vessels.toml`.
    """
    network = _capillary_mesh(rng, size, table["capillaries"])
    meshes = np.array(network.ends)
    centres = np.array(network.points)[meshes].mean(axis=1)
    free = set(range(len(meshes)))
    tree = cKDTree(centres)
    kinds = ("arterioles", "venules")
    counts = [max(1, round(table[kind]["per_mm2"] * (size * 1e-3) ** 2)) for kind in kinds]
    tops = blue_noise(rng, sum(counts), np.full(2, 0.1 * size), np.full(2, 0.9 * size), 0.7)
    tops_of_kinds = np.split(rng.permutation(tops), [counts[0]])
    for kind, tops_of_kind in zip(kinds, tops_of_kinds, strict=True):
        roots = network.inlets if kind == "arterioles" else network.outlets
        for x, z in tops_of_kind:
            roots.append(_penetrate(network, table[kind], (x, size, z), tree, free))
    return network


def _penetrate(
    network: VesselNetwork, table: dict[str, Any], top: tuple[float, float, float], tree: cKDTree, free: set[int]
) -> int:
    """Sink a vessel from the pia and join its side branches to the nearest capillaries; returns its top point.

    With n branches below a point the radius there is that of a branch times n^(1/3): Murray's law, r^3 of the parent
    is the sum of r^3 of the daughters (Murray 1926, PNAS 12:207).
    """
    x, size, z = top
    depth = table["depth_fraction"] * size
    joints = int(np.clip(round(depth / table["branch_spacing"]), *table["branches"]))
    upper = first = network.add_point(np.array(top))
    for joint in range(1, joints + 1):
        point = network.add_point(np.array([x, size - depth * joint / joints, z]))
        branches_below = joints - joint + 2
        network.add_vessel(upper, point, table["type"], table["branch_diameter"] * branches_below ** (1 / 3))
        for _ in range(2 if joint == joints else 1):
            _join_capillary(network, table, point, tree, free)
        upper = point
    return first


def _join_capillary(network: VesselNetwork, table: dict[str, Any], point: int, tree: cKDTree, free: set[int]) -> None:
    """Join a point to the middle of the nearest capillary that has not been joined before."""
    reach = 8
    while True:
        nearest = tree.query(network.points[point], k=min(reach, tree.n))[1]
        capillary = next((int(row) for row in nearest if int(row) in free), None)
        if capillary is not None or reach >= tree.n:
            break
        reach *= 4
    if capillary is None:
        raise RuntimeError("There are more side branches than capillaries: raise least_bifurcations in vessels.toml.")
    free.remove(capillary)
    network.add_vessel(point, network.split(capillary), table["branch_type"], table["branch_diameter"])


def _capillary_mesh(rng: np.random.Generator, size: float, table: dict[str, Any]) -> VesselNetwork:
    count = max(table["least_bifurcations"], round(table["bifurcations_per_mm3"] * (size * 1e-3) ** 3))
    margin = 0.03 * size
    points = blue_noise(rng, count, np.full(3, margin), np.full(3, size - margin), table["relative_distance"])
    ends = _without_dead_ends(count, _join_neighbours(points, table["neighbours"]))
    used, ends = np.unique(ends, return_inverse=True)
    ends = ends.reshape(-1, 2)
    diameters = np.clip(rng.normal(table["diameter"], table["diameter_sd"], len(ends)), *table["diameter_range"])
    network = VesselNetwork(points=list(points[used]))
    for (start, end), diameter in zip(ends.tolist(), diameters, strict=True):
        network.add_vessel(start, end, CAPILLARY_TYPE, diameter)
    return network


def _join_neighbours(points: Floats, neighbours: int) -> Ints:
    """Join points to near ones, at most three per point: first what connects, then what closes loops, short first."""
    count = len(points)
    distance, other = cKDTree(points).query(points, k=min(neighbours + 1, count))
    pairs = np.stack([np.repeat(np.arange(count), other.shape[1] - 1), other[:, 1:].ravel()], axis=1)
    pairs, rows = np.unique(np.sort(pairs, axis=1), axis=0, return_index=True)
    pairs = pairs[np.argsort(distance[:, 1:].ravel()[rows], kind="stable")]
    degree, parent = [0] * count, list(range(count))

    def root(point: int) -> int:
        while parent[point] != point:
            parent[point] = parent[parent[point]]
            point = parent[point]
        return point

    chosen, rest = [], []
    for first, second in pairs.tolist():
        a, b = root(first), root(second)
        if a != b and max(degree[first], degree[second]) < _LARGEST_DEGREE:
            parent[a] = b
            degree[first] += 1
            degree[second] += 1
            chosen.append((first, second))
        else:
            rest.append((first, second))
    for first, second in rest:
        if max(degree[first], degree[second]) < _LARGEST_DEGREE:
            degree[first] += 1
            degree[second] += 1
            chosen.append((first, second))
    return np.array(chosen, np.int64)


def _without_dead_ends(count: int, ends: Ints) -> Ints:
    """The largest connected part, freed of vessels that lead nowhere."""
    graph = coo_array((np.ones(len(ends)), ends.T), shape=(count, count))
    _, part = connected_components(graph, directed=False)
    ends = ends[part[ends[:, 0]] == np.bincount(part).argmax()]
    while True:
        degree = np.bincount(ends.ravel(), minlength=count)
        alive = (degree[ends] > 1).all(axis=1)
        if alive.all():
            return ends
        ends = ends[alive]
