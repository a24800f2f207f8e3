"""The compiled loop: delayed coupling, right-hand side, Heun's method, noise and bounds, for many steps in one call.

Regions are computed in groups of `LANES`. Arrays of a group are flat, value k of lane i at ``k * LANES + i``, and loops
over lanes have a constant length: only so the compiler turns them into vector instructions. What it cannot vectorise,
erfc and exp, has loops of its own.

Numba does not notice a change in a module that this one calls: after an edit of `jets` or `transfer` remove the
``__pycache__`` folders.
"""

from __future__ import annotations

import math
from typing import Any, get_args

import numba
import numpy as np

from tvb_nest.tvb_side.mean_field.jets import RELAXED, erfc_slope, error_jet, multiply
from tvb_nest.tvb_side.mean_field.parameters import Constants, Covariance
from tvb_nest.tvb_side.mean_field.transfer import argument

LANES = 16
"""Regions in a group; loops over 8 are unrolled in place of vectorised, which costs a factor of 2."""
X, HALF_RATE, POTENTIAL, ERFC, ERFC_SLOPE, WIDTH = 0, 6, 12, 13, 14, 15
"""Where a group keeps, for each population, the jets and values that its rate is made of; `WIDTH` values in all."""
TVB_NEST = get_args(Covariance).index("tvb-nest")
EL_BOUSTANI = get_args(Covariance).index("el-boustani")

compiled = numba.njit(cache=True, error_model="numpy", nogil=True)
inlined = numba.njit(cache=True, error_model="numpy", fastmath=RELAXED, forceinline=True)
vectorised = numba.njit(cache=True, error_model="numpy", nogil=True, fastmath=RELAXED)


@compiled
def advance(
    first_step: int,
    state: Any,
    history: Any,
    coupling: Any,
    dt: float,
    noise: Any,
    proxies: Any,
    proxy_rates: Any,
    c: Constants,
    out: Any,
) -> None:
    """Advances all regions, and puts the given rates into those that are proxies, in place.

    Args:
        first_step: number of the first step to compute.
        state: shape (n_variables, n_regions).
        history: E [kHz] of past steps, shape (horizon, n_regions); row ``step % horizon``.
        coupling: factor, row starts, sources, weights and delays [steps]: the sparse delayed coupling.
        dt: time step [ms].
        noise: what noise adds in each step, shape (n_steps, n_variables, n_regions).
        proxies: the regions that replay a rate, n_proxies of them.
        proxy_rates: their rates [kHz], shape (n_steps, n_proxies).
        c: constants of the mean field.
        out: receives the states, shape (n_steps, n_variables, n_regions).
    """
    n_variables, n_regions = state.shape
    group = np.zeros((5, n_variables * LANES))
    work, arriving = np.zeros(2 * WIDTH * LANES), np.zeros(LANES)
    for k in range(len(noise)):
        for start in range(0, n_regions, LANES):
            for i in range(start, min(start + LANES, n_regions)):
                arriving[i - start] = delayed_input(i, first_step + k, history, coupling)
            load(state, start, group[0])
            load(noise[k], start, group[1])
            heun_step(group[0], group[1], arriving, dt, c, group[2], group[3], group[4], work)
            store(group[0], start, state)
        state[:, proxies] = np.nan
        state[0, proxies] = proxy_rates[k]
        # after all regions have read: the oldest row that they read is the one that is written
        history[(first_step + k) % len(history)] = state[0]
        out[k] = state


@compiled
def heun_step(
    x: Any, noise: Any, arriving: Any, dt: float, c: Constants, predicted: Any, before: Any, after: Any, work: Any
) -> None:
    """One step of a group by Heun's method, in place; the noise is the same in predictor and corrector.

    The last four arrays are room for intermediate values.
    """
    slope(x, arriving, c, before, work)
    for k in range(len(x)):
        predicted[k] = x[k] + dt * before[k] + noise[k]
    keep_rates_positive(predicted)
    slope(predicted, arriving, c, after, work)
    for k in range(len(x)):
        x[k] += 0.5 * dt * (before[k] + after[k]) + noise[k]
    keep_rates_positive(x)


@compiled
def delayed_input(target: int, step: int, history: Any, coupling: Any) -> float:
    """What arrives at a region during a step [kHz]: the rates one delay before the beginning of the step."""
    factor, starts, sources, weights, delays = coupling
    horizon = len(history)
    now = (step - 1) % horizon
    total = 0.0
    for k in range(starts[target], starts[target + 1]):
        row = now - delays[k]
        if row < 0:  # a branch, because a division for each connection costs more than all the rest of the sum
            row += horizon
        total += weights[k] * history[row, sources[k]]
    return factor * total


