"""The native engine: agreement with the reference, independence of cells, hostile inputs, the kernel cache."""

import logging
from pathlib import Path

import numpy as np
import pytest

from mpi_coupling.world import UserError
from multiscale_run.metabolism import Options, Status, load_network, make_engine
from multiscale_run.metabolism.equations import build_equations
from multiscale_run.metabolism.kernel_cache import kernel_for
from multiscale_run.metabolism.rosenbrock import RODAS5P, StepControl

REFERENCE = Path(__file__).parents[1] / "unit" / "metabolism" / "data" / "reference.npz"
CELLS = 16


@pytest.fixture(scope="module")
def cache(tmp_path_factory):
    return tmp_path_factory.mktemp("kernels")


@pytest.fixture(scope="module")
def network():
    return load_network()


@pytest.fixture
def engine(network, cache):
    return make_engine("native", network, cache_dir=cache)


def physical_states(count, seed):
    """Random states and inputs: mixtures of the reference's, because its pools are linear constraints."""
    rng = np.random.default_rng(seed)
    with np.load(REFERENCE) as data:
        weights, picked = rng.dirichlet([0.5] * 3, count), rng.integers(0, len(data["u"]), (count, 3))
        return tuple(np.einsum("nk,nkj->nj", weights, data[name][picked]) for name in ("u", "inputs"))


def largest_error(state, reference):
    """Relative error with a floor of 1 nM, over all cells and species."""
    return (np.abs(state - reference) / (np.abs(reference) + 1e-6)).max()


def compare(variant, count, cache):
    network = load_network(variant)
    state, inputs = physical_states(count, seed=5)
    expected, default = state.copy(), state.copy()
    tight = {"relative_tolerance": 1e-11, "absolute_tolerance": 1e-13}
    for name, target in (("native", state), ("scipy", expected)):
        assert not make_engine(name, network, cache_dir=cache, **tight).advance(target, inputs, 0.1).failed.any()
    assert largest_error(state, expected) < 1e-8
    assert not make_engine("native", network, cache_dir=cache).advance(default, inputs, 0.1).failed.any()
    assert largest_error(default, expected) < 2e-4


@pytest.mark.parametrize("variant", ["standard", "young", "aged", "corrected"])
def test_agrees_with_the_reference(variant, cache):
    compare(variant, 3, cache)


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.parametrize("variant", ["standard", "young", "aged"])
def test_agrees_with_the_reference_on_many_states(variant, cache):
    compare(variant, 67, cache)


def test_rest_for_a_minute(engine, network):
    state, inputs = network.initial_state(), network.default_inputs()
    for _ in range(60):
        assert engine.advance(state, inputs, 1.0).status[0] == Status.OK
    assert state[0, network.slot("ATP_n")] == pytest.approx(1.433, abs=3e-3)


