"""Bands and findings."""

import numpy as np
import pytest

from multiscale_run.metabolism import Band, findings, load_network


def test_band_sides():
    values = np.array([0.0, 0.25, 1.0, 2.5, 3.0, np.nan, np.inf])
    assert Band(lb=0.25, heb=2.5).violations(values).tolist() == [True, True, False, False, True, True, True]
    assert Band(leb=0.25, hb=2.5).violations(values).tolist() == [True, False, False, True, True, True, True]
    assert Band().violations(values).tolist() == [False] * 5 + [True, True]
    assert str(Band(leb=0.25, heb=2.5)) == ">= 0.25 and <= 2.5"
    assert str(Band()) == "finite"


def test_findings_name_species_value_and_rule():
    network = load_network()
    state = network.initial_state(3)
    state[1, network.slot("fum_m_n")] = -0.5
    state[1, network.slot("k_e")] = np.nan
    state[2, network.slot("ATP_n")] = 3.0
    found = findings(network, state, 1e-6, {network.slot("ATP_n"): Band(leb=0.25, heb=2.5)})
    assert [(f.row, f.species) for f in found] == [(1, "fum_m_n"), (1, "k_e"), (2, "atp_c_n")]
    text = found[2].describe(neuron=7, milliseconds=100.0)
    assert text == "neuron 7 at 100 ms: atp_c_n = 3 mM, must be >= 0.25 and <= 2.5"
    assert "-0.5" in found[0].describe("n", 0.0)


def test_rounding_below_zero_is_no_finding():
    network = load_network()
    state = network.initial_state()
    state[0, network.slot("amp_i_n")] = -1e-9
    assert not findings(network, state, 1e-6)
    # the membrane potential of the astrocyte is negative by nature
    assert state[0, network.slot("vm_c_a")] < 0


@pytest.mark.parametrize("slot", ["atp_c_n", "psi_m_n"])
def test_not_finite_is_always_a_finding(slot):
    network = load_network()
    state = network.initial_state()
    state[0, network.slot(slot)] = np.nan
    assert [f.species for f in findings(network, state, 1e-6)] == [slot]
