"""Haemodynamic response functions: what an impulse of activity does to the BOLD signal, as in The Virtual Brain."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import gamma, pi

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Response:
    """A response function and how the signal follows from the activity convolved with it: gain * (x - baseline).

    Attributes:
        kernel: the response at times after the impulse [s].
        gain: factor of the signal.
        baseline: convolved activity at which the signal is 0.
    """

    kernel: Callable[[NDArray[np.float64]], NDArray[np.float64]]
    gain: float = 1.0
    baseline: float = 0.0


def first_order_volterra(t: NDArray[np.float64], tau_s: float = 0.8, tau_f: float = 0.4) -> NDArray[np.float64]:
    """First Volterra kernel of the balloon model: a damped oscillation.

    Source: Friston et al., NeuroImage 12:466 (2000), doi 10.1006/nimg.2000.0630.
    """
    frequency = np.sqrt(1.0 / tau_f - 1.0 / (4.0 * tau_s**2))
    return np.exp(-0.5 * t / tau_s) * np.sin(frequency * t) / (3.0 * frequency)


def gamma_function(t: NDArray[np.float64], tau: float = 1.08, n: int = 3, peak: float = 0.1) -> NDArray[np.float64]:
    """A gamma density, scaled to its peak: Boynton et al., J Neurosci 16:4207 (1996)."""
    response = (t / tau) ** (n - 1) * np.exp(-t / tau)
    return peak * response / response.max()


def double_exponential(t: NDArray[np.float64], peak: float = 0.1) -> NDArray[np.float64]:
    """The difference of two damped sines, scaled to its peak: Polonsky et al., Nat Neurosci 3:1153 (2000)."""
    response = np.exp(-t / 7.22) * np.sin(2 * pi * 0.03 * t) - np.exp(-t / 7.4) * np.sin(2 * pi * 0.12 * t)
    return peak * response / response.max()


def mixture_of_gammas(
    t: NDArray[np.float64], a_1: float = 6.0, a_2: float = 13.0, c: float = 0.4
) -> NDArray[np.float64]:
    """The difference of two gamma densities: Glover, NeuroImage 9:416 (1999), doi 10.1006/nimg.1998.0419."""
    return np.exp(-t) * (t ** (a_1 - 1) / gamma(a_1) - c * t ** (a_2 - 1) / gamma(a_2))


RESPONSES = {
    "FirstOrderVolterra": Response(first_order_volterra, gain=5.6 * 0.02, baseline=1.0),  # k_1 * V_0 of the balloon
    "Gamma": Response(gamma_function),
    "DoubleExponential": Response(double_exponential),
    "MixtureOfGammas": Response(mixture_of_gammas),
}
"""By the names of The Virtual Brain."""
