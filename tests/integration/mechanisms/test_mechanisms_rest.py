"""A cell at rest stays at rest, ion by ion, whatever the density of its pumps."""

import pytest

CASES = [("RegularSpiking", 1), ("RegularSpiking", 0.4), ("FastSpiking", 1), ("FastSpiking", 1.8)]


@pytest.fixture(scope="module")
def rest(experiment):
    return {case: experiment("rest", *case) for case in CASES}


@pytest.mark.parametrize("case", CASES)
def test_no_pool_drifts_by_a_thousandth_in_a_second(rest, case):
    assert max(rest[case]["drift"].values()) < 1e-3, rest[case]["drift"]


@pytest.mark.parametrize("case", CASES)
def test_leaks_are_positive(rest, case):
    leaks = rest[case]["leaks"]
    assert leaks["gna"][0] > 0
    assert leaks["gk"][0] > 0
    assert leaks["icaextrusion"][0] >= 0


@pytest.mark.parametrize("case", CASES)
def test_net_currents_are_zero_at_initialisation(rest, case):
    assert rest[case]["current_at_zero"] == pytest.approx({"ina": 0, "ik": 0, "ica": 0, "icl": 0}, abs=1e-15), "mA/cm2"


@pytest.mark.parametrize("case", CASES)
def test_initialising_again_repeats_the_run_bit_by_bit(rest, case):
    assert rest[case]["repeats"]


def test_demand_scales_with_the_pump_density(rest):
    demand = {case: rest[case]["demand"] for case in CASES}
    assert 0.01 < demand["RegularSpiking", 1] < 0.05, "mM/s"
    assert demand["RegularSpiking", 0.4] == pytest.approx(0.4 * demand["RegularSpiking", 1], rel=1e-2)


def test_a_rest_that_needs_a_negative_leak_is_refused(experiment):
    message = experiment("negative_leak", fails=True)
    assert "cell gid 7 cannot rest at v_init = -65 mV" in message
    assert "gk = -" in message
    assert "raise nakpump.density" in message
