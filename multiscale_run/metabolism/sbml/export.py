"""Export of a network as SBML Level 3 Version 2 core."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree as ET

from ..network import Network, NetworkError
from .model_writer import ModelWriter
from .notes import compartment_meanings, notes_element

_SBML = "http://www.sbml.org/sbml/level3/version2/core"
_COUNTED = {
    "compartments": "listOfCompartments/*",
    "species": "listOfSpecies/*",
    "parameters": "listOfParameters/*",
    "assignment rules": "listOfRules/assignmentRule",
    "rate rules": "listOfRules/rateRule",
}


@dataclass(frozen=True)
class Exported:
    """What an exported file holds.

    Attributes:
        path: the file.
        counts: number of elements by kind, such as ``species``.
        without_unit: units of the tables that SBML has no form for; what carries them was written without a unit.
    """

    path: Path
    counts: dict[str, int]
    without_unit: tuple[str, ...]

    @property
    def message(self) -> str:
        """One line for the user."""
        text = f"{self.path}: " + ", ".join(f"{count} {kind}" for kind, count in self.counts.items())
        return text + (f"; written without unit: {', '.join(self.without_unit)}" if self.without_unit else "")


def export_sbml(network: Network, path: Path | str, folder: Path | str | None = None) -> Exported:
    """Write a network, with what its variant changes applied, as an SBML file. The same network gives the same bytes.

    Args:
        network: what to write.
        path: the file; it is replaced when it exists.
        folder: folder of the tables that the network was read from, for its licence; None for the shipped network.

    Raises:
        NetworkError: a name of the network is no SBML identifier, or the file cannot be written.
    """
    tables = None if folder is None else Path(folder)
    writer = ModelWriter(network, compartment_meanings(tables))
    model = writer.model()
    model.insert(0, notes_element(network, tables))
    root = ET.Element("sbml", xmlns=_SBML, level="3", version="2")
    root.append(model)
    ET.indent(root)
    try:
        Path(path).write_bytes(ET.tostring(root, encoding="UTF-8", xml_declaration=True) + b"\n")
    except OSError as error:
        raise NetworkError(f"cannot write the SBML file {path}: {error.strerror}") from None
    counts = {kind: len(model.findall(place)) for kind, place in _COUNTED.items()}
    return Exported(Path(path), counts, tuple(sorted(writer.units.unknown)))
