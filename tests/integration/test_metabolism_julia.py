"""The Julia engine against the native one and SciPy, hostile cells, and a Julia that dies or hangs.

Starting Julia takes some seconds, so the tests share one engine wherever its options allow.
"""

import os
import signal
import subprocess
import time
from pathlib import Path

import numpy as np
import pytest

from mpi_coupling.world import UserError
from multiscale_run.metabolism import Options, Status, load_network, make_engine
from multiscale_run.metabolism.equations import build_equations
from multiscale_run.metabolism.julia import JuliaEngine, JuliaError, find_julia, prepare_environment, use_environment
from multiscale_run.metabolism.julia.code import integrator_source
from multiscale_run.metabolism.rosenbrock import RODAS5P, StepControl

REFERENCE = Path(__file__).parents[1] / "unit" / "metabolism" / "data" / "reference.npz"

try:
    JULIA = find_julia()
except JuliaError as missing:
    pytest.skip(f"SKIPPED, the Julia engine is not tested: {missing}", allow_module_level=True)


@pytest.fixture(scope="module")
def cache(tmp_path_factory):
    return tmp_path_factory.mktemp("cache")


@pytest.fixture(scope="module")
def network():
    return load_network()


@pytest.fixture(scope="module")
def shared(network, cache):
    """An engine with the default options."""
    engine = make_engine("julia", network, cache_dir=cache)
    yield engine
    engine.close()


@pytest.fixture
def engine(shared):
    """The shared engine without step sizes of earlier tests."""
    shared.restore({"next_step": np.zeros(0)})
    return shared


@pytest.fixture
def native(network, cache):
    return make_engine("native", network, cache_dir=cache)


def physical_states(count):
    """Random states and inputs: mixtures of the reference's, because its pools are linear constraints."""
    rng = np.random.default_rng(11)
    with np.load(REFERENCE) as data:
        weights, picked = rng.dirichlet([0.5] * 3, count), rng.integers(0, len(data["u"]), (count, 3))
        return tuple(np.einsum("nk,nkj->nj", weights, data[name][picked]) for name in ("u", "inputs"))


def largest_error(state, reference):
    """Relative error with a floor of 1 nM, over all cells and species."""
    return (np.abs(state - reference) / (np.abs(reference) + 1e-6)).max()


@pytest.mark.parametrize("variant", ["standard", "young", "aged", "corrected"])
def test_agrees_with_native_and_scipy(variant, cache):
    """Tight tolerances, two windows: the second one starts with the step sizes kept from the first."""
    network = load_network(variant)
    tight = {"relative_tolerance": 1e-10, "absolute_tolerance": 1e-12, "cache_dir": cache}
    states, results = {}, {}
    # SciPy is slow: six states of each variant must do
    for name, cells in (("julia", 20), ("native", 20), ("scipy", 6)):
        state, inputs = (part[:cells] for part in physical_states(20))
        other = make_engine(name, network, **tight)
        states[name], results[name] = state, [other.advance(state, inputs, 0.05) for _ in range(2)]
        other.close()
        assert not any(result.failed.any() for result in results[name])
    assert largest_error(states["julia"], states["native"]) < 1e-9
    assert largest_error(states["julia"][:6], states["scipy"]) < 1e-7
    for julia, native in zip(results["julia"], results["native"], strict=True):
        # rounding decides a step now and then
        assert np.abs(julia.steps - native.steps).max() <= 1 + 0.02 * native.steps.max()


def test_takes_the_steps_of_native(engine, native):
    """Same tables, method and step control: apart from rounding the same numbers in the same steps."""
    state, inputs = physical_states(150)
    other = state.copy()
    for _ in range(2):
        first, second = engine.advance(state, inputs, 0.1), native.advance(other, inputs, 0.1)
        assert np.array_equal(first.steps, second.steps)
        assert not first.failed.any()
    assert largest_error(state, other) < 1e-9
    kept, expected = (e.internal_state()["next_step"] for e in (engine, native))
    np.testing.assert_allclose(kept, expected, rtol=1e-6)


