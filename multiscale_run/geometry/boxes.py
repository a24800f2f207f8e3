"""Boxes round a circuit and meshes of boxes."""

from __future__ import annotations

import itertools

import numpy as np

from mpi_coupling.world import UserError
from multiscale_run.geometry.mesh import TetMesh

MOST_TETRAHEDRA = 50_000_000
"""Larger meshes would not fit into the memory of a usual node."""
_CUBE = np.array(
    [
        [[0, 0, 0], [1, 0, 0], [0, 1, 0], [0, 0, 1]],
        [[1, 1, 0], [0, 1, 0], [1, 0, 0], [1, 1, 1]],
        [[1, 0, 1], [1, 0, 0], [0, 0, 1], [1, 1, 1]],
        [[0, 1, 1], [0, 0, 1], [0, 1, 0], [1, 1, 1]],
        [[1, 0, 0], [0, 1, 0], [0, 0, 1], [1, 1, 1]],
    ]
)
"""A cube in five tetrahedra, by the corners of the cube."""


def fit_box(points: np.ndarray, explode_factor: float = 1.001) -> tuple[np.ndarray, np.ndarray]:
    """The box round some points, enlarged about its centre.

    Args:
        points: coordinates, shape (points, 3).
        explode_factor: by how much each side grows, at least 1.

    Returns:
        Lower and upper corner, shape (3,) each.

    Raises:
        UserError: there is no point, one is not finite, or the factor would cut points off.
    """
    points = np.asarray(points, dtype=float).reshape(-1, 3)
    if not len(points) or not np.isfinite(points).all():
        raise UserError(f"a box needs at least one point, all finite; got {len(points)} points")
    if not explode_factor >= 1:
        raise UserError(f"preprocessor.mesh.explode_factor is {explode_factor}; it must be at least 1")
    lower, upper = points.min(axis=0), points.max(axis=0)
    centre, half = (lower + upper) / 2, (upper - lower) / 2 * explode_factor
    # the factor 1 must not lose an outermost point to rounding
    return np.minimum(centre - half, lower), np.maximum(centre + half, upper)


def cubic_mesh(lower: np.ndarray, upper: np.ndarray, edge_um: float) -> TetMesh:
    """A box cut into cubes and each cube into five tetrahedra, mirrored from one cube to the next.

    Lines between the barycentres of neighbours cross their face at a right angle only where the cells are cubes, and
    only then is the two-point flux of the finite-volume diffusion consistent (Eymard, Gallouet, Herbin 2000, Handbook
    of Numerical Analysis 7, section 9); so the box is padded on all sides alike to a whole number of cubes.

    Args:
        lower: lower corner of the box in um, shape (3,).
        upper: upper corner of the box in um, shape (3,).
        edge_um: edge of the cubes in um.

    Raises:
        UserError: the box or the edge has no positive, finite size, or there would be too many tetrahedra.
    """
    lower, upper = np.asarray(lower, dtype=float), np.asarray(upper, dtype=float)
    sides = upper - lower
    if not (np.isfinite(sides).all() and (sides >= 0).all() and 0 < edge_um < np.inf):
        raise UserError(f"a box from {lower} to {upper} um in cubes of {edge_um} um has no finite, positive size")
    wanted = np.maximum(np.ceil(sides / edge_um - 1e-9), 1)
    if len(_CUBE) * wanted.prod() > MOST_TETRAHEDRA:
        raise UserError(
            f"cubes of {edge_um:g} um in a box of {sides[0]:g} x {sides[1]:g} x {sides[2]:g} um give "
            f"{len(_CUBE) * wanted.prod():.2g} tetrahedra, more than {MOST_TETRAHEDRA:.2g}; "
            "enlarge preprocessor.mesh.base_length"
        )
    counts = wanted.astype(np.int64)
    origin = (lower + upper - counts * edge_um) / 2
    grid = np.stack(np.meshgrid(*(np.arange(n + 1) for n in counts), indexing="ij"), axis=-1).reshape(-1, 3)
    return TetMesh(origin + edge_um * grid, _five_per_cube(counts), "cubic mesh")


def _five_per_cube(counts: np.ndarray) -> np.ndarray:
    """Tetrahedra of a grid of cubes, shape (5 * cubes, 4), cube by cube."""
    strides = np.array([(counts[1] + 1) * (counts[2] + 1), counts[2] + 1, 1])
    cubes = np.array(list(itertools.product(*map(range, counts))))
    # mirroring along x turns a tetrahedron inside out, exchanging two vertices turns it back
    mirrored = np.abs(_CUBE - [1, 0, 0])[:, [1, 0, 2, 3]]
    split = np.where((cubes.sum(axis=1) % 2 == 0)[:, None, None], _CUBE @ strides, mirrored @ strides)
    return (split + (cubes @ strides)[:, None, None]).reshape(-1, 4)
