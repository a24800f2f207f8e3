"""The transfer functions of a simulation's neurons: measured in NEST, fitted for its mean field.

The coefficients ``P_e`` and ``P_i`` hold for the neurons and synapses that they were fitted to. With others, mean field
and spiking network of the same region differ in rate.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from mpi_coupling.settings.problems import ConfigError, Finding
from tvb_nest import building
from tvb_nest.parameters import Parameters
from tvb_nest.tvb_side.mean_field.fitting import Fit, Kind, MeasuredRates, fit_threshold
from tvb_nest.tvb_side.mean_field.parameters import MeanFieldParameters

INHIBITORY_LEVELS, POTENTIAL_LEVELS = 14, 16
"""Points of the grid."""
MOST_INHIBITORY_RATE = 0.04
"""kHz, of a region's inhibitory neurons: the end of the grid."""
BELOW_REST, ABOVE_THRESHOLD = 3.0, 15.0
"""mV by which the mean potential, without adaptation, goes below the leak's and above the spike's."""
LEAST_INPUT = 0.02
"""kHz of excitatory spikes; a neuron with less has no input worth a transfer function."""
SETTLING_TIMES = 4.0
"""Time constants of the adaptation before spikes are counted."""
DURATION = 10_000.0


def measure_and_fit(parameters: Parameters, duration: float = DURATION) -> dict[Kind, Fit]:
    """Fit both populations of the spiking regions; takes about a minute, on one core, for 10 s.

    Args:
        parameters: of the simulation.
        duration: time in which spikes are counted, of the neuron at each input [ms].

    Raises:
        ConfigError: the neurons are of the user's own file.
        UserError: NEST does not have the neurons, or they fire too little to fit anything.
    """
    from tvb_nest.nest_side.single_neurons import count_spikes

    if parameters.resolved.param_tvb_nest.network_file is not None:
        message = "makes neurons that only it knows; a transfer function can be fitted without it only"
        raise ConfigError([parameters.problem(Finding(("param_tvb_nest", "network_file"), message))])
    populations = building.network_parameters(parameters).populations
    mean_field = building.mean_field_parameters(parameters)
    neurons: dict[Kind, Mapping[str, float]] = {"e": populations.excitatory, "i": populations.inhibitory}
    fits: dict[Kind, Fit] = {}
    for number, (kind, values) in enumerate(neurons.items()):
        into_e, into_i = plan_inputs(mean_field, values["E_L"], values["V_th"])
        spikes = count_spikes(
            populations.neuron_type,
            values,
            (mean_field.Q_e, into_e),
            (mean_field.Q_i, into_i),
            settle=SETTLING_TIMES * max(values["tau_w"], mean_field.T),
            duration=duration,
            resolution=parameters.resolved.param_nest.sim_resolution,
            threads=building.threads(parameters),
            seed=parameters.resolved.param_nest.master_seed + number,
        )
        fits[kind] = fit_threshold(MeasuredRates(into_e, into_i, spikes, duration), mean_field, kind)
    return fits


def plan_inputs(
    mean_field: MeanFieldParameters, leak_potential: float, threshold: float
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Excitatory and inhibitory input [kHz] of the points: levels of inhibition, and at each the excitation that holds
    the mean potential at levels from below the leak's to above the spike's.

    Args:
        mean_field: its synapses.
        leak_potential, threshold: of the neurons [mV].
    """
    m = mean_field
    most = MOST_INHIBITORY_RATE * m.g * m.p_connect_i * m.N_tot
    levels = most * np.linspace(0, 1, INHIBITORY_LEVELS) ** 1.5
    potentials = np.linspace(leak_potential - BELOW_REST, threshold + ABOVE_THRESHOLD, POTENTIAL_LEVELS)
    into_i, potential = (grid.ravel() for grid in np.meshgrid(levels, potentials))
    current = m.Q_i * m.tau_i * into_i * (m.E_i - potential) + m.g_L * (leak_potential - potential)
    into_e = current / (potential - m.E_e) / (m.Q_e * m.tau_e)
    enough = into_e > LEAST_INPUT
    return into_e[enough], into_i[enough]


def with_fits(parameters: Parameters, fits: Mapping[Kind, Fit]) -> Parameters:
    """The same simulation with the fitted coefficients."""
    return parameters.changed({("param_tvb_model", f"P_{kind}"): list(fit.coefficients) for kind, fit in fits.items()})
