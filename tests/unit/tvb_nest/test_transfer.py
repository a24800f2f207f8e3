"""The transfer function against its equations, written here once more, and its derivatives against differences."""

from __future__ import annotations

from dataclasses import replace

import numba
import numpy as np
import pytest
from scipy.special import erfc

from mpi_coupling import UserError
from tvb_nest.tvb_side.mean_field import jets
from tvb_nest.tvb_side.mean_field.parameters import MeanFieldParameters
from tvb_nest.tvb_side.mean_field.transfer import transfer

PARAMETERS = MeanFieldParameters(K_ext_i=30.0, E_L_i=-67.0)
POINTS = [(0.005, 0.012, 0.002, 0.0, 50.0), (0.0, 0.0, 0.0, 0.0, 0.0), (0.06, 0.1, 0.01, 0.003, 300.0)]


@numba.njit
def compiled(nu_e, nu_i, outer_e, outer_i, W, p, c):
    return transfer(nu_e, nu_i, outer_e, outer_i, W, p, c)


def by_hand(nu_e, nu_i, outer_e, outer_i, W, m: MeanFieldParameters, kind: str):
    """Facts 5.2, in complex numbers too; the rate and the mean potential."""
    E_L, P = getattr(m, f"E_L_{kind}"), getattr(m, f"P_{kind}")
    f_e = (nu_e + 1e-6) * (1 - m.g) * m.p_connect_e * m.N_tot + outer_e * m.K_ext_e
    f_i = (nu_i + 1e-6) * m.g * m.p_connect_i * m.N_tot + outer_i * m.K_ext_i
    G_e, G_i = m.Q_e * m.tau_e * f_e, m.Q_i * m.tau_i * f_i
    G = m.g_L + G_e + G_i
    T_m = m.C_m / G
    mu = (G_e * m.E_e + G_i * m.E_i + m.g_L * E_L - W) / G
    U_e, U_i = m.Q_e / G * (m.E_e - mu), m.Q_i / G * (m.E_i - mu)
    a_e, a_i = f_e * (U_e * m.tau_e) ** 2, f_i * (U_i * m.tau_i) ** 2
    sigma = np.sqrt(a_e / (2 * (m.tau_e + T_m)) + a_i / (2 * (m.tau_i + T_m)))
    T_V = (a_e + a_i) / (a_e / (m.tau_e + T_m) + a_i / (m.tau_i + T_m))
    V, S, t = (mu + 60) / 10, (sigma - 4) / 6, T_V * m.g_L / m.C_m - 0.5
    terms = np.array([1, V, S, t, V**2, S**2, t**2, V * S, V * t, S * t])
    return erfc((1000 * (terms @ np.array(P)) - mu) / (np.sqrt(2) * sigma)) / (2 * T_V), mu


def evaluate(point: tuple, kind: str) -> tuple:
    constants = PARAMETERS.constants()
    return compiled(*point, constants.excitatory if kind == "e" else constants.inhibitory, constants)


def test_value_worked_out_step_by_step() -> None:
    """No neurons inside, one excitatory input of 0.5 kHz on a leak, a threshold of -50 mV.

    G = 10 + 1 * 5 * 0.5 = 12.5 nS, mu = -650 / 12.5 = -52 mV, T_m = 16 ms, U tau = 5 * 52 / 12.5 = 20.8 mV,
    sigma^2 = 0.5 * 20.8^2 / (2 * 21) = 5.15048, T_V = 21 ms, x = 2 / (sqrt 2 * 2.26947) = 0.623148,
    erfc(x) = 0.378175, F = 0.378175 / 42 = 9.00416e-3 kHz.
    """
    flat = (-0.05, *[0.0] * 9)
    m = MeanFieldParameters(Q_e=1.0, P_e=flat, N_tot=1e-9, K_ext_e=1.0)
    rate, potential = compiled(0.0, 0.0, 0.5, 0.0, 0.0, m.constants().excitatory, m.constants())
    assert potential == pytest.approx(-52.0, rel=1e-9)
    assert rate[0] == pytest.approx(9.00416e-3, rel=1e-6)


@pytest.mark.parametrize("kind", ["e", "i"])
@pytest.mark.parametrize("point", POINTS)
def test_value_and_derivatives(point: tuple, kind: str) -> None:
    (value, d_e, d_i, d_ee, d_ei, d_ii), potential = evaluate(point, kind)

    def first(change: tuple[float, float], axis: int) -> float:
        """Derivative with the complex step: exact, because nothing is subtracted."""
        nu = [point[0] + change[0], point[1] + change[1]]
        nu[axis] += 1e-30j
        return by_hand(*nu, *point[2:], PARAMETERS, kind)[0].imag / 1e-30

    expected, expected_potential = by_hand(*point, PARAMETERS, kind)
    assert value == pytest.approx(expected, rel=1e-12)
    assert potential == pytest.approx(expected_potential, rel=1e-13)
    assert d_e == pytest.approx(first((0, 0), 0), rel=1e-10)
    assert d_i == pytest.approx(first((0, 0), 1), rel=1e-10)
    h = 1e-4 * (point[0] + 1e-6), 1e-4 * (point[1] + 1e-6)
    assert d_ee == pytest.approx((first((h[0], 0), 0) - first((-h[0], 0), 0)) / (2 * h[0]), rel=1e-5)
    assert d_ei == pytest.approx((first((0, h[1]), 0) - first((0, -h[1]), 0)) / (2 * h[1]), rel=1e-5)
    assert d_ii == pytest.approx((first((0, h[1]), 1) - first((0, -h[1]), 1)) / (2 * h[1]), rel=1e-5)


def test_excitation_excites_and_inhibition_inhibits() -> None:
    (_, d_e, d_i, *_), _ = evaluate(POINTS[0], "e")
    assert d_e > 0 > d_i


@pytest.mark.parametrize(
    ("function", "plain"),
    [
        (jets.reciprocal, lambda z: 1 / z),
        (jets.square_root, np.sqrt),
        (jets.complementary_error, erfc),
    ],
)
def test_functions_of_jets(function: object, plain: object) -> None:
    """Of f(x y), whose derivatives are y f', x f', y^2 f'', f' + x y f'', x^2 f''."""
    x, y = 0.7, 1.3
    result = function(jets.multiply(jets.plane(x, 1.0, 0.0), jets.plane(y, 0.0, 1.0)))
    first = plain(x * y + 1e-30j).imag / 1e-30
    h = 1e-5
    second = (plain(x * y + h + 1e-30j).imag - plain(x * y - h + 1e-30j).imag) / (2e-30 * h)
    expected = (plain(x * y), y * first, x * first, y**2 * second, first + x * y * second, x**2 * second)
    assert result == pytest.approx(expected, rel=1e-8)


def test_all_wrong_parameters_are_named_at_once() -> None:
    with pytest.raises(UserError) as error:
        replace(PARAMETERS, order=3, T=0.0, g=1.5, P_e=(1.0,), Q_e=float("nan"), covariance="none")
    for part in ("order = 3", "T = 0.0", "g = 1.5", "P_e has 1 coefficients", "Q_e = nan", "covariance = none"):
        assert part in str(error.value)