HOSTILE = {
    "no flow": ("bf_fin", 0.0),
    "flow backwards": ("bf_fin", -1.0),
    "a million times the flow": ("bf_fin", 1.2e4),
    "flow is not a number": ("bf_fin", np.nan),
    "infinite ATP": ("atp_c_n", np.inf),
    "negative ATP": ("atp_c_n", -0.1),
    "no ATP": ("atp_c_n", 0.0),
    "more ATP than adenylate": ("atp_c_n", 3.0),
    "more oxygen than haemoglobin binds": ("o2_b", 10.0),
    "extracellular potassium below zero": ("k_e", -1.0),
    "absurd potential": ("psi_m_n", 1e4),
    "huge demand": ("atp_c_n", 0.05),
}


def test_hostile_cells_end_as_in_native_and_alone(engine, native, network):
    """Every second cell is hostile; the cells between them are advanced as without them."""
    count = 2 * len(HOSTILE)
    calm, inputs = network.initial_state(count), network.default_inputs(count)
    calm[:, network.slot("ATP_n")] *= np.linspace(0.7, 1.0, count)
    state, hostile = calm.copy(), inputs.copy()
    for row, (target, value) in zip(range(0, count, 2), HOSTILE.values(), strict=True):
        if target in {given.id for given in network.inputs}:
            hostile[row, network.input_index(target)] = value
        else:
            state[row, network.slot(target)] = value
    before, expected = state.copy(), state.copy()
    result, reference = engine.advance(state, hostile, 0.1), native.advance(expected, hostile, 0.1)
    assert dict(zip(HOSTILE, result.status[::2], strict=True)) == dict(zip(HOSTILE, reference.status[::2], strict=True))
    assert len(set(result.status[::2])) == 4
    assert np.all(result.status[1::2] == Status.OK)
    np.testing.assert_array_equal(state[result.failed], before[result.failed])
    engine.restore({"next_step": np.zeros(count)})
    engine.advance(calm, inputs, 0.1)
    np.testing.assert_array_equal(state[1::2], calm[1::2])


def test_company_order_and_left_out_cells_change_nothing(engine):
    state, inputs = physical_states(70)
    alone, part, whole = state[11:12].copy(), state.copy(), state.copy()
    active = np.arange(len(state)) % 3 == 2
    for rows, copy, mask in ((slice(None), whole, None), (slice(11, 12), alone, None), (slice(None), part, active)):
        engine.restore({"next_step": np.zeros(len(copy))})
        engine.advance(copy, inputs[rows], 0.1, mask)
    assert np.array_equal(alone[0], whole[11])
    assert np.array_equal(part[active], whole[active])
    assert np.array_equal(part[~active], state[~active])


def test_a_restored_engine_takes_the_same_steps(engine, network):
    state, inputs = network.initial_state(3), network.default_inputs(3)
    engine.advance(state, inputs, 0.1)
    internal, copy = engine.internal_state(), state.copy()
    assert np.all(internal["next_step"] > 0)
    first = engine.advance(state, inputs, 0.1)
    engine.restore({"next_step": np.zeros(3)})
    cold = engine.advance(copy.copy(), inputs, 0.1)
    engine.restore(internal)
    second = engine.advance(copy, inputs, 0.1)
    assert np.array_equal(state, copy)
    assert np.array_equal(first.steps, second.steps)
    assert np.all(cold.steps > second.steps)


def test_threads_method_and_limits_are_obeyed(network, cache):
    state, inputs = physical_states(30)
    results = []
    for name, threads in (("julia", 2), ("native", 1)):
        copy = state.copy()
        engine = make_engine(name, network, cache_dir=cache, threads=threads, method="Rodas4", max_steps=37)
        results.append((copy, engine.advance(copy, inputs, 0.1)))
        engine.close()
    (julia, first), (native, second) = results
    assert np.array_equal(first.status, second.status)
    assert set(first.status) == {Status.OK, Status.TOO_MANY_STEPS}
    assert np.array_equal(first.steps, second.steps)
    assert largest_error(julia, native) < 1e-9


