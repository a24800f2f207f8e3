"""The vasculature of a SONATA circuit as a graph: points joined by vessel segments."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from functools import cached_property
from pathlib import Path

import libsonata
import numpy as np
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from mpi_coupling.world import UserError

POPULATION = "vasculature"
SONATA_TYPE = "vasculature"
ENDS = ("start", "end")
REQUIRED = tuple(f"{end}_{what}" for end in ENDS for what in ("node", "x", "y", "z", "diameter"))
SHOWN = 3
"""How many segments a message lists."""


class VesselType(IntEnum):
    """Type of a vessel segment, the numbers of SONATA's vasculature."""

    UNKNOWN = 0
    VEIN = 1
    ARTERY = 2
    VENULE = 3
    ARTERIOLE = 4
    VENOUS_CAPILLARY = 5
    ARTERIAL_CAPILLARY = 6
    TRANSITIONAL = 7


ARTERIAL = (VesselType.ARTERY, VesselType.ARTERIOLE)
"""What brings blood."""


@dataclass(frozen=True)
class VesselGraph:
    """Vessel segments, in the order of their SONATA ids, between points. Lengths in um.

    Attributes:
        ends: start and end point of each segment, shape (segments, 2).
        positions: coordinates of the points, shape (points, 3).
        lengths: distance of a segment's two points, shape (segments,).
        radii: of the segments at rest: mean of the radii at their ends, which neurodamus starts its endfeet from,
            shape (segments,).
        point_radii: of the points: the widest segment that ends there, shape (points,).
        types: :class:`VesselType` of the segments, UNKNOWN where the file has none, shape (segments,).
    """

    ends: np.ndarray
    positions: np.ndarray
    lengths: np.ndarray
    radii: np.ndarray
    point_radii: np.ndarray
    types: np.ndarray

    @property
    def n_segments(self) -> int:
        """Number of vessel segments."""
        return len(self.ends)

    @property
    def n_points(self) -> int:
        """Number of points."""
        return len(self.positions)

    @cached_property
    def degree(self) -> np.ndarray:
        """Number of segments that end at each point, shape (points,)."""
        return np.bincount(self.ends.ravel(), minlength=self.n_points)

    @cached_property
    def is_main(self) -> np.ndarray:
        """Whether a point belongs to the largest connected piece, the only one that blood flows through."""
        ones = np.ones(self.n_segments)
        adjacency = coo_array((ones, (self.ends[:, 0], self.ends[:, 1])), shape=(self.n_points, self.n_points))
        _, piece = connected_components(adjacency, directed=False)
        return piece == np.bincount(piece).argmax()

    @cached_property
    def loose_ends(self) -> np.ndarray:
        """Points of the main piece with a single segment: where the network was cut."""
        return np.flatnonzero(self.is_main & (self.degree == 1))

    def types_at(self, points: np.ndarray) -> np.ndarray:
        """Vessel type of the one segment at each of some loose ends."""
        segment_at = np.zeros(self.n_points, dtype=np.intp)
        segment_at[self.ends] = np.arange(self.n_segments)[:, None]
        return self.types[segment_at[points]]


def vasculature_populations(circuit: libsonata.CircuitConfig) -> list[str]:
    """Names of a circuit's populations of vessel segments."""
    names = sorted(circuit.node_populations)
    return [name for name in names if circuit.node_population_properties(name).type == SONATA_TYPE]


def read_vasculature(file: Path, population: str = POPULATION) -> VesselGraph:
    """Read the vasculature of a SONATA nodes file, one node per segment.

    Args:
        file: nodes file.
        population: name of its population.

    Raises:
        UserError: the file cannot be read, lacks an attribute, or holds vessels that no blood can flow through.
    """
    columns, types = _read_columns(file, population)
    ends = np.stack([columns["start_node"], columns["end_node"]], axis=1).astype(np.int64)
    corners = np.stack([[columns[f"{end}_{axis}"] for axis in "xyz"] for end in ENDS]).transpose(0, 2, 1)
    diameters = np.stack([columns[f"{end}_diameter"] for end in ENDS], axis=1)
    lengths = np.linalg.norm(corners[1] - corners[0], axis=1)
    place = f"{file}: population {population!r}"
    if not len(ends):
        raise UserError(f"{place} has no vessel segment; it needs at least one between an inlet and an outlet")
    _check_segments(place, ends, lengths, diameters)
    n_points = _count_points(place, ends)
    positions, point_radii = np.empty((n_points, 3)), np.zeros(n_points)
    for side in (0, 1):
        positions[ends[:, side]] = corners[side]
        np.maximum.at(point_radii, ends[:, side], diameters[:, side] / 2)
    return VesselGraph(ends, positions, lengths, diameters.mean(axis=1) / 2, point_radii, types)


def _read_columns(file: Path, population: str) -> tuple[dict[str, np.ndarray], np.ndarray]:
    try:
        nodes = libsonata.NodeStorage(str(file)).open_population(population)
        missing = [name for name in REQUIRED if name not in nodes.attribute_names]
        if missing:
            raise UserError(
                f"{file}: population {population!r} lacks the attributes {', '.join(missing)}; "
                "blood flow needs a SONATA vasculature with points, coordinates and diameters"
            )
        everyone = nodes.select_all()
        columns = {name: np.asarray(nodes.get_attribute(name, everyone), dtype=float) for name in REQUIRED}
        has_types = "type" in nodes.attribute_names
        types = nodes.get_attribute("type", everyone) if has_types else np.zeros(nodes.size)
    except (libsonata.SonataError, RuntimeError) as error:
        raise UserError(f"{file}: population {population!r} cannot be read: {error}") from error
    return columns, np.asarray(types, dtype=np.int64)


def _check_segments(place: str, ends: np.ndarray, lengths: np.ndarray, diameters: np.ndarray) -> None:
    for wrong, what in (
        (ends.min(axis=1) < 0, "have a negative point id; points are numbered from 0"),
        (ends[:, 0] == ends[:, 1], "begin and end at the same point; remove them"),
        (~(np.isfinite(lengths) & (lengths > 0)), "have no positive, finite length; merge their two points"),
        (~(np.isfinite(diameters) & (diameters > 0)).all(axis=1), "have no positive, finite diameter in um"),
    ):
        if wrong.any():
            first = ", ".join(map(str, np.flatnonzero(wrong)[:SHOWN]))
            raise UserError(f"{place}: {wrong.sum()} segments (the first: {first}) {what}")


def _count_points(place: str, ends: np.ndarray) -> int:
    n_points = int(ends.max()) + 1
    unused = n_points - len(np.unique(ends))
    if unused:
        raise UserError(
            f"{place}: start_node and end_node leave out {unused} of the point ids 0 to {n_points - 1}; "
            "number the points without gaps"
        )
    return n_points
