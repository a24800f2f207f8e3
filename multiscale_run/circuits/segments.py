"""Morphologies as flat tables of segments, to place and to find points on many of them at once."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from morphio import Morphology
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from .space import Floats
from .swc import APICAL, AXON, BASAL, SOMA, soma_radius

Ints = NDArray[np.int64]
_INITIAL_SEGMENT_UM = 60.0  # the cell templates cut the axon here


@dataclass(frozen=True)
class SegmentTable:
    """All segments of a list of morphologies; row `first[m]` is the soma of morphology m. Lengths in um.

    Attributes:
        first: first row of each morphology, and the total at the end.
        section_id: SONATA section id, 0 for the soma.
        section_type: 1 soma, 2 axon, 3 basal, 4 apical dendrite (as in SWC).
        segment_id: index within the section.
        start, end: n x 3 coordinates relative to the soma.
        radius: mean radius of the segment.
        offset: distance from the start of the section to the start of the segment.
        length: length of the segment, 0 for the soma.
        section_length: length of the whole section.
        path: distance along the tree from the soma to the start of the segment.
    """

    first: Ints
    section_id: Ints
    section_type: Ints
    segment_id: Ints
    start: Floats
    end: Floats
    radius: Floats
    offset: Floats
    length: Floats
    section_length: Floats
    path: Floats

    @classmethod
    def of(cls, morphologies: Sequence[Morphology]) -> "SegmentTable":
        """Tabulate morphologies whose sections are in the order axon, basal, apical."""
        pieces = [piece for morphology in morphologies for piece in _pieces(morphology)]
        counts = [1 + sum(len(section.points) - 1 for section in m.sections) for m in morphologies]
        columns = (np.concatenate(column) for column in zip(*pieces, strict=True))
        return cls(np.concatenate([[0], np.cumsum(counts)]), *columns)

    @cached_property
    def is_dendrite(self) -> NDArray[np.bool_]:
        """Rows of dendrites."""
        return (self.section_type == BASAL) | (self.section_type == APICAL)

    @cached_property
    def section_counts(self) -> Ints:
        """Number of sections of each morphology, with the soma."""
        return np.maximum.reduceat(self.section_id, self.first[:-1]) + 1

    @cached_property
    def membrane_area(self) -> Floats:
        """Membrane area in um2 that is simulated: soma as a sphere, dendrites, and the initial segment of the axon."""
        simulated = (self.section_type != AXON) | (self.path < _INITIAL_SEGMENT_UM)
        area = np.where(self.section_type == SOMA, 4 * np.pi * self.radius**2, 2 * np.pi * self.radius * self.length)
        return np.add.reduceat(area * simulated, self.first[:-1])

    @cached_property
    def _trees(self) -> list[cKDTree]:
        centres = (self.start + self.end) / 2
        return [cKDTree(centres[a + 1 : b]) for a, b in zip(self.first[:-1], self.first[1:], strict=True)]

    def nearest(self, morphology: Ints, points: Floats) -> Ints:
        """Row of the neurite segment whose centre is nearest to each point (n x 3, relative to the soma)."""
        rows = np.empty(len(morphology), np.int64)
        for number in np.unique(morphology):
            chosen = morphology == number
            rows[chosen] = self.first[number] + 1 + self._trees[number].query(points[chosen])[1]
        return rows

    def centre(self, rows: Ints, fraction: Floats) -> Floats:
        """Points on the axis of segments, at a fraction of their length."""
        return self.start[rows] + fraction[:, None] * (self.end[rows] - self.start[rows])

    def section_position(self, rows: Ints, fraction: Floats) -> Floats:
        """Normalised position along the section, 0.5 on the soma."""
        along = self.offset[rows] + fraction * self.length[rows]
        whole = self.section_length[rows]
        return np.where(whole > 0, along / np.where(whole > 0, whole, 1), 0.5)

    def columns(self, prefix: str, rows: Ints, fraction: Floats) -> dict[str, NDArray]:
        """SONATA attributes of points on segments: section id, position and type, segment id and offset."""
        return {
            f"{prefix}_section_id": self.section_id[rows].astype("u4"),
            f"{prefix}_section_pos": self.section_position(rows, fraction).astype("f4"),
            f"{prefix}_section_type": self.section_type[rows].astype("u4"),
            f"{prefix}_segment_id": self.segment_id[rows].astype("u4"),
            f"{prefix}_segment_offset": (fraction * self.length[rows]).astype("f4"),
        }


def _pieces(morphology: Morphology) -> list[tuple[NDArray, ...]]:
    """Columns of the soma and of each section, in the order of the fields of `SegmentTable`."""
    zero, origin = np.zeros(1), np.zeros((1, 3))
    integer = np.zeros(1, np.int64)
    soma = (integer, integer + SOMA, integer, origin, origin, zero + soma_radius(morphology), zero, zero, zero, zero)
    pieces: list[tuple[NDArray, ...]] = [soma]
    path_end: dict[int, float] = {}
    for section in morphology.sections:
        points = section.points.astype(float)
        lengths = np.linalg.norm(np.diff(points, axis=0), axis=1)
        ends = np.cumsum(lengths)
        count, total = len(lengths), float(ends[-1])
        before = 0.0 if section.is_root else path_end[section.parent.id]
        path_end[section.id] = before + total
        pieces.append(
            (
                np.full(count, section.id + 1),
                np.full(count, int(section.type)),
                np.arange(count),
                points[:-1],
                points[1:],
                (section.diameters[:-1] + section.diameters[1:]).astype(float) / 4,
                ends - lengths,
                lengths,
                np.full(count, total),
                before + ends - lengths,
            )
        )
    return pieces