@compiled
def delayed_inputs(targets: Any, first_step: int, history: Any, coupling: Any, out: Any) -> None:
    """`delayed_input` of some regions from a step on, into `out`, shape (n_steps, n_targets)."""
    for k in range(len(out)):
        for q in range(len(targets)):
            out[k, q] = delayed_input(targets[q], first_step + k, history, coupling)


@compiled
def load(array: Any, start: int, lanes: Any) -> None:
    """Copies the regions from `start` on out of an array of shape (n_variables, n_regions)."""
    for v in range(len(array)):
        for i in range(start, min(start + LANES, array.shape[1])):
            lanes[v * LANES + i - start] = array[v, i]


@compiled
def store(lanes: Any, start: int, array: Any) -> None:
    """Copies a group back to where `load` took it from."""
    for v in range(len(array)):
        for i in range(start, min(start + LANES, array.shape[1])):
            array[v, i] = lanes[v * LANES + i - start]


@compiled
def keep_rates_positive(x: Any) -> None:
    """Bounds of the state: rates, the first two variables, are not negative."""
    for k in range(2 * LANES):
        if x[k] < 0.0:
            x[k] = 0.0


@compiled
def slope(x: Any, arriving: Any, c: Constants, out: Any, work: Any) -> None:
    """Time derivative of the state of a group, of either order, into `out`.

    Args:
        x: state, n_variables * LANES values.
        arriving: input from other regions [kHz], LANES values.
        c: constants of the mean field.
        out: like x.
        work: 2 * WIDTH * LANES values of room.
    """
    second = len(x) == 8 * LANES
    if second:
        collect_jets(x, arriving, c, work)
    else:
        collect_values(x, arriving, c, work)
    for population in range(2):
        at = population * WIDTH * LANES
        for i in range(at, at + LANES):
            work[ERFC * LANES + i] = math.erfc(work[X * LANES + i])
            if second:
                work[ERFC_SLOPE * LANES + i] = erfc_slope(work[X * LANES + i])
    if second:
        second_order(x, c, out, work)
        adaptation(x, c, 5, out, work)
    else:
        first_order(x, c, out, work)
        adaptation(x, c, 2, out, work)


@vectorised
def collect_jets(x: Any, arriving: Any, c: Constants, work: Any) -> None:
    """What the rates of both populations are made of, for the second order, which needs their derivatives."""
    for i in range(LANES):
        excitatory, inhibitory = arguments(x, i, arriving[i], c, 5, True)
        put(excitatory, work, i)
        put(inhibitory, work, WIDTH * LANES + i)


@vectorised
def collect_values(x: Any, arriving: Any, c: Constants, work: Any) -> None:
    """The same for the first order. As nobody uses the derivatives here the compiler leaves them out."""
    for i in range(LANES):
        excitatory, inhibitory = arguments(x, i, arriving[i], c, 2, False)
        put_values(excitatory, work, i)
        put_values(inhibitory, work, WIDTH * LANES + i)


@inlined
def arguments(x: Any, i: int, arriving: float, c: Constants, W: int, second: bool) -> Any:
    """What the rates of both populations of lane i are made of; W is the place of the adaptation currents in x."""
    nu_e, nu_i, W_e, W_i = x[i], x[LANES + i], x[W * LANES + i], x[(W + 1) * LANES + i]
    into_e, into_i = outer_rates(arriving, x[(W + 2) * LANES + i], second, c)
    return (
        argument(nu_e, nu_i, into_e, c.external_input_ex_in, W_e, c.excitatory, c),
        argument(nu_e, nu_i, into_i, c.external_input_in_in, W_i, c.inhibitory, c),
    )


@inlined
def outer_rates(arriving: float, drift: float, second: bool, c: Constants) -> Any:
    """Excitatory rates [kHz] from outside into the two populations."""
    fluctuating = c.weight_noise * drift
    if second or not c.compat:
        return (
            max(arriving + c.external_input_ex_ex + fluctuating, 0.0),
            max(c.S_i * arriving + c.external_input_in_ex + fluctuating, 0.0),
        )
    common = max(arriving + fluctuating, 0.0)
    return common + c.external_input_ex_ex, common + c.external_input_in_ex


@inlined
def put(parts: Any, work: Any, at: int) -> None:
    """Keeps the jets and the potential that `argument` gives for one lane."""
    x, half_rate, potential = parts
    work[at], work[LANES + at], work[2 * LANES + at] = x[0], x[1], x[2]
    work[3 * LANES + at], work[4 * LANES + at], work[5 * LANES + at] = x[3], x[4], x[5]
    work[6 * LANES + at], work[7 * LANES + at], work[8 * LANES + at] = half_rate[0], half_rate[1], half_rate[2]
    work[9 * LANES + at], work[10 * LANES + at], work[11 * LANES + at] = half_rate[3], half_rate[4], half_rate[5]
    work[POTENTIAL * LANES + at] = potential


