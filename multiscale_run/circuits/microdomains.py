"""Astrocytic microdomains: the Voronoi cells of the somata in the box of the circuit.

Protoplasmic astrocytes occupy exclusive territories (Bushong et al. 2002, J Neurosci 22:183).
"""

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
from scipy.spatial import ConvexHull, Voronoi, cKDTree

from .segments import Ints
from .sonata import create_file
from .space import Floats


@dataclass(frozen=True)
class Microdomains:
    """A partition of a box among `centres`.

    Attributes:
        centres: n x 3 positions in um.
        low, high: corners of the box.
        pairs: m x 2 touching microdomains, first < second, sorted.
        corners: the vertices of each convex cell.
    """

    centres: Floats
    low: Floats
    high: Floats
    pairs: Ints
    corners: list[Floats]

    @classmethod
    def of(cls, centres: Floats, low: Floats, high: Floats) -> "Microdomains":
        """Divide the box; mirror images of the centres in its six faces make every cell end exactly there."""
        count = len(centres)
        images = [centres]
        for axis in range(3):
            for face in (low, high):
                mirrored = centres.copy()
                mirrored[:, axis] = 2 * face[axis] - mirrored[:, axis]
                images.append(mirrored)
        diagram = Voronoi(np.concatenate(images))
        touching = np.sort(diagram.ridge_points[(diagram.ridge_points < count).all(axis=1)], axis=1)
        corners = [
            np.clip(diagram.vertices[diagram.regions[diagram.point_region[cell]]], low, high) for cell in range(count)
        ]
        return cls(centres, low, high, np.unique(touching, axis=0).astype(np.int64).reshape(-1, 2), corners)

    @cached_property
    def _tree(self) -> cKDTree:
        return cKDTree(self.centres)

    def owner(self, points: Floats) -> Ints:
        """The microdomain that contains each of n x 3 points, -1 outside the box."""
        inside = ((points >= self.low) & (points <= self.high)).all(axis=1)
        return np.where(inside, self._tree.query(points)[1], -1)

    def write(self, path: Path) -> None:
        """Write the cells as triangle meshes.

        Layout: `points` (vertices, um), `triangles` (rows of `points`), and for microdomain i its rows
        `point_offsets[i]:point_offsets[i + 1]` and `triangle_offsets[i]:triangle_offsets[i + 1]`; `volumes` in um3;
        `neighbours` (pairs of touching microdomains).
        """
        hulls = [ConvexHull(corners) for corners in self.corners]
        point_offsets = np.concatenate([[0], np.cumsum([len(corners) for corners in self.corners])])
        with create_file(path) as file:
            file["points"] = np.concatenate(self.corners).astype("f4")
            file["point_offsets"] = point_offsets.astype("u8")
            triangles = [hull.simplices + first for hull, first in zip(hulls, point_offsets[:-1], strict=True)]
            file["triangles"] = np.concatenate(triangles).astype("u8")
            file["triangle_offsets"] = np.concatenate([[0], np.cumsum([len(rows) for rows in triangles])]).astype("u8")
            file["volumes"] = np.array([hull.volume for hull in hulls], "f4")
            file["neighbours"] = self.pairs.astype("u8")
