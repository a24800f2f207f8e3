"""What an SBML model says, as plain data: variables, rules and reactions, with formulas of the tables."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Variable:
    """A species, parameter or compartment.

    Attributes:
        id: its name in formulas.
        kind: ``species``, ``parameter`` or ``compartment``.
        value: at the start, in the unit of the symbol (a concentration for most species); None when a formula gives it.
        unit: in the notation of the tables, empty when unknown.
        compartment: where a species is.
        label: the name that people read, empty without one.
        row: columns of the table row that an exported file carries (see `annotation`).
    """

    id: str
    kind: str
    value: float | None
    unit: str = ""
    compartment: str = ""
    label: str = ""
    row: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Reaction:
    """A rate law and what it changes: (species, coefficient) for every participant."""

    id: str
    law: str
    changes: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Contents:
    """A model in formulas of the tables.

    Attributes:
        file: name of the file, for messages.
        variables: everything that has a value, in the order of the file.
        starts: formulas of values at the start.
        assignments: formulas that hold at all times.
        rate_rules: formulas of time derivatives.
        reactions: the reactions.
        seconds: length of the model's unit of time.
        remarks: what the user should know, such as an assumption.
    """

    file: str
    variables: tuple[Variable, ...]
    starts: Mapping[str, str]
    assignments: Mapping[str, str]
    rate_rules: Mapping[str, str]
    reactions: tuple[Reaction, ...]
    seconds: float
    remarks: tuple[str, ...]