@inlined
def put_values(parts: Any, work: Any, at: int) -> None:
    """Keeps the values of what `argument` gives, without their derivatives."""
    x, half_rate, potential = parts
    work[X * LANES + at], work[HALF_RATE * LANES + at], work[POTENTIAL * LANES + at] = x[0], half_rate[0], potential


@inlined
def get(work: Any, at: int) -> Any:
    """The jet that begins at a place."""
    return (
        work[at],
        work[LANES + at],
        work[2 * LANES + at],
        work[3 * LANES + at],
        work[4 * LANES + at],
        work[5 * LANES + at],
    )


@inlined
def rate(work: Any, at: int) -> Any:
    """The jet of the transfer function of one lane, after erfc has been filled in."""
    value, first = work[ERFC * LANES + at], work[ERFC_SLOPE * LANES + at]
    return multiply(error_jet(get(work, X * LANES + at), value, first), get(work, HALF_RATE * LANES + at))


@vectorised
def first_order(x: Any, c: Constants, out: Any, work: Any) -> None:
    """Rates relax to the transfer functions."""
    for i in range(2 * LANES):
        at = i if i < LANES else (WIDTH - 1) * LANES + i
        out[i] = (work[ERFC * LANES + at] * work[HALF_RATE * LANES + at] - x[i]) / c.T


@vectorised
def second_order(x: Any, c: Constants, out: Any, work: Any) -> None:
    """Rates and their covariances: El Boustani & Destexhe 2009, doi 10.1162/neco.2009.02-08-710."""
    unit = c.derivative_unit
    for i in range(LANES):
        nu_e, nu_i = x[i], x[LANES + i]
        ee, ei, ii = x[2 * LANES + i], x[3 * LANES + i], x[4 * LANES + i]
        F_e, F_i = rate(work, i), rate(work, WIDTH * LANES + i)
        gap_e, gap_i = F_e[0] - nu_e, F_i[0] - nu_i
        out[i] = (gap_e + unit * unit * (0.5 * ee * F_e[3] + ei * F_e[4] + 0.5 * ii * F_e[5])) / c.T
        out[LANES + i] = (gap_i + unit * unit * (0.5 * ee * F_i[3] + ei * F_i[4] + 0.5 * ii * F_i[5])) / c.T
        change_ee, change_ei, change_ii = covariance_change(ee, ei, ii, F_e, F_i, c)
        variance_e = F_e[0] * (1.0 / c.T - F_e[0]) / c.N_e
        variance_i = F_i[0] * (1.0 / c.T - F_i[0]) / c.N_i
        out[2 * LANES + i] = (variance_e + gap_e * gap_e + change_ee - 2.0 * ee) / c.T
        out[3 * LANES + i] = (gap_e * gap_i + change_ei - 2.0 * ei) / c.T
        out[4 * LANES + i] = (variance_i + gap_i * gap_i + change_ii - 2.0 * ii) / c.T


@inlined
def covariance_change(ee: float, ei: float, ii: float, F_e: Any, F_i: Any, c: Constants) -> Any:
    """What the slopes of the transfer functions do to the covariances, in the form of `MeanFieldParameters`."""
    unit = c.derivative_unit
    e_e, e_i, i_e, i_i = unit * F_e[1], unit * F_e[2], unit * F_i[1], unit * F_i[2]
    cross_ee, cross_ii = e_i, i_e
    if c.covariance == TVB_NEST:
        cross_ee, cross_ii = i_i, e_e
    mixed = ee * e_e + ei * (i_e + e_i) + ii * i_i
    if c.covariance == EL_BOUSTANI:
        mixed = ee * i_e + ei * (e_e + i_i) + ii * e_i
    return 2.0 * (ee * e_e + ei * cross_ee), mixed, 2.0 * (ii * i_i + ei * cross_ii)


@vectorised
def adaptation(x: Any, c: Constants, W: int, out: Any, work: Any) -> None:
    """Slopes of the adaptation currents [pA/ms] and of the OU variable; W is their place in x."""
    e, i = c.excitatory, c.inhibitory
    for k in range(LANES):
        potential_e, potential_i = work[POTENTIAL * LANES + k], work[(WIDTH + POTENTIAL) * LANES + k]
        w_e, w_i, drift = W * LANES + k, (W + 1) * LANES + k, (W + 2) * LANES + k
        out[w_e] = (e.a * (potential_e - e.E_L) - x[w_e]) / e.tau_w + e.b * x[k]
        out[w_i] = (i.a * (potential_i - i.E_L) - x[w_i]) / i.tau_w + i.b * x[LANES + k]
        out[drift] = -x[drift] / c.tau_OU
