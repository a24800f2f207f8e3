"""The polynomial of the effective threshold, fitted to measured rates of single neurons.

The method of Zerlaut et al., J Comput Neurosci 44:45 (2018), doi 10.1007/s10827-017-0668-2, and di Volo et al., Neural
Comput 31:653 (2019), doi 10.1162/neco_a_01173: first the thresholds that explain the measured rates, which is linear
in the coefficients, then the rates themselves.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Literal

import numba
import numpy as np
from numpy.typing import NDArray
from scipy.optimize import least_squares
from scipy.special import erfcinv

from mpi_coupling.failure import UserError
from tvb_nest.tvb_side.mean_field.jets import scale_shift
from tvb_nest.tvb_side.mean_field.parameters import N_COEFFICIENTS, Constants, MeanFieldParameters, Population
from tvb_nest.tvb_side.mean_field.transfer import fluctuations, threshold, transfer

Floats = NDArray[np.float64]
Kind = Literal["e", "i"]

FEWEST_SPIKES = 3
"""At a point whose threshold is looked for; without a spike there is none."""
FEWEST_POINTS = 3 * N_COEFFICIENTS
MODEL_ERROR = 0.05
"""Relative misfit of a rate that is not held against the polynomial, so that the busiest points do not decide alone."""


@dataclass(frozen=True)
class MeasuredRates:
    """What neurons of a population did in steady state.

    Attributes:
        excitatory_input, inhibitory_input: spikes into a neuron [kHz], one value per point.
        spikes: counted.
        durations: time in which they were counted, of all neurons of a point together [ms].
    """

    excitatory_input: Floats
    inhibitory_input: Floats
    spikes: NDArray[np.int64]
    durations: Floats

    @property
    def rates(self) -> Floats:
        """Output [kHz]."""
        return self.spikes / self.durations


@dataclass(frozen=True)
class Fit:
    """A fitted transfer function.

    Attributes:
        coefficients: in the order of `MeanFieldParameters.P_e`.
        rates: fitted output at the measured points [kHz].
        measured: what was fitted.
    """

    coefficients: tuple[float, ...]
    rates: Floats
    measured: MeasuredRates

    def misfit(self, low: float, high: float) -> tuple[int, float, float]:
        """Points with a measured rate from `low` to `high` [kHz], root mean square of their misfit, and the part of it
        that is chance, for the spikes of a point are counted only for so long [kHz]; NaN without points."""
        rates = self.measured.rates
        chosen = (low <= rates) & (rates < high)
        if not chosen.any():
            return 0, math.nan, math.nan
        squares = np.mean((self.rates - rates)[chosen] ** 2)
        chance = np.mean(rates[chosen] / self.measured.durations[chosen])
        return int(chosen.sum()), float(np.sqrt(squares)), float(np.sqrt(chance))


def fit_threshold(measured: MeasuredRates, mean_field: MeanFieldParameters, kind: Kind) -> Fit:
    """Fit the coefficients of a population.

    Args:
        measured: rates of its neurons, with their own adaptation.
        mean_field: all other parameters; its coefficients do not matter.
        kind: of the population.

    Raises:
        UserError: the neurons fire at too few points.
    """
    inputs = _Inputs(measured, mean_field, kind)
    rates = measured.rates
    firing = (measured.spikes >= FEWEST_SPIKES) & (inputs.time * rates < 1)
    if firing.sum() < FEWEST_POINTS:
        raise UserError(
            f"transfer function: neurons fire at {firing.sum()} of {len(rates)} inputs only, which does not fix its "
            f"{N_COEFFICIENTS} coefficients; check the neurons' threshold and the synapses, or count for a longer time"
        )
    thresholds = inputs.potential + math.sqrt(2) * inputs.deviation * erfcinv(2 * inputs.time * rates)
    weight = np.sqrt(measured.spikes[firing])
    basis = inputs.basis()[firing] * weight[:, None]
    begin = np.linalg.lstsq(basis, 1e-3 * thresholds[firing] * weight, rcond=None)[0]
    one = 1 / measured.durations
    scatter = np.sqrt(rates * one + (MODEL_ERROR * rates) ** 2 + one**2)

    def residuals(coefficients: Floats) -> Floats:
        misfit: Floats = (inputs.transfer(coefficients) - rates) / scatter
        return misfit

    found = least_squares(residuals, begin, x_scale=np.maximum(np.abs(begin), 1e-4)).x
    return Fit(tuple(map(float, found)), inputs.transfer(found), measured)


def stationary_adaptation(measured: MeasuredRates, mean_field: MeanFieldParameters, kind: Kind) -> Floats:
    """The adaptation current that the mean field has at measured rates [pA]: W = b tau_w nu + a (mu_V(W) - E_L)."""
    a, b, tau_w, leak_potential = (getattr(mean_field, f"{name}_{kind}") for name in ("a", "b", "tau_w", "E_L"))
    conductance_e = mean_field.Q_e * mean_field.tau_e * measured.excitatory_input
    conductance_i = mean_field.Q_i * mean_field.tau_i * measured.inhibitory_input
    conductance = mean_field.g_L + conductance_e + conductance_i
    current = conductance_e * mean_field.E_e + conductance_i * mean_field.E_i + mean_field.g_L * leak_potential
    return (b * tau_w * measured.rates + a * (current / conductance - leak_potential)) / (1 + a / conductance)


class _Inputs:
    """The measured points as the mean field sees them."""

    def __init__(self, measured: MeasuredRates, mean_field: MeanFieldParameters, kind: Kind) -> None:
        constants = mean_field.constants()
        # all input is put in as if it came from outside, through one synapse
        self._constants = constants._replace(synapses_e=0.0, synapses_i=0.0, K_ext_e=1.0, K_ext_i=1.0)
        self._population = constants.excitatory if kind == "e" else constants.inhibitory
        adaptation = stationary_adaptation(measured, mean_field, kind)
        self._points = measured.excitatory_input, measured.inhibitory_input, adaptation
        self.potential, self.deviation, self.time, _, _ = self._values(np.zeros(N_COEFFICIENTS))

    def transfer(self, coefficients: Floats) -> Floats:
        """Rates [kHz]."""
        return self._values(coefficients)[4]

    def basis(self) -> Floats:
        """The powers that the coefficients belong to, (points, coefficients)."""
        return np.stack([self._values(unit)[3] for unit in np.eye(N_COEFFICIENTS)], axis=1)

    def _values(self, coefficients: Floats) -> Any:
        own = self._population[:-N_COEFFICIENTS]
        population = Population(*own, *map(float, coefficients))
        return _evaluate(*self._points, population, self._constants)


@numba.njit(cache=True, error_model="numpy")
def _evaluate(input_e: Floats, input_i: Floats, adaptation: Floats, p: Population, c: Constants) -> Floats:
    """Mean, deviation [mV], time [ms], threshold [V] and rate [kHz], shape (5, points)."""
    values = np.empty((5, len(input_e)))
    for k in range(len(input_e)):
        V, S, T = fluctuations(0.0, 0.0, input_e[k], input_i[k], adaptation[k], p, c)
        level = threshold(V, S, scale_shift(T, c.g_L / c.C_m, 0.0), p)
        rate, _ = transfer(0.0, 0.0, input_e[k], input_i[k], adaptation[k], p, c)
        values[0, k], values[1, k], values[2, k], values[3, k], values[4, k] = V[0], S[0], T[0], level[0], rate[0]
    return values
