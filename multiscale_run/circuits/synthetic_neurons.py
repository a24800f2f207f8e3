"""Synthetic neurons: branched, tapering, seeded trees described in `data/morphology_kinds.toml`."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from .space import Floats, perpendicular, unit_vectors
from .swc import SOMA, TYPE_NAMES, SwcTree

_POINT_SPACING_UM = 10.0
_TAPER = 0.85  # diameter at the end of a section over that at its start
_SMALLEST_DIAMETER_UM = 0.4
_WIGGLE = 0.12  # standard deviation of a change of direction per point
_OBLIQUE_SHARE = 0.35  # of the cross section, in the sense of the 3/2 power


@dataclass(frozen=True)
class _Tip:
    """Where a section ended: its point, position, direction and diameter."""

    point: int
    position: Floats
    direction: Floats
    diameter: float


def grow_neuron(rng: np.random.Generator, kind: dict[str, Any]) -> SwcTree:
    """Grow one neuron of a kind of the table.

    Diameters follow Rall's 3/2 power law at branchings (Rall 1959, Exp Neurol 1:491).
    """
    tree = SwcTree()
    radius = kind["soma_radius"]
    tree.add(SOMA, np.zeros(3), radius, -1)
    for parameters in kind["trees"]:
        for direction in _stem_directions(rng, parameters):
            start = _Tip(0, direction * radius, direction, parameters["diameter"])
            _grow(rng, tree, parameters, start, parameters["trunk_sections"], parameters["orders"])
    return tree


def _stem_directions(rng: np.random.Generator, parameters: dict[str, Any]) -> Floats:
    """Directions of the stems, evenly round the axis of the tree so that they do not bundle."""
    count, spread = parameters["stems"], parameters["spread"]
    angles = rng.uniform(0, 2 * np.pi) + 2 * np.pi * np.arange(count) / count
    around = np.stack([np.cos(angles), rng.uniform(-0.5, 0.5, count), np.sin(angles)], axis=1)
    directions = np.asarray(parameters["direction"]) + spread * around
    return directions / np.linalg.norm(directions, axis=1, keepdims=True)


def _grow(
    rng: np.random.Generator, tree: SwcTree, parameters: dict[str, Any], start: _Tip, trunk: int, orders: int
) -> None:
    tip = _grow_section(rng, tree, parameters, start)
    angle = np.deg2rad(parameters["branch_angle"])
    across = perpendicular(rng, tip.direction[None])[0]
    if trunk > 1:
        oblique = tip.diameter * _OBLIQUE_SHARE ** (2 / 3)
        onward = tip.diameter * (1 - _OBLIQUE_SHARE) ** (2 / 3)
        _grow(rng, tree, parameters, _turned(tip, across, 0.2 * angle, onward), trunk - 1, orders)
        _grow(rng, tree, parameters, _turned(tip, -across, 1.5 * angle, oblique), 1, 0)
    elif orders > 0:
        daughter = tip.diameter * 0.5 ** (2 / 3)
        for side in (across, -across):
            _grow(rng, tree, parameters, _turned(tip, side, angle, daughter), 1, orders - 1)


def _turned(tip: _Tip, across: Floats, angle: float, diameter: float) -> _Tip:
    return _Tip(tip.point, tip.position, np.cos(angle) * tip.direction + np.sin(angle) * across, diameter)


def _grow_section(rng: np.random.Generator, tree: SwcTree, parameters: dict[str, Any], start: _Tip) -> _Tip:
    mean = parameters["section_length"]
    length = np.clip(rng.normal(mean, parameters["length_sd"]), 0.5 * mean, 1.5 * mean)
    steps = max(2, round(length / _POINT_SPACING_UM))
    diameters = np.maximum(start.diameter * np.linspace(1, _TAPER, steps + 1), _SMALLEST_DIAMETER_UM)
    swc_type = TYPE_NAMES[parameters["type"]]
    point, position, direction = start.point, start.position, start.direction
    if point == 0:  # a stem starts on the surface of the soma
        point = tree.add(swc_type, position, diameters[0] / 2, 0)
    for diameter in diameters[1:]:
        direction = direction + _WIGGLE * unit_vectors(rng, 1)[0]
        direction = direction / np.linalg.norm(direction)
        position = position + direction * length / steps
        point = tree.add(swc_type, position, diameter / 2, point)
    return _Tip(point, position, direction, float(diameters[-1]))