HOSTILE = {
    "no flow": ("bf_fin", 0.0, Status.OK),
    "flow backwards": ("bf_fin", -1.0, Status.STEP_TOO_SMALL),
    "a million times the flow": ("bf_fin", 1.2e4, Status.OK),
    "flow is not a number": ("bf_fin", np.nan, Status.NOT_FINITE_INPUT),
    "infinite ATP": ("atp_c_n", np.inf, Status.NOT_FINITE_INPUT),
    "glucose is not a number": ("glc_b", np.nan, Status.NOT_FINITE_INPUT),
    "negative ATP": ("atp_c_n", -0.1, Status.NEGATIVE_INPUT),
    "no ATP": ("atp_c_n", 0.0, Status.STEP_TOO_SMALL),
    "hardly any ATP": ("atp_c_n", 1e-12, Status.OK),
    "more ATP than adenylate": ("atp_c_n", 3.0, Status.STEP_TOO_SMALL),
    "more oxygen than haemoglobin binds": ("o2_b", 10.0, Status.STEP_TOO_SMALL),
    "extracellular potassium below zero": ("k_e", -1.0, Status.STEP_TOO_SMALL),
    "absurd potential": ("psi_m_n", 1e4, Status.STEP_TOO_SMALL),
    "huge demand": ("atp_c_n", 0.05, Status.OK),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_cells_fail_alone(engine, network, name):
    target, value, expected = HOSTILE[name]
    calm, inputs = network.initial_state(CELLS), network.default_inputs(CELLS)
    calm[:, 22] *= np.linspace(0.7, 1.0, CELLS)
    state, hostile = calm.copy(), inputs.copy()
    if target in {given.id for given in network.inputs}:
        hostile[5, network.input_index(target)] = value
    else:
        state[5, network.slot(target)] = value
    before, others = state.copy(), np.arange(CELLS) != 5
    make = {"relative_tolerance": 1e-4, "cache_dir": engine.options.cache_dir}
    make_engine("native", network, **make).advance(calm, inputs, 0.1)
    result = engine.advance(state, hostile, 0.1)
    assert result.status[5] == expected
    assert np.all(result.status[others] == Status.OK)
    assert np.array_equal(state[others], calm[others])
    if result.failed.any():
        np.testing.assert_array_equal(state[5], before[5])
        assert result.findings or expected == Status.NOT_FINITE_INPUT


def test_hypoxia_is_noticed_in_the_right_second(engine, network):
    """Fumarate turns negative near 16 s at inflow 1e-4 (published defect of succinate dehydrogenase)."""
    state, inputs = network.initial_state(), network.default_inputs()
    inputs[0, network.input_index("bf_fin")] = 1e-4
    second, result = 0, None
    while result is None or not result.failed.any():
        assert second < 25
        result = engine.advance(state, inputs, 1.0)
        second += 1
    assert (second, result.status[0]) == (16, Status.NEGATIVE_RESULT)
    assert result.findings[0].species == "fum_m_n"
    assert result.findings[0].drivers[0][0] == "v_sdh_n"


def test_too_many_steps_is_a_status(network, cache):
    engine = make_engine("native", network, cache_dir=cache, max_steps=3)
    state, inputs = network.initial_state(2), network.default_inputs(2)
    state[1, 22] *= 0.5
    before = state.copy()
    result = engine.advance(state, inputs, 0.1)
    assert result.status.tolist() == [Status.TOO_MANY_STEPS] * 2
    assert result.steps.tolist() == [3, 3]
    assert np.array_equal(state, before)


def test_a_cell_does_not_depend_on_company_position_lanes_or_threads(network, cache):
    state, inputs = physical_states(37, seed=7)
    network = load_network("young")
    results = []
    for lanes, threads in ((2, 1), (4, 1), (8, 1), (8, 3)):
        copy = state.copy()
        engine = make_engine("native", network, cache_dir=cache, lanes=lanes, threads=threads)
        engine.advance(copy, inputs, 0.1)
        engine.advance(copy, inputs, 0.1)
        engine.close()
        results.append(copy)
    assert all(np.array_equal(results[0], other) for other in results[1:])
    order = np.random.default_rng(0).permutation(len(state))
    shuffled, alone = state[order].copy(), state[11:12].copy()
    for copy, rows in ((shuffled, order), (alone, slice(11, 12))):
        engine = make_engine("native", network, cache_dir=cache)
        for _ in range(2):
            engine.advance(copy, inputs[rows], 0.1)
    assert np.array_equal(shuffled, results[0][order])
    assert np.array_equal(alone[0], results[0][11])


def test_no_cells_and_left_out_cells(engine, network):
    assert len(engine.advance(network.initial_state(0), network.default_inputs(0), 0.1).status) == 0
    state, inputs = network.initial_state(20), network.default_inputs(20)
    before, active = state.copy(), np.arange(20) % 3 == 0
    result = engine.advance(state, inputs, 0.1, active)
    assert np.array_equal(result.status == Status.INACTIVE, ~active)
    assert np.array_equal(state[~active], before[~active])
    assert np.all((state[active] != before[active]).any(axis=1))


def test_working_memory_does_not_grow_with_cells_or_steps(engine, network):
    """One thread's memory is made once; a call allocates nothing that depends on the number of steps."""
    memory = engine._memories.get()
    address = memory.ctypes.data
    assert memory.nbytes < 400_000
    engine._memories.put(memory)
    engine.advance(network.initial_state(500), network.default_inputs(500), 0.1)
    assert engine._memories.get().ctypes.data == address


def kernel_files(folder):
    return {file.name: file.stat().st_mtime_ns for file in folder.iterdir()}


def test_cache_is_used_and_keyed(network, tmp_path):
    equations = build_equations(network)
    first = kernel_for(equations, RODAS5P, StepControl(), 4, tmp_path)
    files = kernel_files(tmp_path)
    assert kernel_for(equations, RODAS5P, StepControl(), 4, tmp_path) == first
    assert kernel_files(tmp_path) == files
    other = build_equations(load_network(parameters={"glc_art": 4.6}))
    kernel_for(other, RODAS5P, StepControl(), 4, tmp_path)
    kernel_for(equations, RODAS5P, StepControl(safety=0.8), 4, tmp_path)
    kernel_for(equations, RODAS5P, StepControl(), 2, tmp_path)
    assert len(kernel_files(tmp_path)) == 4


def test_damaged_entry_is_compiled_again(network, tmp_path, caplog):
    equations = build_equations(network)
    first = kernel_for(equations, RODAS5P, StepControl(), 2, tmp_path)
    entry = next(tmp_path.iterdir())
    entry.write_bytes(entry.read_bytes()[:-1000])
    with caplog.at_level(logging.WARNING):
        assert kernel_for(equations, RODAS5P, StepControl(), 2, tmp_path) == first
    assert "is damaged and is made again" in caplog.text
    assert kernel_for(equations, RODAS5P, StepControl(), 2, tmp_path) == first


def test_folder_that_cannot_be_written(network, tmp_path, caplog):
    blocked = tmp_path / "file"
    blocked.write_text("not a folder")
    with caplog.at_level(logging.WARNING):
        kernel = kernel_for(build_equations(network), RODAS5P, StepControl(), 2, blocked / "kernels")
    assert kernel.memory_vectors > 0
    assert "cannot keep the kernel of the metabolism" in caplog.text


def test_wrong_options():
    with pytest.raises(UserError, match="metabolism method = 'Rodas6': must be one of Rodas4, Rodas5P"):
        Options(method="Rodas6")
    with pytest.raises(UserError, match="metabolism threads = 0: must be at least 1"):
        Options(threads=0)
    with pytest.raises(UserError, match="metabolism lanes = 3: must be one of 2, 4, 8, 16"):
        Options(lanes=3)
