"""From release to vessel: potassium within a second, calcium over seconds; both dilate the vessel, and both pass."""

import numpy as np
import pytest

R0 = 4.0
ONSET = 100
NO_POTASSIUM, NO_IP3 = "kgain_cadifus=0", "ip3gain_cadifus=0"


@pytest.fixture(scope="module")
def rest(experiment):
    return experiment("glia", 0, 1, 5000)


@pytest.fixture(scope="module")
def slow(experiment):
    return experiment("glia", 10, 200, 10_000)


@pytest.fixture(scope="module")
def busy(experiment):
    return experiment("glia", 495, 20, 10_000)


@pytest.fixture(scope="module")
def burst(experiment):
    """20 Hz for two seconds; with and without each of the two paths."""

    def run(*changes):
        return experiment("glia", 40, 50, 12_000, *changes)

    return {"both": run(), "potassium": run(NO_IP3), "calcium": run(NO_POTASSIUM), "none": run(NO_IP3, NO_POTASSIUM)}


def dilation(result):
    """Relative change of the radius over time."""
    return np.array(result["traces"]["radius"]) / R0 - 1


def at(result, ms):
    return round(ms / result["sample"])


def first_time(result, level):
    """When the relative change first exceeds the level, in ms after the first spike; it must."""
    above = np.flatnonzero(dilation(result) > level)
    assert len(above), f"never dilated by {level}"
    return above[0] * result["sample"] - ONSET


def test_every_release_is_one_upward_crossing_and_one_event(busy):
    assert 100 < busy["released"] < busy["vesicles"]
    assert busy["crossings"] == busy["near"] == busy["whole"] == busy["released"]


def test_a_burst_is_forgotten_after_a_millisecond(busy):
    assert busy["burst"] == 0


def test_without_glutamate_nothing_moves_for_seconds(rest):
    assert rest["near"] == 0
    for name, trace in rest["traces"].items():
        np.testing.assert_allclose(trace, trace[0], rtol=1e-12, atol=1e-15, err_msg=name)
    assert rest["traces"]["radius"][0] == R0
    assert rest["traces"]["perivascular"][0] == rest["traces"]["cleft"][0] == 3
    assert rest["calcium"] == pytest.approx(dict.fromkeys(rest["calcium"], 5e-5), rel=1e-9)


def test_rest_is_exact_at_another_potassium_of_the_neuropil(experiment):
    trace = dilation(experiment("glia", 0, 1, 1000, "kbath_cadifus=4.5"))
    np.testing.assert_allclose(trace, 0, atol=1e-12)


def test_calcium_rises_most_where_glutamate_is_and_reaches_the_endfoot(busy):
    calcium = busy["calcium"]
    assert 5e-5 < calcium["endfoot"] < calcium["process"] < 2e-3
    assert calcium["process"] > 3e-4


def test_potassium_saturates_and_clears_within_a_second(burst, busy):
    cleft = np.array(burst["both"]["traces"]["cleft"])
    assert 4.5 < cleft.max() < 11
    assert cleft[at(burst["both"], 3100)] < 3.2
    assert 5 < max(busy["traces"]["cleft"]) < 11


def test_astrocyte_is_depolarised_by_millivolts_also_at_the_endfoot(burst):
    traces = burst["potassium"]["traces"]
    for name in ("v", "endfoot_v"):
        assert 1 < max(traces[name]) - traces[name][0] < 15
        assert min(traces[name]) > traces[name][0] - 3


def test_each_path_alone_dilates_and_together_they_dilate_more(burst):
    peak = {name: dilation(result).max() for name, result in burst.items()}
    assert peak["none"] < 1e-12
    assert 0.01 < peak["potassium"] < peak["both"]
    assert 0.01 < peak["calcium"] < peak["both"]


def test_potassium_is_faster_than_calcium(burst):
    fast, slow = burst["potassium"], burst["calcium"]
    assert first_time(fast, 0.002) < 500
    assert first_time(slow, 0.002) > first_time(fast, 0.002) + 200
    time_to_half = [first_time(result, dilation(result).max() / 2) for result in (fast, slow)]
    assert time_to_half[0] + 300 < time_to_half[1]


def test_dilation_is_measurable_after_a_second(burst):
    assert 0.005 < dilation(burst["both"])[at(burst["both"], ONSET + 1000)] < 0.03


def test_the_vessel_dilates_with_activity_and_stays_below_the_ceiling(experiment, slow, burst, busy):
    extreme = experiment("glia", 4000, 1, 6000, "kgain_cadifus=100", "ip3gain_cadifus=1")
    peaks = [dilation(result).max() for result in (slow, burst["both"], busy, extreme)]
    assert peaks == sorted(peaks)
    assert peaks[0] > 0.003
    assert 0.04 < peaks[1] < 0.1
    assert 0.1 < peaks[-1] < 0.18


def test_vessel_and_astrocyte_return_to_rest_within_seconds(burst):
    result = burst["both"]
    change = dilation(result)
    peak = change.argmax()
    half = (np.flatnonzero(change[peak:] < change[peak] / 2)[0]) * result["sample"]
    assert 500 < half < 4000
    assert abs(change[-1]) < 0.01 * change[peak]
    assert result["traces"]["perivascular"][-1] == pytest.approx(3, abs=0.05)
    assert result["traces"]["v"][-1] == pytest.approx(result["traces"]["v"][0], abs=0.1)


def test_potassium_of_the_neuropil_dilates_by_itself(experiment):
    """What the coupling can set while the run goes on."""
    raised = experiment("glia", 0, 1, 3000, "kbath_cadifus=3.5@500")
    change = dilation(raised)
    assert abs(change[at(raised, 500)]) < 1e-12
    assert 0.005 < change[-1] < 0.1
    assert 2 < raised["traces"]["v"][-1] - raised["traces"]["v"][0] < 8


def test_saved_astrocyte_goes_on_exactly_where_it_was(experiment):
    result = experiment("glia_restart")
    assert result["before"][0] != result["before"][1]
    assert result["after"] == result["before"]
