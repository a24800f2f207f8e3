"""The fit of the transfer function: known coefficients are found again; the inputs at which neurons are measured."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from mpi_coupling import UserError
from tvb_nest import building
from tvb_nest.nest_side.single_neurons import count_spikes
from tvb_nest.parameters import read_parameters
from tvb_nest.setup_folder import write_example
from tvb_nest.transfer_function import inputs_of_targets, plan_grid, with_fits
from tvb_nest.tvb_side.mean_field.fitting import Fit, MeasuredRates, _Inputs, fit_threshold, stationary_adaptation
from tvb_nest.tvb_side.mean_field.parameters import MeanFieldParameters

MEAN_FIELD = MeanFieldParameters(b_e=20.0)
FLAT = (-0.05, *[0.0] * 9)
LONG = 1e6
"""ms of counting, so that chance is small."""


def predicted(mean_field: MeanFieldParameters, kind: str) -> MeasuredRates:
    """Rates that the mean field's neurons have in steady state, their adaptation included, found by bisection."""
    into_e, into_i = plan_grid(mean_field, -65.0, -50.0)
    coefficients = np.array(getattr(mean_field, f"P_{kind}"))
    durations = np.full(len(into_e), LONG)
    low, high = np.zeros(len(into_e)), np.full(len(into_e), 0.2)
    for _ in range(40):
        middle = 0.5 * (low + high)
        measured = MeasuredRates(into_e, into_i, middle * durations, durations)
        above = _Inputs(measured, mean_field, kind).transfer(coefficients) > middle
        low, high = np.where(above, middle, low), np.where(above, high, middle)
    return MeasuredRates(into_e, into_i, np.rint(low * LONG).astype(np.int64), durations)


@pytest.mark.parametrize("kind", ["e", "i"])
def test_the_transfer_function_that_made_the_rates_is_found(kind: str) -> None:
    measured = predicted(MEAN_FIELD, kind)
    assert (measured.rates > 1e-3).sum() > 60, "the grid has many inputs at which neurons fire"
    fit = fit_threshold(measured, replace(MEAN_FIELD, P_e=FLAT, P_i=FLAT), kind)
    busy = measured.rates > 0.5e-3
    np.testing.assert_allclose(fit.rates[busy], measured.rates[busy], rtol=0.02, atol=2e-5)
    assert fit.coefficients[0] == pytest.approx(getattr(MEAN_FIELD, f"P_{kind}")[0], abs=2e-4)


def test_chance_in_the_counts_is_told_from_misfit() -> None:
    exact = predicted(MEAN_FIELD, "e")
    counts = np.random.default_rng(3).poisson(exact.rates * 1e4)
    durations = np.full(len(counts), 1e4)
    measured = MeasuredRates(exact.excitatory_input, exact.inhibitory_input, counts, durations)
    fit = fit_threshold(measured, MEAN_FIELD, "e")
    points, misfit, chance = fit.misfit(2e-3, 20e-3)
    assert points > 20 and 0.6 * chance < misfit < 1.3 * chance
    close = (exact.rates > 2e-3) & (exact.rates < 20e-3)
    assert np.sqrt(np.mean((fit.rates - exact.rates)[close] ** 2)) < 0.6 * chance, "many points: better than one count"
    assert np.isnan(fit.misfit(1.0, 2.0)[1])


def test_adaptation_is_stationary() -> None:
    """W = b tau_w nu + a (mu_V - E_L), with the potential that W itself lowers, worked out for one input.

    Without input mu_V = E_L - W / g_L: W = b tau_w nu / (1 + a / g_L) = 60 * 500 * 0.01 / 1.4 = 214.286 pA.
    """
    measured = MeasuredRates(np.zeros(1), np.zeros(1), np.array([10]), np.array([1e3]))
    assert stationary_adaptation(measured, MeanFieldParameters(), "e")[0] == pytest.approx(300 / 1.4)
    assert stationary_adaptation(measured, MeanFieldParameters(), "i")[0] == 0.0