def test_systems_that_need_pivoting_go_to_the_reference(engine, network, cache):
    """An impossible bound on the backward error marks every system as singular, so every cell takes the other way."""
    control = StepControl(backward_error=1e-25)
    strict = JuliaEngine(network, Options(cache_dir=cache), control=control)
    state, inputs = network.initial_state(), network.default_inputs()
    expected = state.copy()
    assert strict.advance(state, inputs, 0.1).status[0] == Status.OK
    strict.close()
    engine.advance(expected, inputs, 0.1)
    assert 0.0 < largest_error(state, expected) < 1e-3


@pytest.mark.parametrize(("sent", "said"), [(signal.SIGKILL, "was killed by signal 9"), (signal.SIGSTOP, "not answer")])
def test_a_lost_worker_is_a_quick_error(network, cache, sent, said):
    engine = make_engine("julia", network, cache_dir=cache, max_steps=1000)
    worker = engine._driver.worker
    engine._driver._pause = 1.0
    os.kill(worker.pid, sent)
    start = time.monotonic()
    with pytest.raises(UserError, match=rf"the Julia worker \(process {worker.pid}\) .*{said}"):
        engine.advance(network.initial_state(), network.default_inputs(), 0.1)
    assert time.monotonic() - start < 30.0
    assert not Path(f"/proc/{worker.pid}").exists()
    engine.close()


def test_environment_of_the_simulation_folder_is_used(network, cache, tmp_path, monkeypatch):
    monkeypatch.setenv("JULIA_PROJECT", "")
    made = prepare_environment(tmp_path)
    use_environment(tmp_path)
    engine = make_engine("julia", network, cache_dir=cache)
    variables = Path(f"/proc/{engine._driver.worker.pid}/environ").read_text()
    state = network.initial_state()
    assert not engine.advance(state, network.default_inputs(), 0.1).failed.any()
    engine.close()
    assert f"JULIA_PROJECT={made}\0" in variables
    assert f"JULIA_DEPOT_PATH={made / 'depot'}:\0" in variables


POINTERS = """
include(ARGS[1])
const M = Main.Metabolism
read_rows(name, rows, cells) = read!(joinpath(ARGS[2], name), zeros(rows, cells))
state, inputs = read_rows("state", 183, 3), read_rows("inputs", 6, 3)
next_step, status, steps = zeros(3), zeros(Int8, 3), zeros(Int64, 3)
addresses = map(array -> Int(UInt(pointer(array))), (state, inputs, next_step, status, steps))
GC.@preserve state inputs next_step status steps M.advance_at!(183, 6, 3, addresses, 0.1, 1e-4, 1e-7, 20000)
write(joinpath(ARGS[2], "result"), state, next_step, steps)
"""


def test_entry_by_addresses_does_the_same(engine, network, cache, tmp_path):
    """What juliacall calls inside the process; here from a Julia program, because that needs no juliacall."""
    state, inputs = physical_states(3)
    state.tofile(tmp_path / "state")
    inputs.tofile(tmp_path / "inputs")
    (tmp_path / "integrator.jl").write_text(integrator_source(build_equations(network), RODAS5P, StepControl(), cache))
    (tmp_path / "program.jl").write_text(POINTERS)
    command = [JULIA.path, "--startup-file=no", tmp_path / "program.jl", tmp_path / "integrator.jl", tmp_path]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    result = engine.advance(state, inputs, 0.1)
    found = np.fromfile(tmp_path / "result")
    assert np.array_equal(found[: state.size].reshape(state.shape), state)
    assert np.array_equal(found[state.size :][:3], engine.internal_state()["next_step"])
    assert np.array_equal(found[state.size + 3 :].view(np.int64), result.steps)
