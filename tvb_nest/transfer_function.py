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

INHIBITORY_LEVELS, POTENTIAL_LEVELS = 12, 16
"""Points of the grid of the first, short run."""
MOST_INHIBITORY_RATE = 0.04
"""kHz, of a region's inhibitory neurons: the end of the grid."""
BELOW_REST, ABOVE_THRESHOLD = 3.0, 15.0
"""mV by which the mean potential, without adaptation, goes below the leak's and above the spike's."""
LEAST_INPUT = 0.02
"""kHz of excitatory spikes; a neuron with less has no input worth a transfer function."""
SHORT_RUN = 0.2
"""Part of the duration."""
TARGETS = {0.5e-3: 8, 1e-3: 8, 2e-3: 6, 3e-3: 4, 5e-3: 3, 8e-3: 2, 12e-3: 2, 20e-3: 1, 30e-3: 1, 40e-3: 1}
"""Output [kHz] looked for at each level of inhibition, and the neurons that are counted there: slow ones need more to
be known as well, and asynchronous networks live by the slow ones."""
SETTLING_TIMES = 4.0
"""Time constants of the adaptation before spikes are counted."""
DURATION = 10_000.0


def measure_and_fit(parameters: Parameters, duration: float = DURATION) -> dict[Kind, Fit]:
    """Fit both populations of the spiking regions; takes a minute or two on one core for 10 s.

    Args:
        parameters: of the simulation.
        duration: time in which the spikes of each neuron are counted [ms].

    Raises:
        ConfigError: the neurons are of the user's own file.
        UserError: NEST does not have the neurons, or they fire too little to fit anything.
    """
    if parameters.resolved.param_tvb_nest.network_file is not None:
        message = "makes neurons that only it knows; a transfer function can be fitted without it only"
        raise ConfigError([parameters.problem(Finding(("param_tvb_nest", "network_file"), message))])
    mean_field = building.mean_field_parameters(parameters)
    populations = building.network_parameters(parameters).populations
    neurons: dict[Kind, Mapping[str, float]] = {"e": populations.excitatory, "i": populations.inhibitory}
    fits: dict[Kind, Fit] = {}
    for kind, values in neurons.items():
        grid = plan_grid(mean_field, values["E_L"], values["V_th"])
        ones = np.ones(len(grid[0]), dtype=np.int64)
        first = _measure(parameters, mean_field, kind, values, (*grid, ones), SHORT_RUN * duration)
        measured = _measure(parameters, mean_field, kind, values, inputs_of_targets(first), duration)
        fits[kind] = fit_threshold(measured, mean_field, kind)
    return fits


def plan_grid(
    mean_field: MeanFieldParameters, leak_potential: float, threshold: float
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Excitatory and inhibitory input [kHz]: levels of inhibition, and at each the excitation that holds the mean
    potential at levels from below the leak's to above the spike's.

    Args:
        mean_field: its synapses.
        leak_potential, threshold: of the neurons [mV].
    """
    m = mean_field
    most = MOST_INHIBITORY_RATE * m.g * m.p_connect_i * m.N_tot
    levels = most * np.linspace(0, 1, INHIBITORY_LEVELS) ** 1.5
    potentials = np.linspace(leak_potential - BELOW_REST, threshold + ABOVE_THRESHOLD, POTENTIAL_LEVELS)
    potential, into_i = (grid.ravel() for grid in np.meshgrid(potentials, levels))
    current = m.Q_i * m.tau_i * into_i * (m.E_i - potential) + m.g_L * (leak_potential - potential)
    into_e = current / (potential - m.E_e) / (m.Q_e * m.tau_e)
    enough = into_e > LEAST_INPUT
    return into_e[enough], into_i[enough]


def inputs_of_targets(first: MeasuredRates) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.int64]]:
    """Where a first run says that neurons fire at the `TARGETS`: excitatory and inhibitory input [kHz], and neurons.

    Targets above all rates of a level of inhibition are left out.
    """
    points = []
    for level in np.unique(first.inhibitory_input):
        chosen = np.flatnonzero(first.inhibitory_input == level)
        chosen = chosen[np.argsort(first.excitatory_input[chosen])]
        # chance must not make the rate fall with the input; a little slope, to be invertible
        rising = np.maximum.accumulate(first.rates[chosen]) + 1e-9 * np.arange(len(chosen))
        for target, neurons in TARGETS.items():
            if rising[0] <= target <= rising[-1]:
                points.append((np.interp(target, rising, first.excitatory_input[chosen]), level, neurons))
    table = np.array(points, dtype=np.float64).reshape(-1, 3)
    return table[:, 0], table[:, 1], table[:, 2].astype(np.int64)


def _measure(
    parameters: Parameters,
    mean_field: MeanFieldParameters,
    kind: Kind,
    neuron: Mapping[str, float],
    points: tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.int64]],
    duration: float,
) -> MeasuredRates:
    """Count spikes in NEST; `points` are excitatory and inhibitory input and the number of neurons that get it."""
    from tvb_nest.nest_side.single_neurons import count_spikes

    into_e, into_i, neurons = points
    spikes = count_spikes(
        parameters.resolved.param_nest_topology.neuron_type,
        neuron,
        (mean_field.Q_e, np.repeat(into_e, neurons)),
        (mean_field.Q_i, np.repeat(into_i, neurons)),
        settle=SETTLING_TIMES * max(neuron["tau_w"], mean_field.T),
        duration=duration,
        resolution=parameters.resolved.param_nest.sim_resolution,
        threads=building.threads(parameters),
        seed=parameters.resolved.param_nest.master_seed + (kind == "i"),
    )
    by_point = np.bincount(np.repeat(np.arange(len(neurons)), neurons), weights=spikes, minlength=len(neurons))
    return MeasuredRates(into_e, into_i, by_point.astype(np.int64), duration * neurons.astype(np.float64))


def with_fits(parameters: Parameters, fits: Mapping[Kind, Fit]) -> Parameters:
    """The same simulation with the fitted coefficients."""
    return parameters.changed({("param_tvb_model", f"P_{kind}"): list(fit.coefficients) for kind, fit in fits.items()})
