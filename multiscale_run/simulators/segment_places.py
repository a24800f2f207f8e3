"""Where the segments of a rank's neurons lie in the tissue."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from multiscale_run.geometry import NeuronSegments
from multiscale_run.simulators.segments import SegmentTable


def place_segments(table: SegmentTable, cells: Sequence[Any]) -> NeuronSegments:
    """The straight lines between the ends of the segments, in the circuit's coordinates.

    Args:
        table: the segments, made from the same cells.
        cells: neurodamus cells of this rank, built with ``enable_coord_mapping``.
    """
    starts, ends, lengths = [np.empty((0, 3))], [np.empty((0, 3))], [np.empty(0)]
    for cell in cells:
        for section in cell.CellRef.all:
            joints = cell.local_to_global_coord_mapping(_joints(section))
            starts.append(joints[:-1])
            ends.append(joints[1:])
            lengths.append(np.full(section.nseg, section.L / section.nseg))
    return NeuronSegments(
        starts=np.concatenate(starts),
        ends=np.concatenate(ends),
        owner=table.owner,
        section_ids=table.section_ids,
        lengths=np.concatenate(lengths),
        volumes=table.volume,
        n_neurons=len(cells),
    )


def _joints(section: Any) -> np.ndarray:
    """Points of a section where its segments meet, and its two ends, um, shape (segments + 1, 3)."""
    numbers = range(section.n3d())
    along = np.array([section.arc3d(i) for i in numbers])
    points = np.array([[section.x3d(i), section.y3d(i), section.z3d(i)] for i in numbers])
    stops = np.linspace(0.0, along[-1], section.nseg + 1)
    return np.column_stack([np.interp(stops, along, coordinate) for coordinate in points.T])