def test_neurons_that_hardly_fire_are_refused() -> None:
    inputs = np.linspace(0.1, 1.0, 50)
    spikes = np.where(np.arange(50) < 8, 10, 0)
    with pytest.raises(UserError, match="neurons fire at 8 of 50 inputs only"):
        fit_threshold(MeasuredRates(inputs, inputs, spikes, np.full(50, 1e3)), MEAN_FIELD, "e")


def test_neurons_that_never_reach_a_target_are_refused_too() -> None:
    silent = MeasuredRates(np.linspace(0.1, 1.0, 5), np.zeros(5), np.zeros(5, dtype=np.int64), np.full(5, 1e3))
    into_e, into_i, neurons = inputs_of_targets(silent)
    spikes = count_spikes("aeif_cond_exp", {}, (1.0, into_e), (1.0, into_i), settle=1.0, duration=1.0)
    with pytest.raises(UserError, match="neurons fire at 0 of 0 inputs only"):
        fit_threshold(MeasuredRates(into_e, into_i, spikes, neurons.astype(float)), MEAN_FIELD, "e")


def test_the_inputs_hold_the_potential_at_levels_from_below_rest_to_above_threshold() -> None:
    m = MeanFieldParameters(Q_e=1.0, Q_i=10.0)
    into_e, into_i = plan_grid(m, -64.5, -50.0)
    excitation, inhibition = m.Q_e * m.tau_e * into_e, m.Q_i * m.tau_i * into_i
    potential = (inhibition * m.E_i + m.g_L * -64.5) / (m.g_L + excitation + inhibition)
    assert potential.max() == pytest.approx(-35.0) and potential.min() >= -67.5 - 1e-9
    assert into_i.min() == 0 and into_i.max() == pytest.approx(0.04 * 100), "40 Hz in each of 100 synapses"
    assert into_e.min() > 0.02


def test_targets_are_looked_for_where_the_first_run_found_them() -> None:
    """Rates of 0, 10, 8 (chance), 30 Hz at inputs 1, 2, 3, 4 kHz: 20 Hz lie half-way from 3 to 4, 40 Hz nowhere."""
    counts = np.array([0, 10, 8, 30])
    first = MeasuredRates(np.array([1.0, 2.0, 3.0, 4.0]), np.full(4, 0.7), counts, np.full(4, 1e3))
    into_e, into_i, neurons = inputs_of_targets(first)
    assert (into_i == 0.7).all() and len(into_e) == 9
    assert into_e[-2:] == pytest.approx([3.5, 4.0], abs=1e-4) and into_e[0] == pytest.approx(1.05, abs=1e-4)
    assert (np.diff(into_e) > 0).all() and (np.diff(neurons) <= 0).all() and neurons[0] == 8


def test_the_fit_goes_into_the_parameter_file(tmp_path) -> None:
    parameters = write_example(tmp_path, "two-regions")
    measured = MeasuredRates(np.ones(1), np.ones(1), np.ones(1, dtype=np.int64), np.ones(1))
    fits = {kind: Fit((value, *[0.0] * 9), np.ones(1), measured) for kind, value in
            (("e", -0.04), ("i", -0.06))}  # fmt: skip
    model = with_fits(parameters, fits).resolved.param_tvb_model
    assert (model.P_e[0], model.P_i[0]) == (-0.04, -0.06)
    assert model.Q_i == read_parameters(tmp_path).resolved.param_tvb_model.Q_i


@pytest.mark.parametrize(("compat", "poisson"), [("corrected", True), ("corrected", False), ("upstream", True)])
def test_every_region_has_the_background_of_the_neurons(tmp_path, compat: str, poisson: bool) -> None:
    """Spikes per neuron and second, whatever the number of external synapses."""
    background = {"poisson": poisson, "rate_ex": 460.0, "rate_in": 7.0}
    parameters = write_example(tmp_path, "two-regions", compat=compat)
    parameters = parameters.changed({("param_nest_background", key): value for key, value in background.items()})
    m = building.mean_field_parameters(parameters)
    expected = (0.46, 7e-3) if (compat, poisson) == ("corrected", True) else (0.0, 0.0)
    for population in ("ex", "in"):
        rates = [getattr(m, f"external_input_{population}_{source}") for source in ("ex", "in")]
        assert (m.K_ext_e * rates[0], m.K_ext_i * rates[1]) == pytest.approx(expected)
