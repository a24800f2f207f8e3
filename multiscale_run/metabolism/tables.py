"""Reads a network from a folder of CSV tables and names file, row and column of whatever is wrong in them."""

from __future__ import annotations

import csv
import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from .network import Formula, Input, Network, NetworkError, Parameter, Role, Species, Term, nearest
from .parse import evaluate_constant, names_in

NETWORK_FOLDER = Path(__file__).with_name("network")
_CHANGES = ("based_on", "parameter", "rate_expression", "rate_multiplier")


@dataclass(frozen=True, slots=True)
class _Row:
    """A row of a table that knows where it stands."""

    file: str
    number: int
    cells: dict[str, str]

    def __getitem__(self, column: str) -> str:
        return self.cells[column]

    def error(self, column: str, problem: str) -> NetworkError:
        return NetworkError(f"{self.file}, row {self.number}, column {column}: {problem}")

    def number_in(self, column: str) -> float:
        try:
            value = float(self[column])
        except ValueError:
            raise self.error(column, f"{self[column]!r} is not a number") from None
        if not math.isfinite(value):
            raise self.error(column, f"{self[column]!r} must be finite")
        return value

    def member(self, column: str, allowed: Iterable[str], what: str) -> str:
        allowed = list(allowed)
        if self[column] not in allowed:
            raise self.error(column, f"unknown {what} {self[column]!r}{nearest(self[column], allowed)}")
        return self[column]

    def formula(self, column: str, known: Iterable[str]) -> str:
        try:
            used = names_in(self[column])
        except NetworkError as error:
            raise self.error(column, str(error)) from None
        for name in sorted(used.difference(known)):
            raise self.error(column, f"unknown name {name!r}{nearest(name, known)}")
        return self[column]


def load_network(
    variant: str = "standard", folder: Path | str | None = None, parameters: Mapping[str, float] | None = None
) -> Network:
    """Read the network of one variant.

    Args:
        variant: a name in ``variants.csv``; ``standard`` always exists.
        folder: folder of the tables; None takes the network that the package ships.
        parameters: values that replace those of the tables, by parameter id.

    Raises:
        NetworkError: a table is missing or wrong (with file, row and column), unknown variant or parameter.
    """
    source = NETWORK_FOLDER if folder is None else Path(folder)
    ids: set[str] = set()
    species = _species(source, ids)
    dynamic = [s.id for s in species if s.role is Role.DYNAMIC]
    values = {row["id"]: _parameter(row) for row in _named(source, "parameters", "id value unit", ids)}
    inputs = tuple(
        Input(row["id"], row["unit"], row.number_in("default"), row.cells.get("meaning", ""))
        for row in _named(source, "inputs", "id unit default", ids)
    )
    scalars = [*values, *(x.id for x in inputs)]
    known = set(ids)
    assignments = []
    for row in _named(source, "assignments", "id expression", ids):
        assignments.append(_formula(row, known))
        known.add(row["id"])
    rates = [_formula(row, known) for row in _named(source, "rates", "id expression", ids)]
    changes = _changes(source, variant, values, [r.id for r in rates])
    _replace_values(values, changes["parameter"], parameters or {})
    return Network(
        variant=variant,
        species=_with_initial_values(source, variant, species),
        parameters=tuple(values.values()),
        assignments=tuple(assignments),
        rates=_with_laws(rates, changes["rate_expression"], known),
        multipliers={name: _formula(row, scalars, "target") for name, row in changes["rate_multiplier"].items()},
        terms=_terms(source, dynamic, {r.id for r in rates}, known),
        inputs=inputs,
        held_at_rest=tuple(row.member("species", dynamic, "dynamic species") for row in _rest_rows(source)),
    )


def variants(folder: Path | str | None = None) -> tuple[str, ...]:
    """Names of the variants that a table folder offers, ``standard`` first."""
    rows = _rows(NETWORK_FOLDER if folder is None else Path(folder), "variants", "variant")
    return tuple(dict.fromkeys(["standard", *(row["variant"] for row in rows)]))


def _rows(folder: Path, table: str, columns: str, optional: bool = False) -> Iterator[_Row]:
    path = folder / f"{table}.csv"
    if optional and not path.exists():
        return
    try:
        with path.open(newline="", encoding="utf-8") as file:
            reader = csv.DictReader(file, restval="")
            missing = sorted(set(columns.split()).difference(reader.fieldnames or ()))
            if missing:
                raise NetworkError(f"{path.name}, row 1: no column {', '.join(missing)} in {path}")
            # line_num, because a quoted cell may span lines
            yield from (_Row(path.name, reader.line_num, dict(cells)) for cells in reader)
    except OSError as error:
        raise NetworkError(f"cannot read the network table {path}: {error.strerror}") from None


def _named(folder: Path, table: str, columns: str, ids: set[str]) -> Iterator[_Row]:
    """Rows of a table whose ids must be new valid names."""
    for row in _rows(folder, table, columns):
        if not row["id"].isidentifier():
            raise row.error("id", f"{row['id']!r} is not a valid name (letters, digits, underscore)")
        if row["id"] in ids:
            raise row.error("id", f"{row['id']!r} is already used by an earlier row or table")
        ids.add(row["id"])
        yield row


