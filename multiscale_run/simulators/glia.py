"""The membrane of this rank's astrocytes: sections and endfeet, where they lie, and bulk access to their variables."""

from __future__ import annotations

from typing import Any

import libsonata
import numpy as np
from scipy.spatial.transform import Rotation

from multiscale_run.config import SimulationConfig
from multiscale_run.coupling import GLIA, Domain
from multiscale_run.simulators.segments import RangeVariable

_QUATERNION = "xyzw"
"""Order of the components that scipy wants."""


class Glia:
    """The compartments of the astrocytes of this rank; neurodamus gives each section one.

    An endfoot has no points of its own and counts as lying where its process ends.

    Args:
        config: the simulation's configuration.
        neurodamus: the ``Neurodamus`` object, built. A circuit without astrocytes has no glia.
        h: NEURON's hoc interface.

    Attributes:
        places: middle of each compartment in the circuit's coordinates, um, shape (compartments, 3).
    """

    def __init__(self, config: SimulationConfig, neurodamus: Any, h: Any) -> None:
        self._h, self._segments = h, []
        self._variables: dict[str, RangeVariable] = {}
        circuit = libsonata.CircuitConfig.from_file(str(config.network))
        places = [np.empty((0, 3))]
        for manager in _astrocyte_managers(neurodamus):
            population = circuit.node_population(manager.population_name)
            for cell in sorted(manager.cells, key=lambda cell: cell.raw_gid):
                sections = [*cell.all, *cell.endfeet]
                local = np.array([_middle(section) for section in sections])
                places.append(_to_circuit(population, cell.raw_gid, local))
                self._segments += [section(0.5) for section in sections]
        self.places = np.concatenate(places)

    def domain(self) -> Domain:
        """The compartments of this rank."""
        return Domain(GLIA, np.arange(len(self._segments)))

    def variable(self, name: str) -> RangeVariable:
        """A range variable in all compartments."""
        if name not in self._variables:
            self._variables[name] = RangeVariable(self._h, name, self._segments)
        return self._variables[name]


def _astrocyte_managers(neurodamus: Any) -> list[Any]:
    from neurodamus.ngv import AstrocyteManager

    return [manager for manager in neurodamus.circuits.all_node_managers() if isinstance(manager, AstrocyteManager)]


def _middle(section: Any) -> list[float]:
    """Mean of the ends of a section in the coordinates of its cell, um; for an endfoot the end of its process."""
    if section.n3d():
        ends = (0, section.n3d() - 1)
        return [sum(get(i) for i in ends) / 2 for get in (section.x3d, section.y3d, section.z3d)]
    parent = section.parentseg().sec
    last = parent.n3d() - 1
    return [parent.x3d(last), parent.y3d(last), parent.z3d(last)]


def _to_circuit(population: libsonata.NodePopulation, node: int, points: np.ndarray) -> np.ndarray:
    selection = libsonata.Selection([node])
    names = population.attribute_names
    if all(f"orientation_{component}" in names for component in _QUATERNION):
        turn = [population.get_attribute(f"orientation_{component}", selection)[0] for component in _QUATERNION]
        points = Rotation.from_quat(turn).apply(points)
    return points + [population.get_attribute(axis, selection)[0] for axis in "xyz"]
