"""Step 2 of a spiking network: its neurons, with their spread of currents, potentials and adaptation."""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mpi_coupling.failure import UserError
from tvb_nest.nest_side.parameters import PopulationParameters

Nodes = Any
"""A NodeCollection of NEST."""

EXCITATORY, INHIBITORY = "excitatory", "inhibitory"


@dataclass(frozen=True)
class Region:
    """The neurons of a spiking region.

    Attributes:
        index: of the region in the connectome.
        populations: nodes by name; neurons of the region are counted through all of them, in this order.
    """

    index: int
    populations: Mapping[str, Nodes]

    @property
    def nodes(self) -> Nodes:
        first, *others = self.populations.values()
        return sum(others, start=first)

    @property
    def n_neurons(self) -> int:
        return sum(len(nodes) for nodes in self.populations.values())

    def select(self, population: str | None) -> Nodes:
        """The nodes of a population, or of all.

        Raises:
            UserError: there is no such population.
        """
        if population is None:
            return self.nodes
        if population not in self.populations:
            raise UserError(f"region {self.index} has no population {population!r}, only {list(self.populations)}")
        return self.populations[population]


def create_region(nest: Any, parameters: PopulationParameters, index: int, rng: np.random.Generator) -> Region:
    """The standard region: excitatory neurons, then inhibitory ones.

    Values that differ between neurons are drawn here, not by NEST, so that they do not depend on the threads.

    Raises:
        UserError: the model or one of its parameters does not exist, or NEST refuses a value.
    """
    populations = {
        EXCITATORY: (parameters.n_excitatory, parameters.excitatory),
        INHIBITORY: (parameters.n_inhibitory, parameters.inhibitory),
    }
    nodes = {}
    for name, (size, values) in populations.items():
        if size:
            nodes[name] = _create(nest, parameters.neuron_type, size, values, f"{name} parameters")
            known = nest.GetDefaults(parameters.neuron_type) | values
            drawn = _drawn_values(size, known, parameters, name, rng)
            for key, numbers in drawn.items():
                # node by node: with a list for all, NEST asks the first neuron, which may live on another rank
                nodes[name].set([{key: number} for number in numbers.tolist()])
    return Region(index, nodes)


def check_model(nest: Any, model: str, parameters: Mapping[str, float], where: str) -> None:
    """Raises UserError, with the nearest names, unless NEST has the neuron model with all these parameters."""
    if model not in nest.node_models:
        raise UserError(f"neuron_type: NEST has no model {model!r}{_nearest(model, nest.node_models)}")
    known = nest.GetDefaults(model)
    for name in parameters:
        if name not in known:
            raise UserError(f"{where}: model {model} has no parameter {name!r}{_nearest(name, list(known))}")


def _create(nest: Any, model: str, size: int, values: Mapping[str, float], where: str) -> Nodes:
    check_model(nest, model, values, where)
    try:
        return nest.Create(model, size, params=dict(values))
    except nest.NESTError as error:
        raise UserError(f"{where}: NEST refuses them: {error}") from error


def _drawn_values(
    size: int, known: Mapping[str, Any], parameters: PopulationParameters, name: str, rng: np.random.Generator
) -> dict[str, NDArray[np.float64]]:
    """What differs between the neurons of a population, by name; a spread of 0 gives all the mean.

    Args:
        size: of the population.
        known: all parameters of a neuron. Of a neuron that lives on another rank NEST does not tell them.
        parameters: of all populations.
        name: of the population.
        rng: source of chance.
    """
    drawn: dict[str, NDArray[np.float64]] = {}
    if parameters.mean_I_ext or parameters.sigma_I_ext:
        drawn["I_e"] = rng.normal(parameters.mean_I_ext, parameters.sigma_I_ext, size)
    if "V_m" in known and "E_L" in known:
        # NEST starts from a constant of the model, not from the E_L that was just set
        values = parameters.excitatory if name == EXCITATORY else parameters.inhibitory
        drawn["V_m"] = rng.normal(values.get("V_m", known["E_L"]), parameters.sigma_V_0, size)
    elif parameters.sigma_V_0:
        raise UserError(f"sigma_V_0: model {parameters.neuron_type} has no V_m and E_L; set sigma_V_0 to 0")
    if parameters.mean_w_0 and name == EXCITATORY:
        drawn["w"] = rng.normal(parameters.mean_w_0, abs(parameters.mean_w_0), size)
    for key, setting in (("I_e", "mean_I_ext and sigma_I_ext"), ("w", "mean_w_0")):
        if key in drawn and key not in known:
            raise UserError(f"{setting}: model {parameters.neuron_type} has no {key}; set to 0")
    return drawn


def _nearest(name: str, known: Sequence[str]) -> str:
    matches = difflib.get_close_matches(name, known, n=3, cutoff=0.5)
    return f"; did you mean {' or '.join(matches)}?" if matches else ""
