"""The population of astrocytes: positions, microdomains and morphologies."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from morphio import Morphology

from . import tables
from .microdomains import Microdomains
from .segments import Ints, SegmentTable
from .sonata import components, create_file, write_nodes
from .space import Floats, blue_noise, perpendicular, rotate, rotations_about_y, stream, unit_vectors
from .specification import CircuitSpec
from .swc import BASAL

POPULATION = "astrocytes"
_CONTOUR_POINTS = 12
_FAMILY_NEURON = 0  # glial section types of MorphIO are not known to neurodamus


@dataclass(frozen=True)
class Astrocytes:
    """All astrocytes of a circuit.

    Attributes:
        positions: n x 3 somata in um.
        orientations: n x 4 quaternions (w, x, y, z).
        morphology: index into `names` and `segments`.
        names: morphology files without suffix.
        segments: the segments of the morphologies.
        microdomains: the territories.
    """

    positions: Floats
    orientations: Floats
    morphology: Ints
    names: list[str]
    segments: SegmentTable
    microdomains: Microdomains

    def __len__(self) -> int:
        return len(self.positions)

    def to_local(self, astrocytes: Ints, points: Floats) -> Floats:
        """Global points in the frame of the given astrocytes."""
        return rotate(self.orientations[astrocytes], points - self.positions[astrocytes], inverse=True)

    def to_global(self, astrocytes: Ints, points: Floats) -> Floats:
        """Points in the frame of the given astrocytes as global ones."""
        return self.positions[astrocytes] + rotate(self.orientations[astrocytes], points)


def place_astrocytes(spec: CircuitSpec, folder: Path) -> Astrocytes:
    """Place astrocytes apart from each other, divide the cube among them and write their H5 morphologies.

    Args:
        spec: the circuit.
        folder: where the morphologies go.
    """
    table = tables.read_toml("glia")
    count, size = spec.astrocyte_count, spec.edge_um
    rng = stream(spec.seed, "astrocytes")
    positions = blue_noise(rng, count, np.zeros(3), np.full(3, size), table["placement"]["relative_distance"])
    shape = table["morphology"]
    mean_radius = size * (3 / (4 * np.pi * count)) ** (1 / 3)
    reach = min(shape["reach"] * mean_radius, shape["longest_reach_um"])
    names = [f"astrocyte_{number}" for number in range(shape["variants"])]
    for name in names:
        _write_morphology(folder / f"{name}.h5", stream(spec.seed, "morphology", name), shape, reach)
    segments = SegmentTable.of([Morphology(folder / f"{name}.h5") for name in names])
    morphology = rng.permutation(count) % len(names)
    domains = Microdomains.of(positions, np.zeros(3), np.full(3, size))
    return Astrocytes(positions, rotations_about_y(rng, count), morphology, names, segments, domains)


def write_astrocytes(path: Path, astrocytes: Astrocytes) -> None:
    """Write the nodes file."""
    attributes: dict[str, Any] = {
        **components("", astrocytes.positions),
        **components("orientation_", astrocytes.orientations, "wxyz"),
        "radius": astrocytes.segments.radius[astrocytes.segments.first[astrocytes.morphology]],
        "model_type": "astrocyte",
        "model_template": "hoc:astrocyte",
        "morphology": [astrocytes.names[index] for index in astrocytes.morphology],
        "mtype": "GLIA_PROTOPLASMIC",
    }
    write_nodes(path, POPULATION, len(astrocytes), attributes)


def _write_morphology(path: Path, rng: np.random.Generator, shape: dict[str, Any], reach: float) -> None:
    """Write a star of processes, each branching once, in the H5 v1.1 format.

    The soma is a contour: MorphIO refuses a single point in H5. Sections are straight: neurodamus gives each one
    compartment.
    """
    angle = 2 * np.pi * np.arange(_CONTOUR_POINTS) / _CONTOUR_POINTS
    radius, diameter = shape["soma_radius"], shape["process_diameter"]
    contour = np.stack([np.cos(angle), np.sin(angle), 0 * angle], axis=1) * radius
    points = [np.column_stack([contour, np.zeros(_CONTOUR_POINTS)])]
    structure = [(0, 1, -1)]

    def add_section(start: Floats, end: Floats, widths: tuple[float, float], parent: int) -> int:
        structure.append((sum(map(len, points)), BASAL, parent))
        points.append(np.linspace([*start, widths[0]], [*end, widths[1]], 3))
        return len(structure) - 1

    directions = _spread_directions(rng, shape["stems"])
    for direction in directions:
        fork = direction * (radius + 0.45 * (reach - radius))
        stem = add_section(direction * radius, fork, (diameter, 0.8 * diameter), 0)
        side = perpendicular(rng, direction[None])[0]
        for turn in np.linspace(-0.6, 0.6, shape["branches"]):
            tip = fork + (reach - np.linalg.norm(fork)) * (np.cos(turn) * direction + np.sin(turn) * side)
            add_section(fork, tip, (0.6 * diameter, 0.3 * diameter), stem)
    with create_file(path) as file:
        file["points"] = np.concatenate(points).astype("f4")
        file["structure"] = np.array(structure, "i4")
        metadata = file.create_group("metadata")
        metadata.attrs["version"] = np.array([1, 1], "u4")
        metadata.attrs["cell_family"] = np.array([_FAMILY_NEURON], "u4")


def _spread_directions(rng: np.random.Generator, count: int) -> Floats:
    """Directions far from each other: each is the best of many candidates."""
    chosen = unit_vectors(rng, 1)
    while len(chosen) < count:
        candidates = unit_vectors(rng, 64)
        closest = (candidates @ chosen.T).max(axis=1)
        chosen = np.concatenate([chosen, candidates[[closest.argmin()]]])
    return chosen
