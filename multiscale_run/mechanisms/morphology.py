"""Reads a reconstructed neuron: SWC, Neurolucida ASC or HDF5.

MorphIO reads every format, and numbers sections as SONATA does: soma 0, then axon, basal and apical sections, each in
the file's order. The soma becomes a cylinder of the same area as the drawn one, whatever way it was drawn.
"""

from dataclasses import dataclass
from pathlib import Path

import morphio
import numpy as np

from mpi_coupling.world import UserError

SECTION_NAMES = {
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
    unknown = {str(section.type) for section in morphology.sections} - {str(kind) for kind in SECTION_NAMES}
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
