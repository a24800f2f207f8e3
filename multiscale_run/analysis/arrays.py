"""From a report file to an array with names, units and coordinates."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import xarray as xr

from multiscale_run.analysis.catalogue import Source
from multiscale_run.analysis.report_file import ReportFile
from multiscale_run.analysis.sites import COMPARTMENT, NEURON, SITE, TETRAHEDRON, VESSEL, Sites

SHOWN_OF = {NEURON: ("layer", "mtype", "x", "y", "z"), VESSEL: ("type", "x", "y", "z"), TETRAHEDRON: ("x", "y", "z")}
"""What is known of the sites that goes along with every report."""

Coordinates = Mapping[str, tuple[Any, ...]]


def report_array(name: str, file: ReportFile, source: Source, sites: Sites) -> xr.DataArray:
    """A report's values, read when they are used.

    Args:
        name: of the report.
        file: its file.
        source: where its numbers come from.
        sites: of the simulation.

    Returns:
        Dimensions ``time`` (ms) and, by what the report is about, ``neuron``, ``compartment``, ``vessel``,
        ``tetrahedron`` or ``site``.
    """
    kind = sites.dimension(file.population)
    dimension = kind if file.is_per_node else COMPARTMENT
    coordinates = {
        "time": ("time", file.times, {"units": "ms"}),
        kind: (dimension, file.node_ids),
        **_places_in_nodes(file, kind, dimension),
        **_places_in_tissue(file, kind, dimension, sites),
    }
    attributes = {
        "units": file.unit,
        "long_name": name.replace("_", " "),
        "simulator": source.simulator,
        "variable": source.variable,
        "when": source.when,
        "planned_rows": file.planned_rows,
    }
    return xr.DataArray(xr.Variable(("time", dimension), file.lazy()), coordinates, name=name, attrs=attributes)


def _places_in_nodes(file: ReportFile, kind: str, dimension: str) -> Coordinates:
    """Section and segment of the columns of cells."""
    if kind not in (NEURON, SITE):
        return {}
    section = {"section": (dimension, file.section_ids)}
    return section if file.is_per_node else section | {"segment": (dimension, file.segments)}


def _places_in_tissue(file: ReportFile, kind: str, dimension: str, sites: Sites) -> Coordinates:
    known = sites.of(kind, file.population)
    if not len(file.node_ids) or file.node_ids.max() >= known.sizes.get(kind, 0):
        return {}  # a mesh or circuit that is no longer the one that was simulated
    columns = [column for column in SHOWN_OF.get(kind, ()) if column in known]
    return {c: (dimension, np.asarray(known[c].values)[file.node_ids], known[c].attrs) for c in columns}
