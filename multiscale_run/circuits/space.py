"""Seeded random streams, points in a box, and rotations."""

from zlib import crc32

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.spatial import cKDTree

Floats = NDArray[np.float64]


def stream(seed: int, *purpose: str | int) -> np.random.Generator:
    """A random stream of its own for each purpose, so that one part of a circuit does not depend on another."""
    return np.random.default_rng([seed, crc32("/".join(map(str, purpose)).encode())])


def blue_noise(
    rng: np.random.Generator, count: int, low: ArrayLike, high: ArrayLike, relative_distance: float
) -> Floats:
    """Random points that keep a distance from each other, by dart throwing in rounds.

    Args:
        rng: random stream.
        count: number of points.
        low: lower corner of the box, any dimension.
        high: upper corner.
        relative_distance: smallest distance over the mean spacing `(volume / count)^(1 / dimension)`; it is lowered
            when the box is so full that too few darts stick.

    Returns:
        `count` x dimension coordinates.
    """
    low, high = np.asarray(low, float), np.asarray(high, float)
    distance = relative_distance * (np.prod(high - low) / count) ** (1 / len(low))
    points = np.empty((0, len(low)))
    while len(points) < count:
        darts = rng.uniform(low, high, (max(count, 32), len(low)))
        if len(points):
            nearest, _ = cKDTree(points).query(darts)
            darts = darts[nearest > distance]
        if len(darts):
            pairs = cKDTree(darts).query_pairs(distance, output_type="ndarray")
            darts = np.delete(darts, np.unique(pairs.max(axis=1)), axis=0)
        if len(darts) < 0.05 * count:
            distance *= 0.95
        points = np.concatenate([points, darts])
    return points[:count]


def unit_vectors(rng: np.random.Generator, count: int) -> Floats:
    """`count` x 3 directions, uniform on the sphere."""
    vectors = rng.normal(size=(count, 3))
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


def rotations_about_y(rng: np.random.Generator, count: int) -> Floats:
    """`count` x 4 unit quaternions (w, x, y, z) that turn about the depth axis by a uniform angle."""
    half = rng.uniform(0, np.pi, count)
    return np.stack([np.cos(half), np.zeros(count), np.sin(half), np.zeros(count)], axis=1)


def rotate(quaternions: Floats, vectors: Floats, inverse: bool = False) -> Floats:
    """Rotate n x 3 vectors by n x 4 unit quaternions (w, x, y, z), or back."""
    w, axis = quaternions[:, :1], quaternions[:, 1:]
    twice = 2 * np.cross(-axis if inverse else axis, vectors)
    return vectors + w * twice + np.cross(-axis if inverse else axis, twice)


def perpendicular(rng: np.random.Generator, directions: Floats) -> Floats:
    """A random unit vector at right angles to each of n x 3 directions; any direction where one is zero."""
    lengths = np.linalg.norm(directions, axis=1, keepdims=True)
    axes = directions / np.where(lengths > 0, lengths, 1)
    random = unit_vectors(rng, len(directions))
    across = random - axes * np.sum(random * axes, axis=1, keepdims=True)
    return across / np.linalg.norm(across, axis=1, keepdims=True)
