"""The connectome that a simulation's parameters ask for."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from mpi_coupling.failure import UserError
from mpi_coupling.settings.problems import ConfigError, Finding, KeyPath
from tvb_nest.connectome import Connectome, load_connectome
from tvb_nest.parameters import Mode, Parameters


def connectome_of(parameters: Parameters) -> Connectome:
    """The first ``nb_region`` regions of the connectome, with normalised weights where the parameters say so.

    Raises:
        ConfigError: the connectome cannot be read, or has fewer regions.
    """
    resolved = parameters.resolved
    try:
        whole = load_connectome(parameters.connectome, resolved.param_nest_connection.velocity)
    except UserError as error:
        raise ConfigError([parameters.problem(Finding(connectome_place(parameters), str(error)))]) from error
    count = resolved.param_nest_topology.nb_region
    if count > whole.n_regions:
        message = f"must be <= {whole.n_regions}, the regions of the connectome {parameters.connectome}"
        raise ConfigError([parameters.problem(Finding(("param_nest_topology", "nb_region"), message))])
    weights = whole.weights[:count, :count]
    return replace(
        whole,
        weights=normalised(weights) if resolved.param_tvb_nest.normalise_weights else weights,
        lengths=whole.lengths[:count, :count],
        centres=whole.centres[:count],
        labels=whole.labels[:count],
        orientations=None if whole.orientations is None else whole.orientations[:count],
        cortical=None if whole.cortical is None else whole.cortical[:count],
    )


def with_window_of(parameters: Parameters, connectome: Connectome) -> Parameters:
    """Parameters with the window of a co-simulation; others are as they were.

    Raises:
        ConfigError: the delays allow none, or the user's is longer than they allow.
    """
    if parameters.mode != Mode.CO_SIMULATION:
        return parameters
    # the original counts the input between spiking regions in TVB too
    among_spiking = parameters.resolved.param_tvb_nest.compat == "upstream"
    try:
        longest = connectome.window(
            parameters.spiking, parameters.resolved.param_nest.sim_resolution, among_spiking=among_spiking
        )
    except UserError as error:
        place = ("param_co_simulation", "id_region_nest")
        raise ConfigError([parameters.problem(Finding(place, str(error)))]) from error
    return parameters.with_window(longest)


def normalised(weights: NDArray[np.float64]) -> NDArray[np.float64]:
    """Weights whose sum into each region is 1; a region without input keeps none.

    Args:
        weights: shape (n, n), target x source.
    """
    into = weights.sum(axis=1, keepdims=True)
    return np.divide(weights, into, out=np.zeros_like(weights), where=into > 0)


def connectome_place(parameters: Parameters) -> KeyPath:
    """The key that says which connectome."""
    files = parameters.resolved.param_nest_connection.path_weight is not None
    own = parameters.resolved.param_tvb_nest.connectome is not None
    return ("param_nest_connection", "path_weight") if files and not own else ("param_tvb_nest", "connectome")
