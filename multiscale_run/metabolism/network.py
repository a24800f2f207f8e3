"""The reaction network as data: species, parameters, rates, stoichiometry, inputs.

A :class:`Network` is what every engine, check and export works from. It is read from tables by
:func:`multiscale_run.metabolism.tables.load_network` and never changes afterwards.
"""

from __future__ import annotations

import difflib
import hashlib
from collections.abc import Collection, Iterable
from dataclasses import dataclass, replace
from enum import StrEnum
from functools import cached_property

import numpy as np

from mpi_coupling.world import UserError


class NetworkError(UserError):
    """A table of the network or a name that refers to it is wrong."""


class Role(StrEnum):
    """What a slot of the state vector is for."""

    DYNAMIC = "dynamic"
    CONSTANT = "constant"
    UNUSED = "unused"


@dataclass(frozen=True, slots=True)
class Species:
    """One slot of the state vector."""

    id: str
    slot: int
    aliases: tuple[str, ...]
    compartment: str
    cell: str
    unit: str
    initial_value: float
    role: Role


@dataclass(frozen=True, slots=True)
class Parameter:
    """A named constant of the rate laws."""

    id: str
    value: float
    unit: str
    group: str
    note: str


@dataclass(frozen=True, slots=True)
class Formula:
    """A named expression: an assignment or a rate law; `place` is the file and row it came from."""

    id: str
    expression: str
    unit: str
    place: str
    pathway: str = ""


@dataclass(frozen=True, slots=True)
class Term:
    """One contribution to an equation: d(species)/dt += coefficient * rate."""

    species: str
    rate: str
    coefficient: str
    place: str


@dataclass(frozen=True, slots=True)
class Input:
    """A quantity that the caller gives per cell and call."""

    id: str
    unit: str
    default: float
    meaning: str


@dataclass(frozen=True)
class Network:
    """A complete reaction network of one variant.

    Attributes:
        variant: name of the variant whose rows were applied.
        species: one entry per slot, in slot order.
        parameters: values after the variant's and the caller's replacements.
        assignments: algebraic quantities in order of evaluation.
        rates: rate laws.
        multipliers: rate id -> formula that scales the whole rate.
        terms: the stoichiometry.
        inputs: what the caller gives per cell, in column order.
        held_at_rest: ids of the dynamic species that a resting state is sought without: others balance them.
    """

    variant: str
    species: tuple[Species, ...]
    parameters: tuple[Parameter, ...]
    assignments: tuple[Formula, ...]
    rates: tuple[Formula, ...]
    multipliers: dict[str, Formula]
    terms: tuple[Term, ...]
    inputs: tuple[Input, ...]
    held_at_rest: tuple[str, ...] = ()

    @cached_property
    def dynamic_slots(self) -> np.ndarray:
        """Slots that have an equation, ascending, shape (n_dynamic,)."""
        return self._slots_of(Role.DYNAMIC)

    @cached_property
    def constant_slots(self) -> np.ndarray:
        """Slots that rates read and only the caller changes, ascending."""
        return self._slots_of(Role.CONSTANT)

    @cached_property
    def concentration_slots(self) -> np.ndarray:
        """Dynamic slots in mM: the ones that must not become negative."""
        return np.array([s.slot for s in self.species if s.role is Role.DYNAMIC and s.unit == "mM"], dtype=np.intp)

    @cached_property
    def _slot_by_name(self) -> dict[str, int]:
        names: dict[str, int] = {}
        for species in reversed(self.species):
            names.update(dict.fromkeys(species.aliases, species.slot))
        names.update({species.id: species.slot for species in self.species})
        return names

    @cached_property
    def content_key(self) -> str:
        """Hash of everything that decides the equations: changes when one table row changes."""
        # repr of frozen dataclasses of strings and floats is exact and stable
        text = repr(
            (self.species, self.parameters, self.assignments, self.rates, self.multipliers, self.terms, self.inputs)
        )
        return hashlib.sha256(text.encode()).hexdigest()

    def slot(self, name_or_number: str | int) -> int:
        """Position of a species in the state vector.

        Args:
            name_or_number: id of the species (``atp_c_n``), a name the original uses (``ATP_n``, ``K_out``), or the
                0-based slot itself, as a number or in digits.

        Raises:
            NetworkError: unknown name (with the nearest known ones) or number out of range.
        """
        return self._position(name_or_number, self._slot_by_name, len(self.species), "species")

    def input_index(self, name_or_number: str | int) -> int:
        """Column of an input in the inputs array, by id or 0-based number; raises like :meth:`slot`."""
        return self._position(name_or_number, {x.id: i for i, x in enumerate(self.inputs)}, len(self.inputs), "input")

    def initial_state(self, cells: int = 1) -> np.ndarray:
        """Resting state for a number of cells, shape (cells, n_species); mM, mV or 1 as the species table says."""
        return np.tile(np.array([s.initial_value for s in self.species]), (cells, 1))

    def default_inputs(self, cells: int = 1) -> np.ndarray:
        """Default inputs for a number of cells, shape (cells, n_inputs)."""
        return np.tile(np.array([x.default for x in self.inputs]), (cells, 1))

    def holding(self, held: Collection[str]) -> Network:
        """The same network with some dynamic species kept constant."""
        species = tuple(replace(s, role=Role.CONSTANT) if s.id in held else s for s in self.species)
        return replace(self, species=species, terms=tuple(t for t in self.terms if t.species not in held))

    def _slots_of(self, role: Role) -> np.ndarray:
        return np.array([s.slot for s in self.species if s.role is role], dtype=np.intp)

    def _position(self, name_or_number: str | int, names: dict[str, int], count: int, kind: str) -> int:
        text = str(name_or_number)
        if text in names:
            return names[text]
        if text.lstrip("-").isdigit():
            if 0 <= int(text) < count:
                return int(text)
            raise NetworkError(f"{kind} number {text} is out of range: the network has numbers 0 to {count - 1}")
        raise NetworkError(f"unknown {kind} {text!r}{nearest(text, names)}")


def nearest(name: str, known: Iterable[str]) -> str:
    """``; did you mean ...?`` for the known names closest to a wrong one, or an empty string."""
    folded = {k.lower(): k for k in known}
    close = difflib.get_close_matches(name.lower(), folded, n=3, cutoff=0.6)
    return f"; did you mean {', '.join(folded[c] for c in close)}?" if close else ""
