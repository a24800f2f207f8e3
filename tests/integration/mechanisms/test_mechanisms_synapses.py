"""Synapses: reversal potentials, the ions that carry the current, short-term plasticity, repeatability."""

import numpy as np
import pytest


@pytest.fixture(scope="module")
def points(experiment):
    return {point["v"]: point for point in experiment("synapses")}


def test_excitation_reverses_at_zero_whatever_the_voltage_block(points):
    assert points[0]["ampa"] > 0
    assert points[0]["nmda"] > 0
    assert abs(points[0]["total"]) < 1e-15
    assert points[-1e-6]["total"] < 0 < points[1e-6]["total"]


def test_excitatory_current_is_ohmic_in_the_open_conductance(points):
    for v, point in points.items():
        assert point["total"] == pytest.approx((point["ampa"] + point["nmda"]) * v, rel=1e-9, abs=1e-15)
        assert point["ina"] + point["ik"] + point["ica"] == pytest.approx(point["total"], rel=1e-9, abs=1e-15)


def test_calcium_carries_its_permeability_share(points):
    for v, point in points.items():
        share = point["ampa"] * 0.00118 / 2.00118 + point["nmda"] * 0.075 / 2.075
        assert point["ica"] == pytest.approx(share * (v - point["eca"]), rel=1e-9)


def test_sodium_enters_and_potassium_leaves_at_rest(points):
    assert points[-65]["ina"] < points[-65]["total"] < 0 < points[-65]["ik"]


def test_magnesium_block(points):
    def unblocked(v):
        return 1 / (1 + np.exp(-0.062 * v) / 3.57)

    ratio = points[-65]["nmda"] / points[30]["nmda"]
    assert ratio == pytest.approx(unblocked(-65) / unblocked(30), rel=1e-9)


@pytest.mark.parametrize("receptor", ["gaba_a", "gaba_b"])
def test_inhibition_reverses_at_its_ion(points, receptor):
    for v, point in points.items():
        current, conductance, reversal = point[receptor]
        assert conductance > 0
        assert current == pytest.approx(conductance * (v - reversal), rel=1e-9)


@pytest.mark.parametrize(("use", "dep", "fac", "interval"), [(0.5, 700, 20, 50), (0.1, 50, 500, 20), (0.4, 300, 0, 30)])
def test_mean_release_follows_tsodyks_and_markram(experiment, use, dep, fac, interval):
    found = experiment("release", use, dep, fac, interval)
    u, ready, expected = 0.0, 1.0, []
    for i in range(8):
        elapsed = interval if i else 10
        u = (u * np.exp(-elapsed / fac) if fac else 0) * (1 - use) + use
        ready = 1 - (1 - ready) * np.exp(-elapsed / dep)
        expected.append(u * ready)
        ready -= u * ready
    for kind in ("ProbAMPANMDA_EMS", "ProbGABAAB_EMS"):
        np.testing.assert_allclose(found[kind], expected, atol=0.006)  # four standard errors of 100 000 vesicles
    falls = expected[-1] < expected[0]
    assert falls == (use > 0.1), "the cases hold depression and facilitation"


def test_release_is_in_whole_vesicles_and_repeats_bit_by_bit(experiment):
    found = experiment("release", 0.5, 200, 20, 40)
    assert found["few"][0] == found["few"][1]
    assert set(found["few"][0]) <= {0, 1, 2, 3}
    assert max(found["few"][0]) > 1
    assert max(found["minis"]) == 1
    assert found["depleted"] == 0


@pytest.mark.parametrize(("receptor", "rise", "decay"), [("g_AMPA", 0.2, 1.7), ("g_GABAA", 0.2, 8)])
def test_a_weight_is_the_peak_conductance_in_nanosiemens(experiment, receptor, rise, decay):
    course = experiment("time_course")[receptor]
    peak = rise * decay / (decay - rise) * np.log(decay / rise)
    assert course["peak"] == pytest.approx(3e-3, rel=1e-3), "uS"
    assert course["time"] == pytest.approx(peak, abs=0.003)

    def shape(t):
        return np.exp(-t / decay) - np.exp(-t / rise)

    assert course["later"] / course["peak"] == pytest.approx(shape(peak + 5) / shape(peak), rel=2e-3)
