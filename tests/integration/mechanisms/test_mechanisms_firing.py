"""Regular-spiking cells adapt at 5-30 Hz, fast-spiking cells do not adapt and pass 100 Hz."""

import numpy as np
import pytest

TICK = 0.025  # ms


@pytest.fixture(scope="module")
def regular(experiment):
    return experiment("firing", "RegularSpiking", 500, 0.05, 0.15, 0.3, 0.6)


@pytest.fixture(scope="module")
def fast(experiment):
    return experiment("firing", "FastSpiking", 500, 0.05, 0.2, 0.4, 0.6)


def rates(steps):
    return [2.0 * len(step["spikes"]) for step in steps]


def test_regular_spiking_rates(regular):
    silent, low, middle, high = rates(regular)
    assert silent == 0
    assert 5 <= low < middle < high <= 35


def test_regular_spiking_adapts(regular):
    intervals = np.diff(regular[2]["spikes"])
    assert intervals[-1] > 1.3 * intervals[0]


def test_fast_spiking_rates(fast):
    silent, low, middle, high = rates(fast)
    assert silent == 0
    assert 0 < low < 100 < middle < high < 400


def test_fast_spiking_does_not_adapt(fast):
    intervals = np.diff(fast[2]["spikes"])
    assert np.max(intervals) < 1.25 * np.min(intervals)


@pytest.mark.parametrize(("cells", "step", "width"), [("regular", 1, (0.6, 1.4)), ("fast", 1, (0.3, 0.8))])
def test_action_potentials(request, cells, step, width):
    voltage = np.array(request.getfixturevalue(cells)[step]["voltage"])
    peak = np.argmax(voltage)
    around = voltage[peak - 200 : peak + 400]
    threshold = around[np.argmax(np.diff(around) / TICK > 20)]
    assert 20 < voltage[peak] < 60
    assert -55 < threshold < -35
    half = (voltage[peak] + threshold) / 2
    assert width[0] < np.sum(around > half) * TICK < width[1]
    assert -90 < around[200:].min() < -50


def test_input_resistance(experiment):
    (hyperpolarised,) = experiment("firing", "RegularSpiking", 500, -0.02)
    assert 50 < (hyperpolarised["voltage"][-1] + 65) / -0.02 < 250, "MOhm"


def test_the_energy_of_spiking_is_modest(experiment):
    (step,) = experiment("firing", "RegularSpiking", 2000, 0.35)
    assert 15 < len(step["spikes"]) / 2 < 25, "Hz"
    assert step["nai"] < 12, "mM, from 10"
    assert step["demand"] < 0.1, "mM/s"
