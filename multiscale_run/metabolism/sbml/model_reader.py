"""Reads a checked SBML model into plain data (`contents`)."""

from __future__ import annotations

import keyword
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import ModuleType
from typing import Any

from .annotation import COLUMNS, NAMESPACE
from .contents import Contents, Reaction, Variable
from .document import load_libsbml, open_document, refuse
from .formulas import FormulaReader, Unsupported
from .units import UnitPart, format_unit, parse_unit, same_unit


def read_model(path: Path) -> Contents:
    """Read an SBML file.

    Raises:
        UserError: libSBML is not installed.
        NetworkError: the file is wrong or uses what a network cannot hold, everything named in one message.
    """
    libsbml = load_libsbml()
    document, foreign = open_document(libsbml, path)
    reader = _ModelReader(libsbml, document.getModel())
    contents = reader.contents(path.name)
    refuse(path, foreign + reader.problems)
    return contents


class _ModelReader:
    """Walks over one model; what it cannot express is collected in `problems`."""

    def __init__(self, libsbml: ModuleType, model: Any) -> None:
        self._libsbml, self._model = libsbml, model
        self._formulas = FormulaReader(libsbml, self._name, self._clock_name)
        elements = model.getListOfAllElements()
        self._taken = {elements.get(i).getId() for i in range(elements.getSize())}
        # SBML name -> name in formulas, for those that formulas use
        self._names: dict[str, str] = {}
        self._clock: str | None = None
        self.problems: list[str] = []

    def contents(self, file: str) -> Contents:
        """Everything that the model says."""
        model = self._model
        assignments, rates = self._rules()
        starts = {
            self._name(a.getSymbol()): self._math(a, f"the initial assignment of {a.getSymbol()!r}")
            for a in model.getListOfInitialAssignments()
        }
        reactions, read_rates = self._reactions()
        assignments |= read_rates
        variables = [self._species(s, starts) for s in model.getListOfSpecies()]
        variables += [self._variable(p, "parameter", _given(p, "Value")) for p in model.getListOfParameters()]
        variables += [self._compartment(c, assignments | rates) for c in model.getListOfCompartments()]
        variables += self._stoichiometries()
        if self._clock is not None:
            variables.append(Variable(self._clock, "parameter", 0.0))
            rates[self._clock] = "1"
        seconds, remarks = self._time_unit()
        return Contents(file, tuple(variables), starts, assignments, rates, reactions, seconds, remarks)

    def _name(self, name: str) -> str:
        """The name that formulas use for an SBML name: another one for words that the tables' notation reserves."""
        if name not in self._names:
            self._names[name] = self._free(name) if keyword.iskeyword(name) else name
        return self._names[name]

    def _clock_name(self) -> str:
        """Name of the species that stands for the time; the model may call something else ``time``."""
        if self._clock is None:
            self._clock = self._free("time")
        return self._clock

    def _free(self, wish: str) -> str:
        while wish in self._taken or keyword.iskeyword(wish):
            wish += "_"
        self._taken.add(wish)
        return wish

    def _rules(self) -> tuple[dict[str, str], dict[str, str]]:
        """Assignment rules and rate rules by variable."""
        assignments: dict[str, str] = {}
        rates: dict[str, str] = {}
        for rule in self._model.getListOfRules():
            if rule.isAlgebraic():
                continue
            kind, found = ("rate", rates) if rule.isRate() else ("assignment", assignments)
            found[self._name(rule.getVariable())] = self._math(rule, f"the {kind} rule of {rule.getVariable()!r}")
        return assignments, rates

    def _reactions(self) -> tuple[tuple[Reaction, ...], dict[str, str]]:
        """The reactions, and assignments for the rates that formulas read, which no formula of a network can."""
        elements = [*self._model.getListOfReactions()]
        laws = [self._math(r.getKineticLaw(), f"reaction {r.getId()!r}") for r in elements]
        read = set(self._names)
        reactions, assignments = [], {}
        for element, law in zip(elements, laws, strict=True):
            name = self._name(element.getId())
            if element.getId() in read:
                assignments[name] = law
                name, law = self._free(f"{name}_rate"), name
            reactions.append(Reaction(name, law, tuple(self._changes(element))))
        return tuple(reactions), assignments

    def _math(self, element: Any, place: str) -> str:
        if element is None or not element.isSetMath():
            return "0"
        try:
            return self._formulas.formula(element.getMath())
        except Unsupported as unsupported:
            self.problems.append(f"{unsupported} in {place}")
            return "0"

    def _changes(self, reaction: Any) -> Iterator[tuple[str, str]]:
        """(species, coefficient) of what a reaction changes."""
        for sign, references in (("-", reaction.getListOfReactants()), ("", reaction.getListOfProducts())):
            for reference in references:
                species = self._model.getSpecies(reference.getSpecies())
                if not (species.getBoundaryCondition() or species.getConstant()):
                    yield self._name(species.getId()), sign + self._coefficient(reference, species)

    def _coefficient(self, reference: Any, species: Any) -> str:
        """Change of a species' symbol per extent of the reaction: amounts follow the extent, concentrations by size."""
        text = repr(reference.getStoichiometry()).removesuffix(".0")
        if reference.getId() in self._names:
            text = self._name(reference.getId())
        elif not reference.isSetStoichiometry():
            self.problems.append(f"species {species.getId()!r} in a reaction without a stoichiometry")
        conversion = species.getConversionFactor() or self._model.getConversionFactor()
        if conversion:
            text += f"*{self._name(conversion)}"
        return text if species.getHasOnlySubstanceUnits() else f"{text}/{self._name(species.getCompartment())}"

    def _species(self, species: Any, starts: dict[str, str]) -> Variable:
        """A species; a start that is given in the other of amount and concentration becomes a formula."""
        amount, concentration = _given(species, "InitialAmount"), _given(species, "InitialConcentration")
        by_amount = species.getHasOnlySubstanceUnits()
        value, other, operator = (amount, concentration, "*") if by_amount else (concentration, amount, "/")
        if value is None and other is not None:
            size = self._name(species.getCompartment())
            starts.setdefault(self._name(species.getId()), f"{other!r}{operator}{size}")
        return self._variable(species, "species", value, compartment=species.getCompartment())

    def _compartment(self, compartment: Any, ruled: Mapping[str, str]) -> Variable:
        if self._name(compartment.getId()) in ruled:
            self.problems.append(f"compartment {compartment.getId()!r} whose size changes")
        return self._variable(compartment, "compartment", _given(compartment, "Size"))

    def _stoichiometries(self) -> Iterator[Variable]:
        """Stoichiometries that formulas use by name."""
        for reaction in self._model.getListOfReactions():
            for reference in (*reaction.getListOfReactants(), *reaction.getListOfProducts()):
                if reference.getId() in self._names:
                    yield Variable(self._name(reference.getId()), "parameter", _given(reference, "Stoichiometry"))

    def _variable(self, element: Any, kind: str, value: float | None, compartment: str = "") -> Variable:
        label = element.getName() if element.getName() != element.getId() else ""
        name = self._name(element.getId())
        return Variable(name, kind, value, self._unit(element), compartment, label, _row(element))

    def _unit(self, element: Any) -> str:
        """Unit in the notation of the tables; the name of its definition where that says the same."""
        definition = element.getDerivedUnitDefinition()
        parts = self._parts(definition) if definition is not None else []
        declared = self._model.getUnitDefinition(element.getUnits())
        name = declared.getName() if declared is not None else ""
        spelled = parse_unit(name)
        if spelled and same_unit(spelled, parts):
            return name
        return format_unit(parts) if parts else ""

    def _parts(self, definition: Any) -> list[UnitPart]:
        kind = self._libsbml.UnitKind_toString
        return [
            UnitPart(kind(u.getKind()), u.getExponentAsDouble(), u.getScale(), u.getMultiplier())
            for u in definition.getListOfUnits()
        ]

    def _time_unit(self) -> tuple[float, tuple[str, ...]]:
        """Length of the model's unit of time in seconds, and what had to be assumed for it."""
        declared = self._model.getTimeUnits()
        definition = self._model.getUnitDefinition(declared)
        parts = [UnitPart("second")] if declared == "second" else self._parts(definition) if definition else []
        match parts:
            case [UnitPart(kind="second", exponent=1.0, scale=scale, multiplier=multiplier)]:
                return multiplier * 10.0**scale, ()
            case _:
                return 1.0, ("the model does not say its unit of time: rates are taken as per second",)


def _given(element: Any, attribute: str) -> float | None:
    """A number that the file gives; None without it."""
    value = getattr(element, f"get{attribute}")()
    return value if getattr(element, f"isSet{attribute}")() and value == value else None


def _row(element: Any) -> dict[str, str]:
    """Columns of the table row that an exported element carries."""
    annotation = element.getAnnotation()
    for i in range(annotation.getNumChildren() if annotation is not None else 0):
        child = annotation.getChild(i)
        if child.getURI() == NAMESPACE:
            return {name: child.getAttrValue(name) for name in COLUMNS if child.hasAttr(name)}
    return {}
