"""Writes a network as a folder of tables that `load_network` reads."""

from __future__ import annotations

import csv
from collections.abc import Iterable
from pathlib import Path

from ..network import Network, NetworkError

_Rows = tuple[str, Iterable[tuple[object, ...]]]


def write_tables(network: Network, folder: Path | str) -> tuple[Path, ...]:
    """Write a network as tables; ``load_network(folder=folder)`` gives the same network back, number by number.

    What its variant changed is part of the tables: the new folder has the one variant ``standard``.

    Args:
        network: what to write.
        folder: where the tables go; it is created, and must not hold such tables yet.

    Returns:
        The files.

    Raises:
        NetworkError: the folder holds tables already or cannot be written.
    """
    target = Path(folder)
    files = {target / f"{name}.csv": table for name, table in _tables(network).items()}
    for path in files:
        if path.exists():
            raise NetworkError(f"{path} exists already: name a new folder for the tables of the network")
    try:
        target.mkdir(parents=True, exist_ok=True)
        for path, (columns, rows) in files.items():
            _write(path, columns.split(), rows)
    except OSError as error:
        raise NetworkError(f"cannot write the network tables to {target}: {error.strerror}") from None
    return tuple(files)


def _tables(network: Network) -> dict[str, _Rows]:
    """Columns and rows of each table; floats are written by repr, which reads back as the same number."""
    return {
        "species": (
            "id upstream_name glut1ds_name julia_index compartment cell unit initial_value role",
            (
                (s.id, *_two(s.aliases), s.slot + 1, s.compartment, s.cell, s.unit, repr(s.initial_value), s.role)
                for s in network.species
            ),
        ),
        "parameters": (
            "id value unit group note",
            ((p.id, repr(p.value), p.unit, p.group, p.note) for p in network.parameters),
        ),
        "inputs": ("id unit default meaning", ((x.id, x.unit, repr(x.default), x.meaning) for x in network.inputs)),
        "assignments": ("id expression unit", ((a.id, a.expression, a.unit) for a in network.assignments)),
        "rates": ("id pathway expression unit", ((r.id, r.pathway, r.expression, r.unit) for r in network.rates)),
        "stoichiometry": ("species rate coefficient", ((t.species, t.rate, t.coefficient) for t in network.terms)),
        "variants": (
            "variant target_kind target expression",
            (("standard", "rate_multiplier", name, m.expression) for name, m in network.multipliers.items()),
        ),
        "held_at_rest": ("species", ((name,) for name in network.held_at_rest)),
    }


def _two(names: tuple[str, ...]) -> tuple[str, str]:
    """The two columns of other names that the species table has."""
    first, second, *_ = (*names, "", "")
    return first, second


def _write(path: Path, columns: list[str], rows: Iterable[tuple[object, ...]]) -> None:
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(columns)
        writer.writerows(rows)
