"""What the tables know beside the mathematics, kept in the SBML file so that a network survives the way out and in.

Every exported element carries one ``<row>`` in a namespace of its own, whose attributes are columns of the tables.
Other programs ignore it; files from elsewhere do not have it.
"""

from __future__ import annotations

from xml.etree import ElementTree as ET

NAMESPACE = "urn:multiscale-run:network:1"
"""The XML namespace of the rows."""

COLUMNS = (
    "table", "slot", "role", "compartment", "cell", "upstream_name", "glut1ds_name", "group", "pathway", "note",
    "meaning", "held_at_rest",
)  # fmt: skip
"""The attributes that a row may have; ``table`` is the table that the row stands in."""


def annotate(element: ET.Element, **columns: str) -> None:
    """Put the table row of an element into it; columns without content are left out."""
    unknown = set(columns).difference(COLUMNS)
    assert not unknown, unknown
    annotation = ET.SubElement(element, "annotation")
    ET.SubElement(annotation, "row", {"xmlns": NAMESPACE, **{name: text for name, text in columns.items() if text}})
