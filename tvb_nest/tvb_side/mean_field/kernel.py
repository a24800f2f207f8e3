"""The compiled loop: delayed coupling, right-hand side, Heun's method, noise and bounds, for many steps in one call.

Numba does not notice a change in a module that this one calls: after an edit of `jets` or `transfer` remove the
``__pycache__`` folders.
"""

from __future__ import annotations

from typing import Any, get_args

import numba
import numpy as np

from tvb_nest.tvb_side.mean_field.parameters import Constants, Covariance
from tvb_nest.tvb_side.mean_field.transfer import transfer

TVB_NEST = get_args(Covariance).index("tvb-nest")
EL_BOUSTANI = get_args(Covariance).index("el-boustani")

compiled = numba.njit(cache=True, error_model="numpy", nogil=True)
compiled_fast = numba.njit(cache=True, error_model="numpy", nogil=True, fastmath=True, forceinline=True)


@compiled
def advance(
    first_step: int,
    X: Any,
    history: Any,
    coupling: Any,
    dt: float,
    noise: Any,
    proxies: Any,
    proxy_rates: Any,
    c: Constants,
    out: Any,
) -> None:
    """Advances all regions that are no proxies, and puts the given rates into those that are, in place.

    Args:
        first_step: number of the first step to compute.
        X: state, shape (n_variables, n_regions).
        history: E [kHz] of past steps, shape (horizon, n_regions); row ``step % horizon``.
        coupling: factor, row starts, sources, weights and delays [steps]: the sparse delayed coupling.
        dt: time step [ms].
        noise: what noise adds in each step, shape (n_steps, n_variables, n_regions).
        proxies: the regions that replay a rate, n_proxies of them.
        proxy_rates: their rates [kHz], shape (n_steps, n_proxies).
        c: constants of the mean field.
        out: receives the states, shape (n_steps, n_variables, n_regions).
    """
    n_regions = X.shape[1]
    is_proxy = np.zeros(n_regions, np.bool_)
    is_proxy[proxies] = True
    x, predicted, before, after = np.empty(len(X)), np.empty(len(X)), np.empty(len(X)), np.empty(len(X))
    for k in range(len(noise)):
        for i in range(n_regions):
            if not is_proxy[i]:
                arriving = delayed_input(i, first_step + k, history, coupling)
                heun_step(X, noise, k, i, arriving, dt, c, x, predicted, before, after)
        X[0, proxies] = proxy_rates[k]
        # after all regions have read: the oldest row that they read is the one that is written
        history[(first_step + k) % len(history)] = X[0]
        out[k] = X


@compiled
def heun_step(
    X: Any,
    noise: Any,
    k: int,
    i: int,
    arriving: float,
    dt: float,
    c: Constants,
    x: Any,
    predicted: Any,
    before: Any,
    after: Any,
) -> None:
    """Step k of region i by Heun's method, in place; the noise is the same in predictor and corrector.

    The last four are room for intermediate values. Whole arrays and indices come in because a view of an array costs
    as much as a tenth of the step.
    """
    for v in range(len(x)):
        x[v] = X[v, i]
    slope(x, arriving, c, before)
    for v in range(len(x)):
        predicted[v] = x[v] + dt * before[v] + noise[k, v, i]
    keep_rates_positive(predicted)
    slope(predicted, arriving, c, after)
    for v in range(len(x)):
        x[v] += 0.5 * dt * (before[v] + after[v]) + noise[k, v, i]
    keep_rates_positive(x)
    for v in range(len(x)):
        X[v, i] = x[v]


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
def keep_rates_positive(x: Any) -> None:
    """Bounds of the state: rates are not negative."""
    if x[0] < 0.0:
        x[0] = 0.0
    if x[1] < 0.0:
        x[1] = 0.0


@compiled
def slope(x: Any, arriving: float, c: Constants, out: Any) -> None:
    """Time derivative of the state of one region, of either order."""
    if len(x) == 5:
        first_order(x, arriving, c, out)
    else:
        second_order(x, arriving, c, out)


