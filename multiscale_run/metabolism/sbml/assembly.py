"""Makes a network of the contents of an SBML model."""

from __future__ import annotations

import ast
import math
from collections.abc import Collection, Iterator

from ..network import Formula, Input, Network, NetworkError, Parameter, Role, Species, Term, nearest
from ..parse import names_in
from .contents import Contents, Variable
from .linear import NotLinear, linear_form
from .starts import in_order, start_values


class Assembly:
    """Builds one network.

    Attributes:
        problems: what the model lacks; the network is useless unless this is empty.
    """

    def __init__(self, contents: Contents, inputs: Collection[str]) -> None:
        self._contents = contents
        self._values, self.problems = start_values(contents)
        self._variables = {v.id: v for v in contents.variables}
        self._read = _names_read(contents)
        self._rate_names = _rates_among_assignments(contents)
        changed = {species for reaction in contents.reactions for species, _ in reaction.changes}
        self._dynamic = changed.union(contents.rate_rules)
        self._states = sorted(filter(self._is_state, contents.variables), key=_slot)
        fixed = [*filter(self._is_fixed, contents.variables)]
        chosen = self._inputs_among(fixed, inputs)
        self._inputs = [v for v in fixed if v.id in chosen]
        self._parameters = [v for v in fixed if v.id not in chosen]

    def network(self) -> Network:
        """The network, as variant ``standard``."""
        rates, terms = self._rates_and_terms()
        order, _ = in_order(self._contents.assignments)
        return Network(
            variant="standard",
            species=tuple(self._species(v, slot) for slot, v in enumerate(self._states)),
            parameters=tuple(
                Parameter(v.id, self._value(v), v.unit, v.row.get("group", ""), v.row.get("note", v.label))
                for v in self._parameters
            ),
            assignments=tuple(
                self._formula(name, self._contents.assignments[name], "assignment rule")
                for name in order
                if name not in self._rate_names
            ),
            rates=tuple(rates),
            multipliers={},
            terms=tuple(terms),
            inputs=tuple(Input(v.id, v.unit, self._value(v), v.row.get("meaning", v.label)) for v in self._inputs),
            held_at_rest=tuple(v.id for v in self._states if v.row.get("held_at_rest")),
        )

    def _is_state(self, variable: Variable) -> bool:
        if variable.id in self._contents.assignments:
            return False
        return variable.id in self._dynamic or "species" in (variable.kind, variable.row.get("table"))

    def _is_fixed(self, variable: Variable) -> bool:
        """Whether a variable is a constant of the formulas; compartments only where a formula reads their size."""
        if variable.id in self._contents.assignments or self._is_state(variable):
            return False
        return variable.kind == "parameter" or variable.id in self._read

    def _inputs_among(self, fixed: list[Variable], wished: Collection[str]) -> set[str]:
        known = [v.id for v in fixed]
        for name in wished:
            if name not in known:
                raise NetworkError(f"input {name!r} is no constant of {self._contents.file}{nearest(name, known)}")
        return {*wished, *(v.id for v in fixed if v.row.get("table") == "inputs")}

    def _value(self, variable: Variable) -> float:
        if variable.id not in self._values:
            self.problems.append(f"{variable.kind} {variable.id!r} has no value")
        return self._values.get(variable.id, math.nan)

    def _species(self, variable: Variable, slot: int) -> Species:
        row = variable.row
        unused = row.get("role") == Role.UNUSED and variable.id not in self._read
        still = Role.UNUSED if unused else Role.CONSTANT
        aliases = (row.get("upstream_name"), row.get("glut1ds_name")) if row else (variable.label,)
        return Species(
            id=variable.id,
            slot=slot,
            aliases=tuple(name for name in aliases if name),
            compartment=row.get("compartment", variable.compartment),
            cell=row.get("cell", ""),
            unit=variable.unit,
            initial_value=self._value(variable),
            role=Role.DYNAMIC if variable.id in self._dynamic else still,
        )

    def _formula(self, name: str, expression: str, kind: str) -> Formula:
        known = self._variables.get(name) or Variable(name, "rate", None)
        place = f"{self._contents.file}, {kind} of {name}"
        return Formula(name, expression, known.unit, place, known.row.get("pathway", ""))

    def _rates_and_terms(self) -> tuple[list[Formula], list[Term]]:
        contents = self._contents
        rates = [
            self._formula(name, formula, "assignment rule")
            for name, formula in contents.assignments.items()
            if name in self._rate_names
        ]
        rates += [self._formula(reaction.id, reaction.law, "kinetic law") for reaction in contents.reactions]
        terms = [self._term(species, r.id, factor) for r in contents.reactions for species, factor in r.changes]
        for species, rule in contents.rate_rules.items():
            form = linear_form(rule, self._rate_names)
            terms += [self._term(species, rate, ast.unparse(factor)) for factor, rate in form.terms]
            rest = " + ".join(map(ast.unparse, form.rest)) if form.terms else rule
            if rest and rest != "0":
                rates.append(self._formula(self._free(f"{species}_rate", rates), rest, "rate rule"))
                terms.append(self._term(species, rates[-1].id, "1"))
        return rates, terms

    def _term(self, species: str, rate: str, coefficient: str) -> Term:
        """One contribution to an equation, converted to seconds."""
        seconds = self._contents.seconds
        per_second = coefficient if seconds == 1.0 else f"({coefficient})/{seconds!r}"
        return Term(species, rate, per_second, f"{self._contents.file}, {rate} in the equation of {species}")

    def _free(self, wish: str, rates: list[Formula]) -> str:
        taken = {*self._variables, *(rate.id for rate in rates)}
        while wish in taken:
            wish += "_"
        return wish


def _slot(variable: Variable) -> float:
    """Place in the state vector that an exported file asks for; others keep the order of the file."""
    text = variable.row.get("slot", "")
    return int(text) if text.isdigit() else math.inf


def _formulas(contents: Contents) -> Iterator[str]:
    """Every formula but the rate rules."""
    yield from contents.assignments.values()
    for reaction in contents.reactions:
        yield reaction.law
        yield from (coefficient for _, coefficient in reaction.changes)


def _names_read(contents: Contents) -> set[str]:
    return set().union(*map(names_in, (*_formulas(contents), *contents.rate_rules.values())))


def _rates_among_assignments(contents: Contents) -> set[str]:
    """Assigned parameters that occur only as terms of rate rules: the rates of a model without reactions."""
    tables = {v.id: v.row.get("table") for v in contents.variables if v.kind == "parameter"}
    candidates = {name for name in contents.assignments if tables.get(name, "") in (None, "rates")}
    candidates.difference_update(*map(names_in, _formulas(contents)))
    for rule in contents.rate_rules.values():
        while True:
            try:
                linear_form(rule, candidates)
                break
            except NotLinear as error:
                candidates -= error.names
    summed = set().union(*map(names_in, contents.rate_rules.values()))
    return {name for name in candidates if name in summed or tables[name] == "rates"}
