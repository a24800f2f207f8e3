"""All segments of a rank's neurons as flat arrays, and bulk reading and writing of their range variables."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np


class RangeVariable:
    """One NEURON range variable in many segments, read and written in one call.

    ``PtrVector.gather`` costs about 5 ns per segment where a loop over attributes costs 1000.

    Args:
        h: NEURON's hoc interface.
        name: range variable, such as ``nai`` or ``ipump_nakpump``.
        segments: the segments, in the order of the arrays.

    Attributes:
        present: whether each segment has the variable, shape (segments,); others read as 0 and ignore writes.
    """

    def __init__(self, h: Any, name: str, segments: Sequence[Any]) -> None:
        references = [getattr(segment, f"_ref_{name}", None) for segment in segments]
        self.present = np.array([reference is not None for reference in references], dtype=bool)
        found = [reference for reference in references if reference is not None]
        self._is_everywhere = len(found) == len(segments)
        self._pointers = h.PtrVector(max(len(found), 1))
        for i, reference in enumerate(found):
            self._pointers.pset(i, reference)
        self._buffer = h.Vector(len(found))
        self._view = self._buffer.as_numpy()

    def read(self) -> np.ndarray:
        """A copy of the present values, shape (segments,)."""
        if len(self._view):
            self._pointers.gather(self._buffer)
        if self._is_everywhere:
            return self._view.copy()
        values = np.zeros(len(self.present))
        values[self.present] = self._view
        return values

    def write(self, values: np.ndarray) -> None:
        """Set the variable in every segment that has it; values has shape (segments,)."""
        if len(self._view):
            self._view[:] = values if self._is_everywhere else values[self.present]
            self._pointers.scatter(self._buffer)


class PointVariable:
    """A variable of all point processes of one kind, added up in the segments that they sit in.

    Args:
        h: NEURON's hoc interface.
        mechanism: the kind, such as ``IClamp``.
        name: the variable, such as ``i``.
        sign: factor on the values.
        segments: the segments, in the order of the arrays.

    Attributes:
        present: whether each segment has such a point process with that variable, shape (segments,).
    """

    def __init__(self, h: Any, mechanism: str, name: str, sign: float, segments: Sequence[Any]) -> None:
        found = [
            (place, getattr(process, f"_ref_{name}"))
            for place, segment in enumerate(segments)
            for process in segment.point_processes()
            if process.hname().partition("[")[0] == mechanism and hasattr(process, name)
        ]
        self._sign = sign
        self._places = np.array([place for place, _ in found], dtype=np.int64)
        self._pointers = h.PtrVector(max(len(found), 1))
        for i, (_, reference) in enumerate(found):
            self._pointers.pset(i, reference)
        self._buffer = h.Vector(len(found))
        self.present = np.bincount(self._places, minlength=len(segments)) > 0

    def read(self) -> np.ndarray:
        """The sum in every segment at this instant, shape (segments,)."""
        if len(self._places):
            self._pointers.gather(self._buffer)
        return self._sign * np.bincount(self._places, self._buffer.as_numpy(), minlength=len(self.present))


class SegmentTable:
    """The segments of a rank's neurons in one order: by neuron, section, position.

    Args:
        h: NEURON's hoc interface.
        cells: neurodamus cells of this rank.

    Attributes:
        owner: local index of each segment's neuron, shape (segments,).
        section_ids: SONATA section id of each segment, shape (segments,).
        sections: name of each segment's section list (soma, axon, dend, apic), shape (segments,).
        is_centre: whether it is the middle one of its section, shape (segments,).
        diameter: diameter in um, shape (segments,).
        area: membrane area in um2, shape (segments,).
        volume: volume in um3, shape (segments,), of the cylinder that the ion pools assume, so that mass balances.
    """

    def __init__(self, h: Any, cells: Sequence[Any]) -> None:
        self._h = h
        self.segments: list[Any] = []
        owner, section_ids, kinds, is_centre = [], [], [], []
        for index, cell in enumerate(cells):
            for section in cell.CellRef.all:
                kind = section.name().rsplit(".", 1)[-1].split("[")[0]
                section_id = cell.get_section_id(section)
                for position, segment in enumerate(section):
                    self.segments.append(segment)
                    is_centre.append(position == section.nseg // 2)
                    owner.append(index)
                    section_ids.append(section_id)
                    kinds.append(kind)
        self.owner = np.array(owner, dtype=np.int64)
        self.section_ids = np.array(section_ids, dtype=np.int64)
        self.sections = np.array(kinds, dtype=object)
        self.is_centre = np.array(is_centre, dtype=bool)
        self.diameter = np.array([segment.diam for segment in self.segments], dtype=float)
        self.area = np.array([segment.area() for segment in self.segments], dtype=float)
        self.volume = self.area * self.diameter / 4
        self._variables: dict[str, RangeVariable] = {}
        self._point_variables: dict[tuple[str, str], PointVariable] = {}

    def __len__(self) -> int:
        return len(self.segments)

    def variable(self, name: str) -> RangeVariable:
        """The named range variable; the pointers are collected the first time (6 us per segment)."""
        if name not in self._variables:
            self._variables[name] = RangeVariable(self._h, name, self.segments)
        return self._variables[name]

    def point_variable(self, mechanism: str, name: str, sign: float = 1.0) -> PointVariable:
        """A variable of all point processes of a kind; see :class:`PointVariable`."""
        key = mechanism, name
        if key not in self._point_variables:
            self._point_variables[key] = PointVariable(self._h, mechanism, name, sign, self.segments)
        return self._point_variables[key]
