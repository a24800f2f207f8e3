"""From release to vessel: every release wakes the astrocyte, its calcium spreads, the vessel dilates."""

import pytest


@pytest.fixture(scope="module")
def rest(experiment):
    return experiment("glia", 0, 1, 500)


@pytest.fixture(scope="module")
def slow(experiment):
    return experiment("glia", 99, 100, 10_000)


@pytest.fixture(scope="module")
def busy(experiment):
    return experiment("glia", 495, 20, 10_000)


def test_every_release_is_one_upward_crossing_and_one_event(busy):
    assert 100 < busy["released"] < busy["vesicles"]
    assert busy["crossings"] == busy["near"] == busy["whole"] == busy["released"]


def test_a_burst_is_forgotten_after_a_millisecond(busy):
    assert busy["burst"] == 0


def test_without_glutamate_nothing_moves(rest):
    assert rest["near"] == 0
    assert rest["radius"] == pytest.approx(4.0, rel=1e-12)
    assert rest["calcium"] == pytest.approx(dict.fromkeys(rest["calcium"], 5e-5), rel=1e-9)


def test_calcium_rises_most_where_glutamate_is_and_reaches_the_endfoot(busy):
    calcium = busy["calcium"]
    assert 5e-5 < calcium["endfoot"] < calcium["process"] < 2e-3
    assert calcium["process"] > 3e-4


def test_the_vessel_dilates_with_activity_and_stays_plausible(slow, busy):
    assert 4.0 < slow["radius"] < busy["radius"] < 4.0 * 1.2
    assert busy["radius"] > 4.0 * 1.02
