"""Meshes and a slow, simple intersection to compare with."""

from __future__ import annotations

import numpy as np
import pytest

from multiscale_run.geometry import TetMesh, cubic_mesh


def clipped_lengths(mesh: TetMesh, starts: np.ndarray, ends: np.ndarray) -> np.ndarray:
    """Part of each segment in each closed tetrahedron, by clipping against its four half-spaces.

    A segment that runs in a face counts in both tetrahedra there.
    """
    low, high = np.zeros((len(starts), mesh.n_tetrahedra)), np.ones((len(starts), mesh.n_tetrahedra))
    for face, apex in (((1, 2, 3), 0), ((0, 2, 3), 1), ((0, 1, 3), 2), ((0, 1, 2), 3)):
        one, two, three = (mesh.corners[:, k] for k in face)
        normal = np.cross(two - one, three - one)
        normal /= np.linalg.norm(normal, axis=1)[:, None]
        normal *= np.sign(np.einsum("ij,ij->i", normal, mesh.corners[:, apex] - one))[:, None]
        offset = np.einsum("ij,ij->i", normal, one)
        at_start, at_end = (
            np.where(abs(d) < 1e-10, 0, d) for d in (starts @ normal.T - offset, ends @ normal.T - offset)
        )
        with np.errstate(divide="ignore", invalid="ignore"):
            crossing = at_start / (at_start - at_end)
        low = np.where((at_start < 0) & (at_end > 0), np.maximum(low, crossing), low)
        high = np.where((at_start > 0) & (at_end < 0), np.minimum(high, crossing), high)
        # in the face itself counts as inside
        high = np.where((at_start <= 0) & (at_end <= 0) & (np.minimum(at_start, at_end) < 0), 0, high)
    return np.maximum(high - low, 0)


@pytest.fixture(scope="session")
def clip():
    return clipped_lengths


@pytest.fixture(scope="session")
def box():
    """A cubic mesh of 5 x 4 x 3 cubes of 20 um, away from the origin."""
    return cubic_mesh([900.0, -50.0, 0.0], [1000.0, 30.0, 60.0], 20.0)


@pytest.fixture(scope="session")
def irregular(box):
    """The same mesh with its inner vertices moved at random."""
    rng = np.random.default_rng(3)
    is_inner = ((box.vertices > box.lower) & (box.vertices < box.upper)).all(axis=1)
    shift = rng.uniform(-4, 4, box.vertices.shape) * is_inner[:, None]
    return TetMesh(box.vertices + shift, box.tetrahedra, "irregular")


@pytest.fixture(scope="session")
def hollow(box):
    """The box without the tetrahedra of its middle: a segment can leave and come back."""
    middle = (box.lower + box.upper) / 2
    kept = np.abs(box.barycentres - middle).max(axis=1) > 15
    return TetMesh(box.vertices, box.tetrahedra[kept], "hollow")
