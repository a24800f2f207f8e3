"""The reference engine against published behaviour, and what it says about cells that cannot be advanced."""

import numpy as np
import pytest

from mpi_coupling.world import UserError
from multiscale_run.metabolism import Status, load_network, make_engine


@pytest.fixture(scope="module")
def network():
    return load_network()


@pytest.fixture
def engine(network):
    return make_engine("scipy", network, relative_tolerance=1e-6)


def test_atp_without_demand_follows_the_published_course(engine, network):
    """1.3868, 1.4004 and 1.431 mM after 0.1, 1 and 30 s: facts of the original model at inflow 0.012 per s."""
    state, inputs, atp = network.initial_state(), network.default_inputs(), network.slot("ATP_n")
    for seconds, expected, tolerance in ((0.1, 1.3868, 1e-4), (0.9, 1.4004, 1e-4), (29.0, 1.432, 2e-3)):
        assert engine.advance(state, inputs, seconds).status[0] == Status.OK
        assert state[0, atp] == pytest.approx(expected, abs=tolerance)


def test_oxygen_is_used_up_under_the_original_flow(engine, network):
    state, inputs = network.initial_state(), network.default_inputs()
    inputs[0, network.input_index("bf_fin")] = 1e-4
    oxygen = network.slot("o2_b")
    for seconds, expected in ((1.0, 4.15), (2.0, 1.00), (2.0, 0.07)):
        engine.advance(state, inputs, seconds)
        assert state[0, oxygen] == pytest.approx(expected, abs=0.01)


def test_constant_slots_and_masked_rows_are_untouched(engine, network):
    state, inputs = network.initial_state(3), network.default_inputs(3)
    before = state.copy()
    result = engine.advance(state, inputs, 0.1, np.array([True, False, True]))
    assert result.status.tolist() == [Status.OK, Status.INACTIVE, Status.OK]
    assert np.array_equal(state[1], before[1])
    assert np.array_equal(state[0], state[2])
    assert np.array_equal(state[:, network.constant_slots], before[:, network.constant_slots])


def test_failing_rows_keep_their_state_and_name_the_cause(network):
    engine = make_engine("scipy", network)
    state, inputs = network.initial_state(4), network.default_inputs(4)
    state[1, network.slot("ATP_n")] = -0.1
    inputs[2, network.input_index("bf_fin")] = np.nan
    before = state.copy()
    result = engine.advance(state, inputs, 0.01)
    assert result.status.tolist() == [Status.OK, Status.NEGATIVE_INPUT, Status.NOT_FINITE_INPUT, Status.OK]
    assert np.array_equal(state[1:3], before[1:3])
    assert np.array_equal(state[0], state[3])
    finding = result.findings[0]
    assert (finding.row, finding.species, finding.value) == (1, "atp_c_n", -0.1)
    assert "rows [1]" in result.message


def test_hypoxia_ends_in_a_named_negative_species(network):
    """Without flow the published succinate dehydrogenase drives fumarate negative near 16 s; solvers report success."""
    engine = make_engine("scipy", network)
    state, inputs = network.initial_state(), network.default_inputs()
    inputs[0, network.input_index("bf_fin")] = 1e-4
    result = None
    second = 0
    while result is None or not result.failed.any():
        assert second < 25
        result = engine.advance(state, inputs, 1.0)
        second += 1
    assert result.status[0] == Status.NEGATIVE_RESULT
    assert second == 16
    names = {finding.species: finding for finding in result.findings}
    assert "fum_m_n" in names or "fum_m_a" in names
    assert {rate for rate, _ in next(iter(names.values())).drivers} & {"v_sdh_n", "v_sdh_a", "v_fum_n", "v_fum_a"}


def test_wrong_arrays_and_names_are_refused(engine, network):
    state, inputs = network.initial_state(2), network.default_inputs(2)
    with pytest.raises(ValueError, match=r"inputs must have shape \(2, 6\)"):
        engine.advance(state, inputs[:1], 0.1)
    with pytest.raises(ValueError, match="state must be a C-contiguous float64 array"):
        engine.advance(np.asfortranarray(state), inputs, 0.1)
    with pytest.raises(ValueError, match="window must be a positive number"):
        engine.advance(state, inputs, 0.0)
    with pytest.raises(UserError, match="unknown metabolism engine 'scypi'; did you mean scipy"):
        make_engine("scypi", network)
    with pytest.raises(UserError, match="relative_tolerance = 0: must be at least"):
        make_engine("scipy", network, relative_tolerance=0)


def test_internal_state_round_trip(network):
    state, inputs = network.initial_state(), network.default_inputs()
    first, second = make_engine("scipy", network), make_engine("scipy", network)
    first.advance(state, inputs, 0.1)
    copy = state.copy()
    second.restore(first.internal_state())
    first.advance(state, inputs, 0.1)
    second.advance(copy, inputs, 0.1)
    assert np.array_equal(state, copy)
