"""The transfer function: output rate of a population from the rates of its inputs, with analytic derivatives.

Zerlaut et al., J Comput Neurosci 44:45 (2018), doi 10.1007/s10827-017-0668-2, with the adaptation of di Volo et al.,
Neural Comput 31:653 (2019), doi 10.1162/neco_a_01173; numbers of equations below are those of di Volo et al.
"""

from __future__ import annotations

import math
from typing import Any

from tvb_nest.tvb_side.mean_field import jets
from tvb_nest.tvb_side.mean_field.jets import add, inlined, multiply, reciprocal, scale_shift
from tvb_nest.tvb_side.mean_field.parameters import Constants, Population

SPONTANEOUS = 1e-6
"""Rate [kHz] of spontaneous release, added to the rates of the region; it keeps the variance above 0."""
POTENTIAL_CENTRE, POTENTIAL_WIDTH = -60.0, 10.0
DEVIATION_CENTRE, DEVIATION_WIDTH = 4.0, 6.0
TIME_CENTRE = 0.5
"""Where the polynomial of the threshold is centred, and its scales: mV, mV and membrane time constants."""


@inlined
def transfer(nu_e: float, nu_i: float, outer_e: float, outer_i: float, W: float, p: Population, c: Constants) -> Any:
    """The rate at which a population fires in response to its inputs.

    Args:
        nu_e, nu_i: rates of the region's own populations [kHz].
        outer_e, outer_i: rates of excitatory and inhibitory input from outside the region [kHz].
        W: adaptation current [pA].
        p: constants of the population.
        c: constants of the mean field.

    Returns:
        The jet of the rate, [kHz] and its derivatives with respect to them [kHz], and the mean potential [mV].
    """
    x, half_rate, potential = argument(nu_e, nu_i, outer_e, outer_i, W, p, c)
    return multiply(jets.complementary_error(x), half_rate), potential


@inlined
def argument(nu_e: float, nu_i: float, outer_e: float, outer_i: float, W: float, p: Population, c: Constants) -> Any:
    """What the rate is made of (equation 10): F = erfc(x) / (2 T_V).

    Returns:
        The jets of x and of 1 / (2 T_V) [kHz], and the mean potential [mV]; for the arguments see `transfer`.
    """
    potential, deviation, time = fluctuations(nu_e, nu_i, outer_e, outer_i, W, p, c)
    level = scale_shift(threshold(potential, deviation, scale_shift(time, c.g_L / c.C_m, 0.0), p), 1e3, 0.0)
    distance = add(level, scale_shift(potential, -1.0, 0.0))
    x = multiply(distance, reciprocal(scale_shift(deviation, math.sqrt(2.0), 0.0)))
    return x, reciprocal(scale_shift(time, 2.0, 0.0)), potential[0]


@inlined
def fluctuations(
    nu_e: float, nu_i: float, outer_e: float, outer_i: float, W: float, p: Population, c: Constants
) -> Any:
    """Mean [mV], standard deviation [mV] and autocorrelation time [ms] of the potential: jets (equations 5-9)."""
    f_e = jets.plane((nu_e + SPONTANEOUS) * c.synapses_e + outer_e * c.K_ext_e, c.synapses_e, 0.0)
    f_i = jets.plane((nu_i + SPONTANEOUS) * c.synapses_i + outer_i * c.K_ext_i, 0.0, c.synapses_i)
    g_e = scale_shift(f_e, c.Q_e * c.tau_e, 0.0)
    g_i = scale_shift(f_i, c.Q_i * c.tau_i, 0.0)
    resistance = reciprocal(scale_shift(add(g_e, g_i), 1.0, c.g_L))
    current = scale_shift(add(scale_shift(g_e, c.E_e, 0.0), scale_shift(g_i, c.E_i, 0.0)), 1.0, c.g_L * p.E_L - W)
    potential = multiply(current, resistance)
    membrane_time = scale_shift(resistance, c.C_m, 0.0)
    s_e = _shot(f_e, potential, resistance, c.Q_e * c.tau_e, c.E_e)
    s_i = _shot(f_i, potential, resistance, c.Q_i * c.tau_i, c.E_i)
    variance = add(
        multiply(s_e, reciprocal(scale_shift(membrane_time, 1.0, c.tau_e))),
        multiply(s_i, reciprocal(scale_shift(membrane_time, 1.0, c.tau_i))),
    )
    time = multiply(add(s_e, s_i), reciprocal(variance))
    return potential, jets.square_root(scale_shift(variance, 0.5, 0.0)), time


@inlined
def threshold(V: Any, S: Any, T: Any, p: Population) -> Any:
    """The effective threshold [V] from mean, deviation [mV] and time [membrane time constants]: a jet (equation 11)."""
    v = scale_shift(V, 1.0 / POTENTIAL_WIDTH, -POTENTIAL_CENTRE / POTENTIAL_WIDTH)
    s = scale_shift(S, 1.0 / DEVIATION_WIDTH, -DEVIATION_CENTRE / DEVIATION_WIDTH)
    t = scale_shift(T, 1.0, -TIME_CENTRE)
    with_v = add(add(scale_shift(v, p.PVV, p.PV), scale_shift(s, p.PVS, 0.0)), scale_shift(t, p.PVT, 0.0))
    with_s = add(scale_shift(s, p.PSS, p.PS), scale_shift(t, p.PST, 0.0))
    with_t = scale_shift(t, p.PTT, p.PT)
    products = add(add(multiply(v, with_v), multiply(s, with_s)), multiply(t, with_t))
    return scale_shift(products, 1.0, p.P0)


@inlined
def _shot(f: Any, potential: Any, resistance: Any, charge: float, reversal: float) -> Any:
    """Shot noise of one kind of synapse: rate times the square of the area of its post-synaptic potential."""
    area = multiply(scale_shift(potential, -charge, charge * reversal), resistance)
    return multiply(f, multiply(area, area))