@compiled
def outer_rates(arriving: float, drift: float, c: Constants) -> Any:
    """Excitatory rates [kHz] from outside into the two populations."""
    fluctuating = c.weight_noise * drift
    return (
        max(arriving + c.external_input_ex_ex + fluctuating, 0.0),
        max(c.S_i * arriving + c.external_input_in_ex + fluctuating, 0.0),
    )


@compiled_fast
def first_order(x: Any, arriving: float, c: Constants, out: Any) -> None:
    """Rates relax to the transfer functions; adaptation follows rate and potential."""
    nu_e, nu_i, W_e, W_i, drift = x[0], x[1], x[2], x[3], x[4]
    if c.compat:
        common = max(arriving + c.weight_noise * drift, 0.0)
        into_e, into_i = common + c.external_input_ex_ex, common + c.external_input_in_ex
    else:
        into_e, into_i = outer_rates(arriving, drift, c)
    F_e, V_e = transfer(nu_e, nu_i, into_e, c.external_input_ex_in, W_e, c.excitatory, c)
    F_i, V_i = transfer(nu_e, nu_i, into_i, c.external_input_in_in, W_i, c.inhibitory, c)
    out[0] = (F_e[0] - nu_e) / c.T
    out[1] = (F_i[0] - nu_i) / c.T
    adaptation(nu_e, nu_i, V_e, V_i, W_e, W_i, drift, c, out, 2)


@compiled_fast
def second_order(x: Any, arriving: float, c: Constants, out: Any) -> None:
    """Rates and their covariances: El Boustani & Destexhe 2009, doi 10.1162/neco.2009.02-08-710."""
    nu_e, nu_i, ee, ei, ii, W_e, W_i, drift = x[0], x[1], x[2], x[3], x[4], x[5], x[6], x[7]
    into_e, into_i = outer_rates(arriving, drift, c)
    F_e, V_e = transfer(nu_e, nu_i, into_e, c.external_input_ex_in, W_e, c.excitatory, c)
    F_i, V_i = transfer(nu_e, nu_i, into_i, c.external_input_in_in, W_i, c.inhibitory, c)
    unit = c.derivative_unit
    e_e, e_i, i_e, i_i = unit * F_e[1], unit * F_e[2], unit * F_i[1], unit * F_i[2]
    square = unit * unit
    out[0] = (F_e[0] - nu_e + square * (0.5 * ee * F_e[3] + ei * F_e[4] + 0.5 * ii * F_e[5])) / c.T
    out[1] = (F_i[0] - nu_i + square * (0.5 * ee * F_i[3] + ei * F_i[4] + 0.5 * ii * F_i[5])) / c.T
    cross_ee, cross_ii = e_i, i_e
    mixed = ee * i_e + ei * (e_e + i_i) + ii * e_i
    if c.covariance != EL_BOUSTANI:
        mixed = ee * e_e + ei * (i_e + e_i) + ii * i_i
    if c.covariance == TVB_NEST:
        cross_ee, cross_ii = i_i, e_e
    gap_e, gap_i = F_e[0] - nu_e, F_i[0] - nu_i
    out[2] = (F_e[0] * (1.0 / c.T - F_e[0]) / c.N_e + gap_e * gap_e + 2.0 * (ee * e_e + ei * cross_ee - ee)) / c.T
    out[3] = (gap_e * gap_i + mixed - 2.0 * ei) / c.T
    out[4] = (F_i[0] * (1.0 / c.T - F_i[0]) / c.N_i + gap_i * gap_i + 2.0 * (ii * i_i + ei * cross_ii - ii)) / c.T
    adaptation(nu_e, nu_i, V_e, V_i, W_e, W_i, drift, c, out, 5)


@compiled_fast
def adaptation(
    nu_e: float,
    nu_i: float,
    V_e: float,
    V_i: float,
    W_e: float,
    W_i: float,
    drift: float,
    c: Constants,
    out: Any,
    at: int,
) -> None:
    """Slopes of the adaptation currents [pA/ms] and of the OU variable, from place `at` on."""
    e, i = c.excitatory, c.inhibitory
    out[at] = (e.a * (V_e - e.E_L) - W_e) / e.tau_w + e.b * nu_e
    out[at + 1] = (i.a * (V_i - i.E_L) - W_i) / i.tau_w + i.b * nu_i
    out[at + 2] = -drift / c.tau_OU
