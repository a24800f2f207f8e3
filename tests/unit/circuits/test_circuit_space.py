"""Points in a box and rotations."""

import numpy as np
import pytest
from scipy.spatial import cKDTree

from multiscale_run.circuits.space import blue_noise, perpendicular, rotate, rotations_about_y, stream, unit_vectors


@pytest.mark.parametrize(("count", "dimensions"), [(1, 3), (50, 2), (3000, 3)])
def test_blue_noise_keeps_its_distance(count, dimensions):
    low, high = np.arange(dimensions, dtype=float), np.arange(dimensions) + 100.0
    points = blue_noise(stream(3, "points"), count, low, high, 0.7)
    assert points.shape == (count, dimensions)
    assert (points >= low).all() and (points <= high).all()
    if count > 1:
        nearest = cKDTree(points).query(points, k=2)[0][:, 1]
        assert nearest.min() > 0.7 * (100.0**dimensions / count) ** (1 / dimensions) * 0.8


def test_blue_noise_ends_when_the_distance_is_impossible():
    assert len(blue_noise(stream(3, "points"), 40, [0, 0, 0], [10, 10, 10], 5.0)) == 40


def test_streams_depend_on_seed_and_purpose_only():
    draws = {key: stream(*key).random() for key in [(1, "a"), (1, "b"), (2, "a"), (1, "a", 0)]}
    assert len(set(draws.values())) == 4
    assert stream(1, "a").random() == draws[1, "a"]


def test_rotation_about_y_by_its_matrix():
    rng = stream(1, "rotation")
    quaternions, vectors = rotations_about_y(rng, 20), rng.normal(size=(20, 3))
    angle = 2 * np.arctan2(quaternions[:, 2], quaternions[:, 0])
    x, y, z = vectors.T
    expected = np.stack([np.cos(angle) * x + np.sin(angle) * z, y, -np.sin(angle) * x + np.cos(angle) * z], axis=1)
    np.testing.assert_allclose(rotate(quaternions, vectors), expected, atol=1e-12)
    np.testing.assert_allclose(rotate(quaternions, expected, inverse=True), vectors, atol=1e-12)


def test_perpendicular_is_perpendicular():
    rng = stream(1, "perpendicular")
    directions = 5 * unit_vectors(rng, 100)
    across = perpendicular(rng, directions)
    np.testing.assert_allclose(np.sum(across * directions, axis=1), 0, atol=1e-12)
    np.testing.assert_allclose(np.linalg.norm(across, axis=1), 1)
    assert np.isfinite(perpendicular(rng, np.zeros((3, 3)))).all()
