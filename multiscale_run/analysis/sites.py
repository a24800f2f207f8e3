"""The sites that values live on, with their places and kinds: neurons, vessel segments and tetrahedra."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from functools import cached_property
from pathlib import Path

import libsonata
import numpy as np
import xarray as xr

from mpi_coupling.failure import UserError
from multiscale_run.bloodflow import read_vasculature, vasculature_populations
from multiscale_run.bloodflow.graph import VesselType
from multiscale_run.circuit_check import neuron_layers
from multiscale_run.config import SimulationConfig
from multiscale_run.geometry import TetMesh, read_mesh

NEURON, COMPARTMENT, VESSEL, TETRAHEDRON, SITE = "neuron", "compartment", "vessel", "tetrahedron", "site"
"""Dimensions of the datasets; the last is that of nodes of any other population."""

TETRAHEDRA = "tetrahedra"
"""Population of the reports of the extracellular space."""

NEURON_LABELS = ("layer", "mtype", "synapse_class")
AXES = tuple("xyz")


class Sites:
    """The sites of a simulation, read from its circuit and mesh when they are asked for.

    Args:
        config: the simulation's configuration.
    """

    def __init__(self, config: SimulationConfig) -> None:
        self._config = config

    @cached_property
    def _circuit(self) -> libsonata.CircuitConfig:
        return libsonata.CircuitConfig.from_file(str(self._config.network))

    def dimension(self, population: str) -> str:
        """The dimension of a report with one value per node of a population."""
        if population == TETRAHEDRA:
            return TETRAHEDRON
        if population not in self._circuit.node_populations:
            return SITE
        kind = self._circuit.node_population_properties(population).type
        return {"vasculature": VESSEL, "biophysical": NEURON}.get(kind, SITE)

    def of(self, dimension: str, population: str) -> xr.Dataset:
        """All sites of a dimension; empty where there is nothing to know about them."""
        try:
            match dimension:
                case "neuron":
                    return self.neurons(population)
                case "vessel":
                    return self.vessels
                case "tetrahedron":
                    return self.tetrahedra
        except UserError:  # the mesh or the circuit is no longer there: values can be looked at without places
            pass
        return xr.Dataset()

    def neurons(self, population: str) -> xr.Dataset:
        """Layer, morphological type, synapse class and place (um) of every neuron, along ``neuron``."""
        nodes = self._circuit.node_population(population)
        everyone = nodes.select_all()
        ids = np.arange(nodes.size)
        columns: dict[str, np.ndarray] = {"layer": neuron_layers(self._config, ids)}
        for name in (*NEURON_LABELS[1:], *AXES):
            with suppress(libsonata.SonataError, RuntimeError):  # an attribute that this circuit does not have
                columns[name] = np.asarray(nodes.get_attribute(name, everyone))
        return _dataset(NEURON, ids, columns)

    @cached_property
    def vessels(self) -> xr.Dataset:
        """Every vessel segment: the points it joins, their places (um), its radius at rest (um), length (um) and type.

        Raises:
            UserError: the circuit has no vasculature, or it cannot be read.
        """
        names = vasculature_populations(self._circuit)
        if not names:
            raise UserError(f"{self._config.network}: the circuit has no vasculature")
        graph = read_vasculature(Path(self._circuit.node_population_properties(names[0]).elements_path), names[0])
        columns: dict[str, np.ndarray] = {
            "start_point": graph.ends[:, 0],
            "end_point": graph.ends[:, 1],
            "radius_at_rest": graph.radii,
            "length": graph.lengths,
            "type": np.array([VesselType(kind).name.lower() for kind in graph.types]),
        }
        for end, points in (("start", graph.ends[:, 0]), ("end", graph.ends[:, 1])):
            columns |= {f"{end}_{axis}": graph.positions[points, k] for k, axis in enumerate(AXES)}
        columns |= {axis: (columns[f"start_{axis}"] + columns[f"end_{axis}"]) / 2 for axis in AXES}
        return _dataset(VESSEL, np.arange(graph.n_segments), columns)

    @cached_property
    def mesh(self) -> TetMesh:
        """The tetrahedra of the extracellular space.

        Raises:
            UserError: the mesh is not there or cannot be read.
        """
        section = self._config.multiscale_run
        return read_mesh(section.mesh_path, section.mesh_scale)

    @cached_property
    def tetrahedra(self) -> xr.Dataset:
        """Barycentre (um) and volume (um3) of every tetrahedron; ``corners`` are its four vertices.

        Raises:
            UserError: the mesh is not there or cannot be read.
        """
        columns = {axis: self.mesh.barycentres[:, k] for k, axis in enumerate(AXES)}
        found = _dataset(TETRAHEDRON, np.arange(self.mesh.n_tetrahedra), columns | {"volume": self.mesh.volumes})
        corners = xr.DataArray(self.mesh.corners, dims=(TETRAHEDRON, "corner", "axis"), attrs={"units": "um"})
        return found.assign(corners=corners).assign_coords(axis=list(AXES))


UNITS = {"radius_at_rest": "um", "length": "um", "volume": "um3"} | {
    f"{end}{axis}": "um" for end in ("", "start_", "end_") for axis in AXES
}


def _dataset(dimension: str, ids: np.ndarray, columns: Mapping[str, np.ndarray]) -> xr.Dataset:
    variables = {name: (dimension, values, _units(name)) for name, values in columns.items()}
    return xr.Dataset(variables, coords={dimension: ids})


def _units(name: str) -> dict[str, str]:
    return {"units": UNITS[name]} if name in UNITS else {}
