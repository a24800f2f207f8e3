"""Sensors and their lead fields: the signal of each sensor per activity of each region.

Lengths are in mm. Potentials of dipoles have The Virtual Brain's scale: regions are dipoles of moment 1 along their
orientation, so signals are in arbitrary units.
"""

from __future__ import annotations

import bz2
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mpi_coupling.failure import UserError
from tvb_nest.tvb_side.monitors import region_gain

SPHERE = 1.05125
"""Radius of the conducting sphere, in distances of the outermost source from the centre, as in The Virtual Brain."""


@dataclass(frozen=True, eq=False)
class Sensors:
    """Where signals are recorded.

    Attributes:
        labels: names of the sensors, all different.
        positions: where they are [mm], shape (sensors, 3).
    """

    labels: tuple[str, ...]
    positions: NDArray[np.float64]

    def only(self, chosen: NDArray[np.bool_]) -> Sensors:
        """Some of them."""
        labels = tuple(label for label, keep in zip(self.labels, chosen, strict=True) if keep)
        return Sensors(labels, self.positions[chosen])


def read_sensors(path: Path) -> Sensors:
    """Read a sensor file of The Virtual Brain: ``label x y z`` on each line, or ``x y z``; text, or packed by bzip2.

    Raises:
        UserError: the file cannot be read, a line does not hold a position, or two sensors have the same label.
    """
    labels, positions = [], []
    for number, line in enumerate(_text(path).splitlines(), 1):
        words = line.partition("#")[0].replace(",", " ").split()
        if not words:
            continue
        label, numbers = (str(len(labels) + 1), words) if len(words) == 3 else (words[0], words[1:4])
        labels.append(label)
        positions.append(_position(path, number, numbers))
    if not labels:
        raise UserError(f"{path}: holds no sensors; write a line `label x y z` (mm) for each")
    equal = sorted({label for label in labels if labels.count(label) > 1})
    if equal:
        raise UserError(f"{path}: several sensors have the label {', '.join(equal)}; give each its own")
    return Sensors(tuple(labels), np.array(positions))


def by_distance(sensors: Sensors, centres: NDArray[np.float64]) -> NDArray[np.float64]:
    """1 / distance of each region from each sensor [1/mm], shape (sensors, regions); as in the project TVB-NEST.

    Raises:
        UserError: a sensor lies at the centre of a region.
    """
    return 1.0 / _distances(_between(sensors.positions, centres), sensors)


def of_dipoles(
    sensors: Sensors, centres: NDArray[np.float64], orientations: NDArray[np.float64], conductivity: float = 1.0
) -> NDArray[np.float64]:
    """Potential of dipoles in an unbounded medium: Q . a / (4 pi sigma |a|^3), a from the source to the sensor.

    Args:
        sensors: n of them.
        centres: of the regions, shape (regions, 3).
        orientations: dipole moments, shape (regions, 3).
        conductivity: sigma.

    Returns:
        Shape (sensors, regions).

    Raises:
        UserError: a sensor lies at the centre of a region.

    Source: Sarvas, Phys Med Biol 32:11 (1987), doi 10.1088/0031-9155/32/1/004, equation 12.
    """
    away = _between(sensors.positions, centres)
    moments = np.einsum("srk,rk->sr", away, orientations)
    return moments / _distances(away, sensors) ** 3 / (4.0 * np.pi * conductivity)


def in_a_sphere(
    sensors: Sensors, centres: NDArray[np.float64], orientations: NDArray[np.float64], conductivity: float = 1.0
) -> NDArray[np.float64]:
    """As `of_dipoles`, with the sensors moved along their direction onto a sphere round the sources.

    This is The Virtual Brain's EEG without a projection file: directions count from the origin of the sensors.

    Raises:
        UserError: a sensor has no direction, being at the origin.
    """
    lengths = np.linalg.norm(sensors.positions, axis=1)
    if not lengths.all():
        label = sensors.labels[int(np.argmin(lengths))]
        raise UserError(f"sensor {label} is at 0 0 0: it has no direction in which the scalp could lie")
    middle = centres.mean(axis=0)
    radius = SPHERE * np.linalg.norm(centres - middle, axis=1).max()
    on_sphere = sensors.positions / lengths[:, None] * radius + middle
    return of_dipoles(Sensors(sensors.labels, on_sphere), centres, orientations, conductivity)


def of_surface(projection: Path, mapping: Path, n_regions: int) -> NDArray[np.float64]:
    """The lead field of regions from that of the vertices of a cortical surface, shape (sensors, regions).

    Args:
        projection: gain of each vertex, shape (sensors, vertices); .npy, or .mat with ``ProjectionMatrix``.
        mapping: the region of each vertex, text.
        n_regions: number of regions.

    Raises:
        UserError: a file cannot be read, or they do not fit together.
    """
    gain, regions = _projection(projection), _mapping(mapping)
    if regions.max(initial=-1) + 1 != n_regions:
        raise UserError(
            f"{mapping}: has {regions.max(initial=-1) + 1} regions, the connectome {n_regions}: name the mapping of "
            'this connectome, or use lead_field "sphere"'
        )
    if gain.shape[1:] != regions.shape:
        raise UserError(f"{projection}: is for {gain.shape[-1]} vertices, but {mapping} for {len(regions)}")
    return region_gain(gain, regions, n_regions)


def _text(path: Path) -> str:
    try:
        content = path.read_bytes()
        content = bz2.decompress(content) if path.name.endswith(".bz2") else content
        return content.decode("utf-8", errors="replace")
    except (OSError, ValueError, EOFError) as error:  # the latter two: a damaged bzip2 file
        raise UserError(f"{path}: cannot be read: {getattr(error, 'strerror', None) or error}") from None


def _position(path: Path, number: int, words: list[str]) -> list[float]:
    try:
        position = [float(word) for word in words]
    except ValueError:
        position = []
    if len(position) != 3 or not np.isfinite(position).all():
        shown = " ".join(words)
        raise UserError(f"{path}, line {number}: {shown!r} is no position: write `label x y z`, in mm")
    return position


def _between(positions: NDArray[np.float64], centres: NDArray[np.float64]) -> NDArray[np.float64]:
    """Vectors from each centre to each sensor, shape (sensors, regions, 3)."""
    return positions[:, None] - centres[None]


def _distances(away: NDArray[np.float64], sensors: Sensors) -> NDArray[np.float64]:
    distances: NDArray[np.float64] = np.linalg.norm(away, axis=2)
    if not distances.all():
        sensor, region = np.argwhere(distances == 0)[0]
        raise UserError(f"sensor {sensors.labels[sensor]} is at the centre of region {region}: its signal is infinite")
    return distances


def _projection(path: Path) -> NDArray[np.float64]:
    try:
        if path.suffix == ".mat":
            from scipy.io import loadmat

            gain = loadmat(path)["ProjectionMatrix"]
        else:
            gain = np.load(path)
        gain = np.asarray(gain, dtype=np.float64)
    except (OSError, EOFError, ValueError, KeyError, NotImplementedError) as error:
        raise UserError(f"{path}: holds no gain matrix (.npy, or .mat with ProjectionMatrix): {error}") from None
    if gain.ndim != 2:
        raise UserError(f"{path}: has shape {gain.shape}, must be (sensors, vertices)")
    return gain


def _mapping(path: Path) -> NDArray[np.int64]:
    try:
        return np.array(_text(path).split(), dtype=np.float64).astype(np.int64)
    except ValueError as error:
        raise UserError(f"{path}: must hold the number of the region of each vertex: {error}") from None
