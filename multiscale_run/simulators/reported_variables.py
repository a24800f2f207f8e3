"""What SONATA reports name: range variables, variables of mechanisms, and those of point processes such as clamps."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import Any

import numpy as np

from multiscale_run.simulators.segments import PointVariable, RangeVariable, SegmentTable

DENSITY = "mA/cm2"
"""NEURON's unit of the variables whose sum over a membrane is a current."""

NANOAMPERE = 1e-2
"""mA/cm2 * um2 -> nA."""

CURRENT = "i"
"""The variable of a point process that is named without one."""

CLAMPS = {"IClamp": ("IClamp", "MembraneCurrentSource"), "SEClamp": ("SEClamp", "ConductanceSource")}
"""Electrode -> the point processes that inject its current: NEURON's own, and neurodamus' for the same inputs."""


class ReportedVariable:
    """One or several variables added up, in every segment.

    Args:
        segments: all segments of the rank.
        h: NEURON's hoc interface.
        names: as SONATA has them, separated by commas: ``v``, ``ina``, ``nakpump.ipump``, ``IClamp``.

    Attributes:
        present: whether a segment has any of them, shape (segments,).
        is_known: whether NEURON knows all of them, be it that no segment of this rank has one.
    """

    def __init__(self, segments: SegmentTable, h: Any, names: str) -> None:
        self._membrane = NANOAMPERE * segments.area
        self._parts = [_find(segments, h, name.strip()) for name in names.split(",")]
        self.present = np.any([variable.present for _, part in self._parts for variable in part], axis=0)
        self.is_known = all(
            any(v.present.any() or isinstance(v, PointVariable) for v in part) for _, part in self._parts
        )

    def read(self) -> np.ndarray:
        """The variable as it is, shape (segments,)."""
        return self._sum(1.0)

    def amounts(self) -> np.ndarray:
        """As :meth:`read`, current densities multiplied by their membrane: nA, shape (segments,)."""
        return self._sum(self._membrane)

    def _sum(self, density_scale: float | np.ndarray) -> np.ndarray:
        read = (v.read() * density_scale if is_density else v.read() for is_density, part in self._parts for v in part)
        return functools.reduce(np.add, read)


def _find(segments: SegmentTable, h: Any, name: str) -> tuple[bool, Sequence[RangeVariable | PointVariable]]:
    """Whether a variable is a current density, and the variables of NEURON that it stands for."""
    mechanism, _, variable = name.partition(".")
    in_neuron = f"{variable}_{mechanism}" if variable else mechanism
    points = [point for point in CLAMPS.get(mechanism, (mechanism,)) if _is_point_process(h, point)]
    if points:
        # the current that an electrode injects is positive, that through a membrane is negative when it enters
        signs = [-1.0 if point in CLAMPS else 1.0 for point in points]
        named = zip(points, signs, strict=True)
        return False, [segments.point_variable(point, variable or CURRENT, sign) for point, sign in named]
    found = segments.variable(in_neuron)
    # NEURON ends the whole job when it is asked for the unit of a name that it does not know
    return bool(found.present.any()) and h.units(in_neuron) == DENSITY, [found]


def _is_point_process(h: Any, name: str) -> bool:
    types, known = h.MechanismType(1), h.ref("")
    for number in range(int(types.count())):
        types.select(number)
        types.selected(known)
        if known[0] == name:
            return True
    return False