def _species(folder: Path, ids: set[str]) -> tuple[Species, ...]:
    found: dict[int, Species] = {}
    for row in _named(folder, "species", "id julia_index unit initial_value role", ids):
        slot = row.number_in("julia_index") - 1
        if slot != int(slot) or int(slot) in found:
            raise row.error("julia_index", f"{row['julia_index']!r} must be a whole number that no other row has")
        aliases = tuple(row.cells[c] for c in ("upstream_name", "glut1ds_name") if row.cells.get(c))
        found[int(slot)] = Species(
            id=row["id"],
            slot=int(slot),
            aliases=aliases,
            compartment=row.cells.get("compartment", ""),
            cell=row.cells.get("cell", ""),
            unit=row["unit"],
            initial_value=row.number_in("initial_value"),
            role=Role(row.member("role", list(Role), "role")),
        )
    if sorted(found) != list(range(len(found))):
        raise NetworkError(f"species.csv, column julia_index: the numbers must be 1 to {len(found)} without a gap")
    return tuple(found[slot] for slot in sorted(found))


def _parameter(row: _Row) -> Parameter:
    return Parameter(
        row["id"], row.number_in("value"), row["unit"], row.cells.get("group", ""), row.cells.get("note", "")
    )


def _formula(row: _Row, known: Iterable[str], id_column: str = "id") -> Formula:
    return Formula(
        id=row[id_column],
        expression=row.formula("expression", known),
        unit=row.cells.get("unit", ""),
        place=f"{row.file}, row {row.number}, column expression",
        pathway=row.cells.get("pathway", ""),
    )


def _replace_values(values: dict[str, Parameter], rows: Mapping[str, _Row], chosen: Mapping[str, float]) -> None:
    """Put the variant's values, then the caller's, in place of those of the parameter table."""
    for name, row in rows.items():
        row.formula("expression", ())
        values[name] = replace(values[name], value=evaluate_constant(row["expression"]))
    for name, value in chosen.items():
        if name not in values:
            raise NetworkError(f"unknown network parameter {name!r}{nearest(name, values)}")
        values[name] = replace(values[name], value=float(value))


def _with_laws(rates: Iterable[Formula], rows: Mapping[str, _Row], known: set[str]) -> tuple[Formula, ...]:
    """Rates with the laws that the variant replaces."""
    laws = {name: _formula(row, known, "target") for name, row in rows.items()}
    return tuple(
        replace(rate, expression=laws[rate.id].expression, place=laws[rate.id].place) if rate.id in laws else rate
        for rate in rates
    )


def _with_initial_values(folder: Path, variant: str, species: tuple[Species, ...]) -> tuple[Species, ...]:
    """Species with the initial values that a variant has of its own."""
    values = {s.id: s.initial_value for s in species}
    for row in _rows(folder, "initial_values", "variant species value", optional=True):
        if row["variant"] == variant:
            values[row.member("species", values, "species")] = row.number_in("value")
    return tuple(replace(s, initial_value=values[s.id]) for s in species)


def _rest_rows(folder: Path) -> Iterator[_Row]:
    return _rows(folder, "held_at_rest", "species", optional=True)


def _terms(folder: Path, dynamic: list[str], rates: set[str], known: set[str]) -> tuple[Term, ...]:
    terms = []
    for row in _rows(folder, "stoichiometry", "species rate coefficient"):
        row.member("species", dynamic, "dynamic species")
        row.member("rate", rates, "rate")
        place = f"{row.file}, row {row.number}, column coefficient"
        terms.append(Term(row["species"], row["rate"], row.formula("coefficient", known), place))
    return tuple(terms)


def _changes(folder: Path, variant: str, parameters: Iterable[str], rates: Iterable[str]) -> dict[str, dict[str, _Row]]:
    """The rows that a variant and those it is based on change: kind -> target -> row; the variant's own rows win."""
    known = {"based_on": variants(folder), "parameter": parameters, "rate_expression": rates, "rate_multiplier": rates}
    if variant not in known["based_on"]:
        raise NetworkError(f"unknown variant {variant!r}; known are {', '.join(known['based_on'])}")
    own: dict[str, dict[str, _Row]] = {kind: {} for kind in _CHANGES}
    for row in _rows(folder, "variants", "variant target_kind target expression"):
        if row["variant"] == variant:
            kind = row.member("target_kind", _CHANGES, "kind of change")
            target = row.member("target", known[kind], kind)
            if target in own[kind]:
                raise row.error("target", f"{target!r} already has a row of this kind in variant {variant!r}")
            own[kind][target] = row
    for base in own["based_on"]:
        inherited = _changes(folder, base, known["parameter"], rates)
        own = {kind: inherited[kind] | own[kind] for kind in _CHANGES}
    return own
