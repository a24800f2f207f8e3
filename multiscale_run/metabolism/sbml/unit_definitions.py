"""The unit definitions of an SBML file that is being written."""

from __future__ import annotations

from xml.etree import ElementTree as ET

from .units import UnitPart, parse_unit


class UnitDefinitions:
    """Makes a definition when a unit of the tables is first referred to.

    Attributes:
        elements: ``<unitDefinition>`` by the tables' text, which is also its name.
        unknown: texts that SBML cannot express.
    """

    def __init__(self) -> None:
        self.elements: dict[str, ET.Element] = {}
        self.unknown: set[str] = set()

    def reference(self, text: str) -> str | None:
        """What the units attribute of an element says; None for no unit or one that SBML cannot express."""
        parts = parse_unit(text) if text else None
        if parts is None:
            self.unknown.update([text] if text else [])
            return None
        if not parts:
            return "dimensionless"
        if text not in self.elements:
            self.elements[text] = _definition(f"unit_{len(self.elements) + 1}", text, parts)
        return self.elements[text].attrib["id"]


def _definition(name: str, text: str, parts: tuple[UnitPart, ...]) -> ET.Element:
    element = ET.Element("unitDefinition", id=name, name=text)
    units = ET.SubElement(element, "listOfUnits")
    for part in parts:
        ET.SubElement(
            units, "unit", kind=part.kind, exponent=f"{part.exponent:g}", scale=str(part.scale),
            multiplier=f"{part.multiplier:g}",
        )  # fmt: skip
    return element
