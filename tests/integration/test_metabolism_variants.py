"""What the variants change, where they rest, and what the corrected rate laws repair."""

from dataclasses import replace

import numpy as np
import pytest

from multiscale_run.metabolism import NetworkError, Status, load_network, make_engine
from multiscale_run.metabolism.equations import build_equations
from multiscale_run.metabolism.evaluate import Evaluator
from multiscale_run.metabolism.rest import find_rest, relax


def rate(variant, name, state=(), inputs=()):
    """One rate at the standard initial state with some species and inputs set."""
    network = load_network(variant)
    u, p = load_network().initial_state(), network.default_inputs()
    for species, value in dict(state).items():
        u[0, network.slot(species)] = value
    for given, value in dict(inputs).items():
        p[0, network.input_index(given)] = value
    position = [r.id for r in network.rates].index(name)
    return Evaluator(build_equations(network)).rates(u, p)[0, position]


def test_corrected_keeps_the_rates_at_rest():
    for name in ("v_sdh_n", "v_sdh_a", "v_gls_n"):
        assert rate("corrected", name) == pytest.approx(rate("standard", name), rel=1e-9)
    assert rate("corrected", "v_agc_n") == pytest.approx(rate("standard", "v_agc_n"), rel=2e-3)
    assert rate("corrected", "v_agc_n") < rate("standard", "v_agc_n")


@pytest.mark.parametrize("cell", ["n", "a"])
def test_corrected_succinate_dehydrogenase_needs_its_substrates(cell):
    name, succinate, fumarate = f"v_sdh_{cell}", f"suc_m_{cell}", f"fum_m_{cell}"
    full = 0.99 * 0.726
    assert rate("corrected", name, {succinate: 0.0}) < 0
    assert rate("corrected", name, {fumarate: 0.0, f"nadh_m_{cell}": full}) > 0
    # the published law runs backwards on NADH alone
    assert rate("standard", name, {fumarate: 0.0, f"nadh_m_{cell}": full}) < 0


def test_glutaminase_follows_mitochondria_once():
    half = {"mito_scale": 0.5}
    assert rate("corrected", "v_gls_n", inputs=half) == pytest.approx(0.5 * rate("standard", "v_gls_n"))
    assert rate("young", "v_gls_n", inputs=half) == pytest.approx(0.25 * rate("standard", "v_gls_n"))


def test_corrected_survives_hypoxia(tmp_path):
    """Inflow 1e-4 per s turns fumarate negative after 16 s in the published network; here it stays above zero."""
    network = load_network("corrected")
    engine = make_engine("native", network, cache_dir=tmp_path)
    state, inputs = network.initial_state(), network.default_inputs()
    inputs[0, network.input_index("bf_fin")] = 1e-4
    for _ in range(120):
        assert engine.advance(state, inputs, 1.0).status[0] == Status.OK
    assert state[0, network.slot("fum_m_n")] > 1e-3


@pytest.mark.parametrize("variant", ["standard", "young", "aged", "corrected"])
def test_initial_states_are_at_rest(variant):
    """Everything moves by less than 0.01 mM/s (mV/s) but ATP, whose consumer is the electrical model."""
    network = load_network(variant)
    speed = Evaluator(build_equations(network)).derivative(network.initial_state(), network.default_inputs())[0]
    moving = {network.species[slot].id for slot in np.flatnonzero(np.abs(speed) >= 1e-2)}
    assert moving <= {"atp_c_n"}


def test_aged_starts_where_relaxation_leads():
    network, standard = load_network("aged"), load_network()
    published = replace(network, species=standard.species)
    expected = relax(published, 100.0)
    np.testing.assert_allclose(network.initial_state()[0], expected, rtol=1e-6, atol=1e-9)
    pool = {p.id: p.value for p in network.parameters}["nad_tot_shuttle_a"]
    assert standard.initial_state()[0, network.slot("nadh_c_a")] > pool
    assert expected[network.slot("nadh_c_a")] < pool


@pytest.mark.parametrize("variant", ["standard", "corrected"])
def test_rest_is_found(variant, tmp_path):
    network = load_network(variant)
    rest = find_rest(network, cache_dir=tmp_path)
    assert np.array_equal(rest, find_rest(network, cache_dir=tmp_path))
    assert len(list(tmp_path.iterdir())) == 1
    speed = Evaluator(build_equations(network)).derivative(rest[None], network.default_inputs())[0]
    moving = {network.species[slot].id for slot in np.flatnonzero(np.abs(speed) > 1e-5)}
    assert moving <= set(network.held_at_rest)
    assert rest[network.slot("ATP_n")] == network.initial_state()[0, network.slot("ATP_n")]


def test_without_rest_the_species_is_named(tmp_path):
    with pytest.raises(NetworkError, match=r"'aged' has no resting state: after .* s mal_m_n still moves by 0\.01"):
        find_rest(load_network("aged"), cache_dir=tmp_path)
