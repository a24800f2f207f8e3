"""Reads a reconstructed neuron (SWC, Neurolucida ASC or HDF5) into the sections of a hoc cell.

MorphIO reads every format, and numbers sections as SONATA does: soma 0, then axon, basal and apical sections, each in
the file's order. The soma becomes a cylinder of the same area as the drawn one, whatever way it was drawn.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import morphio
import numpy as np
from neuron import h

from mpi_coupling.world import UserError

INITIAL_SEGMENT_LENGTH = 60.0  # um
SMALLEST_DIAMETER = 0.1  # um; reconstructions end some branches in points of diameter 0

_SECTION_NAMES = {
    morphio.SectionType.axon: "axon",
    morphio.SectionType.basal_dendrite: "dend",
    morphio.SectionType.apical_dendrite: "apic",
}


@dataclass(frozen=True)
class SectionCounts:
    """How many sections of each kind the file has; SONATA section ids count in this order, after the soma."""

    axon: int
    dend: int
    apic: int

    @property
    def total(self) -> int:
        """Sections in all, soma included."""
        return 1 + self.axon + self.dend + self.apic


def load(path: Path) -> morphio.Morphology:
    """Reads a morphology file with sections in SONATA order.

    Raises:
        UserError: the file is missing, unreadable, without soma or has sections of an unknown kind.
    """
    try:
        morphology = morphio.Morphology(
            str(path), options=morphio.Option.nrn_order, warning_handler=morphio.WarningHandlerCollector()
        )
    except (morphio.MorphioError, RuntimeError, OSError) as error:
        raise UserError(f"{path}: not a readable morphology: {error}") from error
    if len(morphology.soma.points) == 0:
        raise UserError(f"{path}: has no soma; add soma points (SWC type 1)")
    unknown = {str(section.type) for section in morphology.sections} - {str(kind) for kind in _SECTION_NAMES}
    if unknown:
        raise UserError(f"{path}: sections of type {', '.join(sorted(unknown))}; allowed: axon, basal, apical")
    return morphology


def soma_sphere(morphology: morphio.Morphology) -> tuple[np.ndarray, float]:
    """Centre [um] and radius [um] of the sphere that stands for the soma.

    A point is its own sphere, a stack of cylinders gives the sphere of equal area, and a contour (in SWC: radius 0) the
    mean distance from its centre.
    """
    points = np.asarray(morphology.soma.points, dtype=float)
    diameters = np.asarray(morphology.soma.diameters, dtype=float)
    centre = points.mean(axis=0)
    if len(points) == 1:
        return centre, diameters[0] / 2
    if np.all(diameters > 0):
        radii = diameters / 2
        steps = np.linalg.norm(np.diff(points, axis=0), axis=1)
        area = np.sum(np.pi * (radii[1:] + radii[:-1]) * np.hypot(steps, np.diff(radii)))
        return centre, float(np.sqrt(area / (4 * np.pi)))
    return centre, float(np.linalg.norm(points - centre, axis=1).mean())


def instantiate(cell: "h.HocObject", path: Path) -> SectionCounts:
    """Creates the sections of the file in a hoc cell, connected and with their 3-D points.

    An initial segment of 60 um along the axon's first stretch replaces the axon, as usual for circuits whose spikes
    travel as events; a cell without axon gets none.

    Args:
        cell: the hoc object, with empty section lists all, somatic, axonal, basal, apical.
        path: the morphology file.

    Returns:
        The number of sections in the file, which fixes the SONATA ids of the sections that are kept.
    """
    morphology = load(path)
    kinds = [_SECTION_NAMES[section.type] for section in morphology.sections]
    counts = SectionCounts(*(kinds.count(kind) for kind in ("axon", "dend", "apic")))
    _create(cell, {"soma": 1, "axon": min(counts.axon, 1), "dend": counts.dend, "apic": counts.apic})
    centre, radius = soma_sphere(morphology)
    soma = cell.soma[0]
    up = np.array([0.0, radius, 0.0])
    _add_points(soma, [centre - up, centre, centre + up], [2 * radius] * 3)
    if counts.axon:
        first = morphology.sections[kinds.index("axon")]
        _add_initial_segment(cell.axon[0], first, centre)
        cell.axon[0].connect(soma(0.5), 0)
    neurites: list = []
    seen = dict.fromkeys(_SECTION_NAMES.values(), 0)
    for section, kind in zip(morphology.sections, kinds, strict=True):
        if kind == "axon":
            neurites.append(None)
            continue
        target = getattr(cell, kind)[seen[kind]]
        seen[kind] += 1
        neurites.append(target)
        points, diameters = section.points, section.diameters
        if len(points) == 1:
            points, diameters = np.vstack([centre, points]), np.repeat(diameters, 2)
        _add_points(target, points, diameters)
        parent = None if section.is_root else neurites[section.parent.id]
        target.connect(soma(0.5) if parent is None else parent(1), 0)
    return counts


def _create(cell: "h.HocObject", counts: dict[str, int]) -> None:
    lists = {"soma": cell.somatic, "axon": cell.axonal, "dend": cell.basal, "apic": cell.apical}
    for name, count in counts.items():
        if count == 0:
            continue
        h.execute(f"create {name}[{count}]", cell)
        for section in getattr(cell, name):
            lists[name].append(sec=section)
            cell.all.append(sec=section)


def _add_points(section: "h.Section", points: Sequence[np.ndarray] | np.ndarray, diameters: Sequence[float]) -> None:
    columns = [h.Vector(column) for column in np.asarray(points, dtype=float).T]
    h.pt3dadd(*columns, h.Vector(np.maximum(diameters, SMALLEST_DIAMETER)), sec=section)


def _add_initial_segment(section: "h.Section", axon: morphio.Section, centre: np.ndarray) -> None:
    """Straight, along the axon's first stretch, with its mean diameter."""
    points = np.asarray(axon.points, dtype=float)
    along = points[-1] - (points[0] if len(points) > 1 else centre)
    length = np.linalg.norm(along)
    direction = along / length if length > 0 else np.array([0.0, -1.0, 0.0])
    diameter = max(float(np.mean(axon.diameters)), 0.8)
    _add_points(section, [points[0] + s * direction for s in (0.0, 30.0, INITIAL_SEGMENT_LENGTH)], [diameter] * 3)
