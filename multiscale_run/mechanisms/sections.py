"""Turns a reconstructed neuron into the sections of a hoc cell."""

from collections.abc import Iterable, Sequence
from pathlib import Path

import morphio
import numpy as np
from neuron import h

from multiscale_run.mechanisms.morphology import SECTION_NAMES, SectionCounts, load, soma_sphere

INITIAL_SEGMENT_LENGTH = 60.0  # um
THINNEST_INITIAL_SEGMENT = 1.2  # um, diameter
THINNEST = 0.1  # um; reconstructions end some branches in points of diameter 0


def create_sections(cell: "h.HocObject", path: Path) -> SectionCounts:
    """Creates the sections of the file in a hoc cell, connected and with their 3-D points.

    An initial segment of 60 um along the axon's first stretch replaces the axon, as usual for circuits whose spikes
    travel as events; a cell without axon gets none.

    Args:
        cell: the hoc object, with empty section lists all, somatic, axonal, basal, apical.
        path: the morphology file.

    Returns:
        The number of sections in the file, which fixes the SONATA ids of the sections that are kept.

    Raises:
        UserError: the file cannot be used.
    """
    morphology = load(path)
    kinds = [SECTION_NAMES[section.type] for section in morphology.sections]
    counts = SectionCounts(*(kinds.count(kind) for kind in ("axon", "dend", "apic")))
    _declare(cell, {"soma": 1, "axon": min(counts.axon, 1), "dend": counts.dend, "apic": counts.apic})
    centre, radius = soma_sphere(morphology)
    up = np.array([0.0, radius, 0.0])
    _add_points(cell.soma[0], [centre - up, centre, centre + up], [2 * radius] * 3)
    if counts.axon:
        _add_initial_segment(cell, morphology.sections[kinds.index("axon")], centre)
    dendrites = [section for section, kind in zip(morphology.sections, kinds, strict=True) if kind != "axon"]
    _add_dendrites(cell, dendrites, [*cell.basal, *cell.apical], centre)
    return counts


def _declare(cell: "h.HocObject", counts: dict[str, int]) -> None:
    lists = {"soma": cell.somatic, "axon": cell.axonal, "dend": cell.basal, "apic": cell.apical}
    for name, count in counts.items():
        if count == 0:
            continue
        h.execute(f"create {name}[{count}]", cell)
        for section in getattr(cell, name):
            lists[name].append(sec=section)
            cell.all.append(sec=section)


def _add_dendrites(
    cell: "h.HocObject", sources: Iterable[morphio.Section], targets: Iterable["h.Section"], centre: np.ndarray
) -> None:
    """Both in SONATA order, basal before apical; a parent comes before its children."""
    built: dict[int, h.Section] = {}
    for source, target in zip(sources, targets, strict=True):
        built[source.id] = target
        points, diameters = source.points, source.diameters
        if len(points) == 1:
            points, diameters = np.vstack([centre, points]), np.repeat(diameters, 2)
        _add_points(target, points, diameters)
        parent = None if source.is_root else built.get(source.parent.id)
        target.connect(cell.soma[0](0.5) if parent is None else parent(1), 0)


def _add_initial_segment(cell: "h.HocObject", axon: morphio.Section, centre: np.ndarray) -> None:
    """Straight, along the axon's first stretch, with its mean diameter."""
    points = np.asarray(axon.points, dtype=float)
    along = points[-1] - (points[0] if len(points) > 1 else centre)
    length = np.linalg.norm(along)
    direction = along / length if length > 0 else np.array([0.0, -1.0, 0.0])
    diameter = max(float(np.mean(axon.diameters)), THINNEST_INITIAL_SEGMENT)
    stops = (0.0, INITIAL_SEGMENT_LENGTH / 2, INITIAL_SEGMENT_LENGTH)
    _add_points(cell.axon[0], [points[0] + stop * direction for stop in stops], [diameter] * 3)
    cell.axon[0].connect(cell.soma[0](0.5), 0)


def _add_points(section: "h.Section", points: Sequence[np.ndarray] | np.ndarray, diameters: Sequence[float]) -> None:
    columns = [h.Vector(column) for column in np.asarray(points, dtype=float).T]
    h.pt3dadd(*columns, h.Vector(np.maximum(diameters, THINNEST)), sec=section)
