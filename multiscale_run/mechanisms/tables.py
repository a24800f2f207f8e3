"""The tables that describe our neurons: membrane of each electrical type, concentrations at the start."""

import csv
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from mpi_coupling.world import UserError

_FOLDER = Path(__file__).parent

REGIONS = ("soma", "axon", "basal", "apical")


@dataclass(frozen=True)
class MembraneEntry:
    """One row of electrical_types.csv: a parameter of a mechanism in a region ('all' stands for every region).

    The pseudo-mechanism `cable` holds the section's own properties, cm [uF/cm2] and Ra [ohm cm].
    """

    region: str
    mechanism: str
    parameter: str
    value: float


@dataclass(frozen=True)
class Concentration:
    """Concentrations of an ion at initialisation, inside and outside [mM]."""

    ion: str
    inside: float
    outside: float


def _rows(name: str) -> list[dict[str, str]]:
    with (_FOLDER / name).open(newline="") as file:
        return list(csv.DictReader(file))


@cache
def membrane(electrical_type: str) -> tuple[MembraneEntry, ...]:
    """The membrane of an electrical type, in the order of the table.

    Raises:
        UserError: the table has no such electrical type.
    """
    rows = _rows("electrical_types.csv")
    entries = tuple(
        MembraneEntry(row["region"], row["mechanism"], row["parameter"], float(row["value"]))
        for row in rows
        if row["electrical_type"] == electrical_type
    )
    if not entries:
        known = ", ".join(sorted({row["electrical_type"] for row in rows}))
        raise UserError(f"electrical type {electrical_type!r} is not in electrical_types.csv; it has {known}")
    return entries


@cache
def electrical_types() -> tuple[str, ...]:
    """Names of all electrical types, each also the name of a hoc template."""
    return tuple(dict.fromkeys(row["electrical_type"] for row in _rows("electrical_types.csv")))


@cache
def initial_concentrations() -> tuple[Concentration, ...]:
    """Concentrations at initialisation.

    ATP and ADP are those of the metabolism network at rest, so that a coupled run starts balanced. Chloride inside is a
    formality: `ionpools` starts it at its passive distribution for v_init.
    """
    return tuple(
        Concentration(row["ion"], float(row["inside_mM"]), float(row["outside_mM"]))
        for row in _rows("initial_concentrations.csv")
    )
