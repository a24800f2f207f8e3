"""Writes the ``<model>`` of a network.

The species' equations become rate rules and the rate laws assignment rules, because some coefficients depend on the
state (the adenylate kinase equilibrium behind ATP, for one), for which SBML reactions would need further rules.
Specification: Hucka et al. 2019, J Integr Bioinform 16(2):20190021, doi:10.1515/jib-2019-0021.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping
from xml.etree import ElementTree as ET

from ..network import Formula, Network, NetworkError, Species
from .annotation import annotate
from .mathml import math_element
from .unit_definitions import UnitDefinitions
from .units import format_unit, parse_unit

_IDENTIFIER = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


class ModelWriter:
    """Builds the elements of one network; ``units`` collects the unit definitions on the way.

    Args:
        network: what to write.
        meanings: what the compartments are, by their name in the species table.
    """

    def __init__(self, network: Network, meanings: Mapping[str, str]) -> None:
        self.network = network
        self._meanings = meanings
        self.units = UnitDefinitions()
        self._equations = _equations(network)
        self._taken = _identifiers(network)
        self._concentrations = [s for s in network.species if s.compartment and _amount_unit(s)]
        self._compartments = self._name_compartments()

    def model(self) -> ET.Element:
        """The whole model, without notes."""
        amount = self.units.reference("mmol") or ""
        attributes = {"substanceUnits": amount, "extentUnits": amount, "timeUnits": "second", "volumeUnits": "litre"}
        model = ET.Element("model", {"id": self._free("network"), **attributes})
        lists = {
            "listOfCompartments": [self._compartment(*item) for item in self._compartments.items()],
            "listOfSpecies": [self._species(s) for s in self._concentrations],
            "listOfParameters": [*self._parameters()],
            "listOfRules": [*self._rules()],
        }
        for tag, elements in {"listOfUnitDefinitions": [*self.units.elements.values()], **lists}.items():
            if elements:
                ET.SubElement(model, tag).extend(elements)
        return model

    def _name_compartments(self) -> dict[tuple[str, str], str]:
        """(compartment, cell) -> SBML identifier; the cell is named where a compartment exists in several."""
        places = dict.fromkeys((s.compartment, s.cell) for s in self._concentrations)
        names = [compartment for compartment, _ in places]
        return {place: self._free("_".join(place) if names.count(place[0]) > 1 else place[0]) for place in places}

    def _free(self, wish: str) -> str:
        """An identifier that nothing else has."""
        name = re.sub(r"\W", "_", wish, flags=re.ASCII)
        while name in self._taken or not _IDENTIFIER.fullmatch(name):
            name = f"_{name}"
        self._taken.add(name)
        return name

    def _compartment(self, place: tuple[str, str], identifier: str) -> ET.Element:
        """A compartment of nominal size: the network's concentrations are scaled by its coefficients."""
        name = self._meanings.get(place[0], place[0])
        return ET.Element(
            "compartment", id=identifier, name=name, spatialDimensions="3", size="1", units="litre", constant="true"
        )

    def _species(self, species: Species) -> ET.Element:
        """A concentration of the state vector."""
        fixed = _flag(species.id not in self._equations)
        element = ET.Element(
            "species", id=species.id, compartment=self._compartments[species.compartment, species.cell],
            initialConcentration=repr(species.initial_value), hasOnlySubstanceUnits="false",
            substanceUnits=self.units.reference(_amount_unit(species)) or "", boundaryCondition=fixed, constant=fixed,
        )  # fmt: skip
        self._annotate_species(element, species)
        return element

    def _parameters(self) -> Iterable[ET.Element]:
        """Potentials and fractions of the state vector, inputs, constants, and what the rules compute."""
        for species in self.network.species:
            if species not in self._concentrations:
                fixed = species.id not in self._equations
                element = self._parameter(species.id, species.unit, species.initial_value, constant=fixed)
                self._annotate_species(element, species)
                yield element
        for given in self.network.inputs:
            element = self._parameter(given.id, given.unit, given.default)
            annotate(element, table="inputs", meaning=given.meaning)
            yield element
        for parameter in self.network.parameters:
            element = self._parameter(parameter.id, parameter.unit, parameter.value)
            annotate(element, table="parameters", group=parameter.group, note=parameter.note)
            yield element
        for table, formulas in (("assignments", self.network.assignments), ("rates", self.network.rates)):
            for formula in formulas:
                element = self._parameter(formula.id, formula.unit, constant=False)
                annotate(element, table=table, pathway=formula.pathway)
                yield element

    def _parameter(self, name: str, unit: str, value: float | None = None, constant: bool = True) -> ET.Element:
        element = ET.Element("parameter", id=name, constant=_flag(constant))
        if value is not None:
            element.set("value", repr(value))
        units = self.units.reference(unit)
        if units is not None:
            element.set("units", units)
        return element

    def _annotate_species(self, element: ET.Element, species: Species) -> None:
        first, second, *_ = (*species.aliases, "", "")
        held = "true" if species.id in self.network.held_at_rest else ""
        annotate(
            element, table="species", slot=str(species.slot), role=species.role, compartment=species.compartment,
            cell=species.cell, upstream_name=first, glut1ds_name=second, held_at_rest=held,
        )  # fmt: skip

    def _rules(self) -> Iterable[ET.Element]:
        for assignment in self.network.assignments:
            yield _rule("assignmentRule", assignment.id, assignment.expression)
        for rate in self.network.rates:
            yield _rule("assignmentRule", rate.id, _scaled(rate, self.network.multipliers.get(rate.id)))
        for species, formula in self._equations.items():
            yield _rule("rateRule", species, formula)


def _identifiers(network: Network) -> set[str]:
    """Every name of the network; an error for one that SBML does not allow."""
    tables = (network.species, network.parameters, network.inputs, network.assignments, network.rates)
    names = {item.id for table in tables for item in table}
    for name in sorted(names):
        if not _IDENTIFIER.fullmatch(name):
            raise NetworkError(f"{name!r} cannot be an SBML identifier (letters a-z, digits, underscore): rename it")
    return names


def _equations(network: Network) -> dict[str, str]:
    """Right-hand side of each species' equation, in slot order."""
    terms = defaultdict(list)
    for term in network.terms:
        terms[term.species].append(term.rate if term.coefficient == "1" else f"({term.coefficient})*{term.rate}")
    return {s.id: " + ".join(terms[s.id]) for s in network.species if s.id in terms}


def _amount_unit(species: Species) -> str:
    """The amount behind a molar concentration: mmol for mM; empty for any other unit."""
    match parse_unit(species.unit):
        case (amount, volume) if (amount.kind, amount.exponent) == ("mole", 1.0) and volume.kind == "litre":
            return format_unit((amount,)) if volume.exponent == -1.0 and volume.scale == 0 else ""
        case _:
            return ""


def _scaled(rate: Formula, multiplier: Formula | None) -> str:
    return rate.expression if multiplier is None else f"({multiplier.expression})*({rate.expression})"


def _rule(tag: str, variable: str, formula: str) -> ET.Element:
    element = ET.Element(tag, variable=variable)
    element.append(math_element(formula))
    return element


def _flag(value: bool) -> str:
    return "true" if value else "false"
