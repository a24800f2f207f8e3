"""What the mechanisms of a rank's NEURON model hold: all RANGE variables, and where their random streams are."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import numpy as np

ALL, PARAMETER, ASSIGNED, STATE = range(4)
"""What ``MechanismStandard`` calls the kinds of RANGE variables; pointers and RANDOMs are in ALL only."""

GEOMETRY = "morphology"
"""NEURON counts the diameter as a mechanism; writing it would make NEURON compute all areas anew."""


@dataclass(frozen=True)
class Mechanism:
    """A mechanism that is in use here.

    Attributes:
        name: NEURON's name of it.
        owners: its segments or point processes, always in the same order.
        variables: names and lengths of its RANGE variables, by kind.
        others: names of its pointers and RANDOMs.
    """

    name: str
    owners: Sequence[Any]
    variables: dict[int, dict[str, int]]
    others: list[str]


def mechanisms(h: Any) -> Iterator[Mechanism]:
    """Every mechanism in use on this rank, always in the same order."""
    sections, name = list(h.allsec()), h.ref("")
    for is_point in (False, True):
        types = h.MechanismType(is_point)
        for number in range(int(types.count())):
            types.select(number)
            types.selected(name)
            if is_point:
                owners = list(h.List(name[0]))
            else:
                owners = [segment for section in sections if section.has_membrane(name[0]) for segment in section]
            if owners and name[0] != GEOMETRY:
                yield _mechanism(h, name[0], owners)


def range_values(h: Any) -> np.ndarray:
    """The RANGE variables of all mechanisms, in one row."""
    return np.fromiter(_read(h), dtype=float)


def set_range_values(h: Any, values: np.ndarray) -> None:
    """Set what :func:`range_values` reads."""
    remaining = iter(values.tolist())
    for buffer, names, owner in _buffers(h):
        for name, i in names:
            buffer.set(name, next(remaining), i)
        buffer.out(owner)


def random_streams(h: Any) -> Iterator[Any]:
    """Every RANDOM of every mechanism."""
    for mechanism in mechanisms(h):
        for name in mechanism.others:
            for owner in mechanism.owners:
                with suppress(AttributeError, ValueError):  # a pointer to nowhere
                    value = getattr(owner, name)
                    if hasattr(value, "set_seq"):
                        yield value


def _read(h: Any) -> Iterator[float]:
    for buffer, names, owner in _buffers(h):
        buffer._in(owner)
        for name, i in names:
            yield buffer.get(name, i)


def _buffers(h: Any) -> Iterator[tuple[Any, list[tuple[str, int]], Any]]:
    """For each owner of each mechanism a buffer of NEURON for its values, the names in it, and the owner.

    Pointers must not be copied, so where there are some, each kind has a buffer of its own. Elsewhere one is for all,
    because NEURON calls the currents of ions STATEs but does not copy them as such.
    """
    for mechanism in mechanisms(h):
        for kind in (PARAMETER, ASSIGNED, STATE) if mechanism.others else (ALL,):
            names = [(name, i) for name, length in mechanism.variables[kind].items() for i in range(length)]
            buffer = h.MechanismStandard(mechanism.name, kind)
            for owner in mechanism.owners if names else ():
                yield buffer, names, owner


def _mechanism(h: Any, name: str, owners: Sequence[Any]) -> Mechanism:
    variables = {kind: _names(h, name, kind) for kind in (ALL, PARAMETER, ASSIGNED, STATE)}
    values = variables[PARAMETER] | variables[ASSIGNED] | variables[STATE]
    return Mechanism(name, owners, variables, sorted(variables[ALL].keys() - values))


def _names(h: Any, mechanism: str, kind: int) -> dict[str, int]:
    standard, name, lengths = h.MechanismStandard(mechanism, kind), h.ref(""), {}
    for number in range(int(standard.count())):
        length = int(standard.name(name, number))
        lengths[name[0]] = length
    return lengths
