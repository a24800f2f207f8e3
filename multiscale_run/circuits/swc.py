"""SWC files in the one form this product writes: a single-point soma, then axon, basal and apical trees depth first.

NEURON numbers sections in the order of that list, MorphIO in the order of the file: written this way both agree, and
a section id of a synapse means the same section to either of them.
"""

from dataclasses import dataclass, field
from pathlib import Path

import morphio
import numpy as np
from morphio import Morphology, SectionType
from numpy.typing import ArrayLike, NDArray

SOMA, AXON, BASAL, APICAL = 1, 2, 3, 4
TYPE_NAMES = {"axon": AXON, "basal": BASAL, "apical": APICAL}


@dataclass
class SwcTree:
    """Points of a morphology in the order of the file; `parent` of the soma, point 0, is -1. Lengths in um."""

    types: list[int] = field(default_factory=list)
    points: list[NDArray[np.float64]] = field(default_factory=list)
    radii: list[float] = field(default_factory=list)
    parents: list[int] = field(default_factory=list)

    def add(self, swc_type: int, point: ArrayLike, radius: float, parent: int) -> int:
        """Add a point and return its index."""
        self.types.append(swc_type)
        self.points.append(np.asarray(point, float))
        self.radii.append(float(radius))
        self.parents.append(parent)
        return len(self.types) - 1

    def write(self, path: Path) -> None:
        """Write the file; the soma lies at the origin."""
        path.parent.mkdir(parents=True, exist_ok=True)
        origin = self.points[0]
        lines = [
            f"{row + 1} {kind} {x:.4f} {y:.4f} {z:.4f} {radius:.4f} {parent + 1 if parent >= 0 else -1}\n"
            for row, (kind, (x, y, z), radius, parent) in enumerate(
                zip(self.types, (point - origin for point in self.points), self.radii, self.parents, strict=True)
            )
        ]
        path.write_text("# index type x y z radius parent\n" + "".join(lines), encoding="ascii")


def from_morphio(morphology: Morphology) -> SwcTree:
    """Convert a morphology of any format.

    The soma becomes a sphere. Processes of unknown type are written as basal dendrites.

    Raises:
        ValueError: the morphology has no soma or no neurite.
    """
    if len(morphology.soma.points) == 0:
        raise ValueError("has no soma")
    if not morphology.root_sections:
        raise ValueError("has no neurites")
    tree = SwcTree()
    centre = morphology.soma.points.mean(axis=0, dtype=float)
    tree.add(SOMA, centre, soma_radius(morphology), -1)
    for root in sorted(morphology.root_sections, key=_swc_type):
        last_point: dict[int, int] = {}
        for section in root.iter():
            kind = _swc_type(section)
            points, radii = section.points.astype(float), section.diameters / 2
            if section.is_root:
                parent = 0
                if len(points) == 1:  # a tree that forks at once still needs a section with a length
                    points = np.stack([(centre + points[0]) / 2, points[0]])
                    radii = np.repeat(radii, 2)
            else:
                parent = last_point[section.parent.id]
                points, radii = points[1:], radii[1:]  # MorphIO repeats the last point of the parent
            for point, radius in zip(points, radii, strict=True):
                parent = tree.add(kind, point, radius, parent)
            last_point[section.id] = parent
    return tree


def soma_radius(morphology: Morphology) -> float:
    """Radius in um of the sphere that stands for the soma.

    A contour gives the mean distance of its points to the centre, cylinders give the sphere of the same surface.
    """
    points, radii = morphology.soma.points.astype(float), morphology.soma.diameters.astype(float) / 2
    if len(points) == 1:
        return float(radii[0])
    if morphology.soma_type == morphio.SomaType.SOMA_SIMPLE_CONTOUR or not np.any(radii > 0):
        return float(np.linalg.norm(points - points.mean(axis=0), axis=1).mean())
    if len(points) == 3 and np.ptp(radii) == 0:
        return float(radii[0])  # the three-point soma of NeuroMorpho.org
    heights = np.linalg.norm(np.diff(points, axis=0), axis=1)
    slants = np.hypot(heights, np.diff(radii))
    return float(np.sqrt(np.sum((radii[1:] + radii[:-1]) * slants) / 4))


def _swc_type(section: morphio.Section) -> int:
    known = {SectionType.axon: AXON, SectionType.apical_dendrite: APICAL}
    return known.get(section.type, BASAL)
