"""What an exported model says to people: where it comes from, what to cite, its licence, what its compartments are."""

from __future__ import annotations

import csv
import tomllib
from pathlib import Path
from xml.etree import ElementTree as ET

from ..network import Network
from ..tables import NETWORK_FOLDER

_XHTML = "http://www.w3.org/1999/xhtml"
_SHIPPED = Path(__file__).with_name("shipped_network.toml")


def notes_element(network: Network, folder: Path | None) -> ET.Element:
    """The ``<notes>`` of a network.

    Args:
        network: gives the name of its variant.
        folder: the tables it was read from, whose ``LICENSE*.txt`` are quoted; None for the shipped ones, which come
            with their citation.
    """
    notes = ET.Element("notes")
    body = ET.SubElement(notes, "body", xmlns=_XHTML)
    _text(body, "p", f"Reaction network of multiscale-run, variant {network.variant}.")
    if folder is None:
        shipped = tomllib.loads(_SHIPPED.read_text(encoding="utf-8"))
        _text(body, "p", shipped["description"].strip())
        listed = ET.SubElement(body, "ul")
        for reference in shipped["references"]:
            _text(listed, "li", reference)
    for licence in sorted((folder or NETWORK_FOLDER).glob("LICENSE*.txt")):
        _text(body, "pre", licence.read_text(encoding="utf-8").strip())
    return notes


def compartment_meanings(folder: Path | None) -> dict[str, str]:
    """What the compartments are, by name, from ``compartments.csv`` where the folder (None: the shipped one) has it."""
    table = (folder or NETWORK_FOLDER) / "compartments.csv"
    if not table.exists():
        return {}
    with table.open(newline="", encoding="utf-8") as file:
        return {row.get("id", ""): row["meaning"] for row in csv.DictReader(file) if row.get("meaning")}


def _text(parent: ET.Element, tag: str, text: str) -> None:
    ET.SubElement(parent, tag).text = text
