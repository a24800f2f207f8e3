"""The pump against the published cycle, solved another way, and against measured currents."""

import json
from itertools import product

import numpy as np
import pytest

BASE = {"nai": 10, "ko": 3, "atpi": 1.4, "adpi": 0.03, "ki": 135, "nao": 145, "v": -65}

# steady currents, 1e-5 mA/cm2, of the nakpump of neurodamus-models (metabolism), one variable at a time
MEASURED = {
    "nai": {5: 1.27, 8: 5.63, 10: 10.0, 15: 22.4, 20: 31.6, 30: 40.0},
    "ko": {1: 1.50, 2: 5.83, 3: 10.0, 5: 15.5, 8: 18.9, 10: 19.9},
    "atpi": {0.05: 0.18, 0.1: 0.87, 0.25: 2.66, 0.5: 5.02, 1: 8.27, 1.4: 10.0, 2.5: 13.0},
    "adpi": {0.01: 10.3, 0.03: 10.0, 0.1: 9.1, 0.3: 6.7, 1: 0.82},
    "v": {-100: 4.3, -65: 10.0, -30: 15.5, 0: 18.2},
}


@pytest.mark.parametrize("variable", MEASURED)
def test_follows_the_measured_currents(experiment, variable):
    table = MEASURED[variable]
    found = [ipump for ipump, _, _ in experiment("pump", json.dumps([{variable: x} for x in table]))]
    np.testing.assert_allclose(np.array(found) * 1e5, list(table.values()), rtol=0.015, atol=0.006)


def cycle_current(nai, ko, atpi, adpi, ki, nao, v):
    """Steady state of the six-state cycle by linear algebra, mA/cm2 (Chapman, Johnson & Kootsey 1983)."""
    na, k, atp, adp, kin, naout = (1e-3 * x for x in (nai, ko, atpi, adpi, ki, nao))
    u = v * 1e-3 * 96485.33212 / (8.314462618 * 310)
    forward = [2.5e11 * na**3, 1e4, 172, 1.5e7 * k**2, 2e6 * atp * np.exp(0.5 * u), 1.15e4]
    backward = [1e5, 1e5 * adp, 1.72e4 * naout**3, 2e5 * 4.2e-3, 30 * np.exp(-0.5 * u), 6e8 * kin**2]
    rates = np.zeros((6, 6))
    for i in range(6):
        j = (i + 1) % 6
        rates[j, i] += forward[i]
        rates[i, i] -= forward[i]
        rates[i, j] += backward[i]
        rates[j, j] -= backward[i]
    rates[0] = 1
    occupancy = np.linalg.solve(rates, [1, 0, 0, 0, 0, 0])
    flux = forward[5] * occupancy[5] - backward[5] * occupancy[0]
    return 1e3 * 96485.33212 * 1.25e-13 * flux


def test_is_the_steady_state_of_the_six_state_cycle(experiment):
    axes = {
        "nai": (1, 10, 60),
        "ko": (0.5, 3, 15),
        "atpi": (1e-3, 0.3, 4),
        "adpi": (1e-4, 0.05, 2),
        "v": (-100, -40, 30),
    }
    points = [dict(zip(axes, values, strict=True)) for values in product(*axes.values())]
    found = [ipump for ipump, _, _ in experiment("pump", json.dumps(points))]
    expected = np.array([cycle_current(**(BASE | point)) for point in points])
    assert np.any(expected < 0), "the grid holds reversed cycles too"
    np.testing.assert_allclose(found, expected, rtol=1e-7, atol=1e-12)


def test_moves_three_sodium_out_for_two_potassium_in(experiment):
    for ipump, ina, ik in experiment("pump", json.dumps([{}, {"nai": 30}, {"adpi": 3}])):
        assert (ina, ik) == pytest.approx((3 * ipump, -2 * ipump), rel=1e-12)


def test_stops_without_fuel_or_sodium_and_never_turns_negative_pools_into_current(experiment):
    empty, negative, without_sodium = (
        ipump
        for ipump, _, _ in experiment(
            "pump", json.dumps([{"atpi": 0, "adpi": 0}, {"atpi": -1, "adpi": 0}, {"nai": -5, "adpi": 0}])
        )
    )
    assert empty == negative
    assert 0 <= -empty < 1e-9
    assert 0 <= -without_sodium < 1e-9
