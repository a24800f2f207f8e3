"""Builds a neuron inside its hoc object: morphology, compartments, membrane, section ids for neurodamus."""

from pathlib import Path

from neuron import h

from multiscale_run.mechanisms.sections import create_sections
from multiscale_run.mechanisms.tables import REGIONS, initial_concentrations, membrane

COMPARTMENT_LENGTH = 40.0  # um
ALWAYS_INSERTED = ("ionpools", "nakpump", "restleak")

_LISTS = {"soma": "somatic", "axon": "axonal", "basal": "basal", "apical": "apical"}


def build(cell: "h.HocObject", electrical_type: str, folder: str, file: str) -> None:
    """Fills a hoc cell created by one of our templates.

    Args:
        cell: the hoc object; its section lists are empty.
        electrical_type: a name in electrical_types.csv.
        folder: where the morphology is.
        file: name of the morphology file, with its extension (swc, asc or h5).

    Raises:
        UserError: the morphology cannot be used, or there is no such electrical type.
    """
    counts = create_sections(cell, Path(folder) / file)
    for section in cell.all:
        section.nseg = 1 + 2 * int(section.L / COMPARTMENT_LENGTH)
    _insert_membrane(cell, electrical_type)
    _number_sections(cell, counts.axon)
    cell.nSecAll = counts.total
    cell.nSecSoma = 1
    cell.nSecAxonal = min(counts.axon, 1)
    cell.nSecAxonalOrig = counts.axon
    cell.nSecBasal = counts.dend
    cell.nSecApical = counts.apic


def set_initial_concentrations() -> None:
    """Writes initial_concentrations.csv into NEURON's start values (one set for the whole process)."""
    for concentration in initial_concentrations():
        ion = concentration.ion
        setattr(h, f"{ion}i0_{ion}_ion", concentration.inside)
        setattr(h, f"{ion}o0_{ion}_ion", concentration.outside)


def _insert_membrane(cell: "h.HocObject", electrical_type: str) -> None:
    for section in cell.all:
        for mechanism in ALWAYS_INSERTED:
            section.insert(mechanism)
        section.gid_restleak = cell.gid
    for entry in membrane(electrical_type):
        regions = REGIONS if entry.region == "all" else (entry.region,)
        for section in (section for region in regions for section in getattr(cell, _LISTS[region])):
            if entry.mechanism == "cable":
                setattr(section, entry.parameter, entry.value)
                continue
            section.insert(entry.mechanism)
            setattr(section, f"{entry.parameter}_{entry.mechanism}", entry.value)


def _number_sections(cell: "h.HocObject", axons_in_file: int) -> None:
    """Stores every section's SONATA id where neurodamus reads it, in v at 0.0001; removed axon sections leave a gap."""
    starts = {"somatic": 0, "axonal": 1, "basal": 1 + axons_in_file}
    starts["apical"] = starts["basal"] + len(list(cell.basal))
    for name, start in starts.items():
        for offset, section in enumerate(getattr(cell, name)):
            section(0.0001).v = start + offset
