"""Lines and triangles in space. Lengths are in um."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.spatial import ConvexHull

from multiscale_run.geometry import TetMesh

SIDES = 6
"""Of the prisms that stand for tubes."""
FEATURE_COSINE = np.cos(np.radians(20))
"""Edges between surface triangles that are more alike than this are not drawn."""

FINE_SPHERES = 200
"""Up to this many spheres have 320 triangles each; more have 80."""
_GOLDEN = (1 + 5**0.5) / 2
_QUARTER = np.array([[s, t * _GOLDEN, 0.0] for s in (-1, 1) for t in (-1, 1)])
"""Four corners of an icosahedron; the others follow by turning the axes."""


@dataclass(frozen=True)
class Lines:
    """Open lines, a row of NaN after each.

    Attributes:
        points: shape (points, 3).
        owner: number of the thing that each point belongs to, shape (points,).
    """

    points: np.ndarray
    owner: np.ndarray

    @classmethod
    def joined(cls, lines: list[np.ndarray], owners: list[int]) -> Lines:
        """Some lines, each of shape (points, 3), and the number of the thing that each belongs to."""
        if not lines:
            return cls(np.empty((0, 3)), np.empty(0, np.int32))
        gap = np.full((1, 3), np.nan)
        points = np.concatenate([part for line in lines for part in (line, gap)])
        return cls(points, np.repeat(np.array(owners, np.int32), [len(line) + 1 for line in lines]))


@dataclass(frozen=True)
class Triangles:
    """A surface.

    Attributes:
        points: shape (points, 3).
        corners: three points of each triangle, shape (triangles, 3).
        owner: number of the thing that each point belongs to, shape (points,).
    """

    points: np.ndarray
    corners: np.ndarray
    owner: np.ndarray


def spheres(centres: np.ndarray, radii: np.ndarray) -> Triangles:
    """Polyhedra of which the corners lie on spheres; shading makes them round.

    Args:
        centres: shape (spheres, 3).
        radii: shape (spheres,).
    """
    points, corners = _unit_sphere(2 if len(centres) <= FINE_SPHERES else 1)
    placed = centres[:, None, :] + radii[:, None, None] * points
    return _copies(placed, corners)


def tubes(starts: np.ndarray, ends: np.ndarray, radii: np.ndarray) -> Triangles:
    """A prism without lids round each straight line from ``starts`` to ``ends``, shape (tubes, 3)."""
    along = ends - starts
    length = np.linalg.norm(along, axis=1, keepdims=True)
    along = np.where(length > 0, along / np.where(length > 0, length, 1), [1.0, 0.0, 0.0])
    helper = np.eye(3)[np.argmin(np.abs(along), axis=1)]
    first = np.cross(along, helper)
    first /= np.linalg.norm(first, axis=1, keepdims=True)
    second = np.cross(along, first)
    angle = 2 * np.pi * np.arange(SIDES) / SIDES
    ring = np.cos(angle)[:, None] * first[:, None, :] + np.sin(angle)[:, None] * second[:, None, :]
    ring *= radii[:, None, None]
    points = np.concatenate([starts[:, None, :] + ring, ends[:, None, :] + ring], axis=1)
    here, there = np.arange(SIDES), np.roll(np.arange(SIDES), -1)
    one = np.stack([here, there, here + SIDES], axis=1)
    other = np.stack([there, there + SIDES, here + SIDES], axis=1)
    return _copies(points, np.concatenate([one, other]))


def outline(mesh: TetMesh) -> Lines:
    """The edges of a mesh's surface at which it bends: those of the box, for a box."""
    tetrahedron, face = np.nonzero(mesh.neighbours < 0)
    opposite = np.array([[1, 2, 3], [0, 2, 3], [0, 1, 3], [0, 1, 2]])
    triangles = mesh.tetrahedra[tetrahedron[:, None], opposite[face]]
    a, b, c = np.moveaxis(mesh.vertices[triangles], 1, 0)
    normals = np.cross(b - a, c - a)
    normals /= np.linalg.norm(normals, axis=1, keepdims=True)
    edges = np.sort(triangles[:, [[0, 1], [1, 2], [2, 0]]].reshape(-1, 2), axis=1)
    owner = np.repeat(np.arange(len(triangles)), 3)
    order = np.lexsort((edges[:, 1], edges[:, 0]))
    edges, owner = edges[order], owner[order]
    twins = np.flatnonzero((edges[:-1] == edges[1:]).all(axis=1))
    alike = np.abs(np.einsum("ij,ij->i", normals[owner[twins]], normals[owner[twins + 1]]))
    bent = edges[twins[alike < FEATURE_COSINE]]
    return Lines.joined(list(mesh.vertices[bent]), [0] * len(bent))


def _copies(points: np.ndarray, corners: np.ndarray) -> Triangles:
    """Many copies of a surface; points have the shape (copies, points of one, 3)."""
    copies, size = points.shape[:2]
    shifted = corners[None] + size * np.arange(copies)[:, None, None]
    owner = np.repeat(np.arange(copies, dtype=np.int32), size)
    return Triangles(points.reshape(-1, 3), shifted.reshape(-1, 3).astype(np.int32), owner)


def _unit_sphere(divisions: int) -> tuple[np.ndarray, np.ndarray]:
    """Points and triangles of an icosahedron of which each triangle is divided in four, again and again."""
    points = _on_sphere(np.concatenate([np.roll(_QUARTER, turn, axis=1) for turn in range(3)]))
    for _ in range(divisions):
        corners = points[_hull(points)]
        middles = (corners + np.roll(corners, 1, axis=1)).reshape(-1, 3)
        points = np.unique(np.concatenate([points, _on_sphere(middles)]).round(12), axis=0)
    return points, _hull(points)


def _on_sphere(points: np.ndarray) -> np.ndarray:
    return points / np.linalg.norm(points, axis=1, keepdims=True)


def _hull(points: np.ndarray) -> np.ndarray:
    """Triangles of the convex hull of points on a sphere, their corners counter-clockwise seen from outside."""
    triangles = ConvexHull(points).simplices
    inward = np.linalg.det(points[triangles]) < 0
    triangles[inward] = triangles[inward][:, ::-1]
    return triangles.astype(np.int32)
