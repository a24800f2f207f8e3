"""The Julia engine against the native one, and what is said when Julia is missing, too old or dies."""

from pathlib import Path

import numpy as np
import pytest

from mpi_coupling.world import UserError
from multiscale_run.metabolism import Status, load_network, make_engine
from multiscale_run.metabolism.julia_engine import find_julia

REFERENCE = Path(__file__).parents[1] / "unit" / "metabolism" / "data" / "reference.npz"

try:
    JULIA = find_julia()
except UserError as missing:
    JULIA, REASON = None, f"SKIPPED, the Julia engine is not tested: {missing}"
else:
    REASON = ""

needs_julia = pytest.mark.skipif(JULIA is None, reason=REASON)


@pytest.fixture(scope="module")
def cache(tmp_path_factory):
    return tmp_path_factory.mktemp("kernels")


def engines(network, cache, **options):
    return make_engine("julia", network, **options), make_engine("native", network, cache_dir=cache, **options)


@needs_julia
@pytest.mark.parametrize("variant", ["standard", "young", "aged", "corrected"])
def test_agrees_with_the_native_engine(variant, cache):
    """Same tables, method and step control: apart from rounding, the same numbers in the same number of steps."""
    network = load_network(variant)
    with np.load(REFERENCE) as data:
        state, inputs = data["u"], data["inputs"]
    julia, native = engines(network, cache)
    other = state.copy()
    for _ in range(2):
        first, second = julia.advance(state, inputs, 0.1), native.advance(other, inputs, 0.1)
    julia.close()
    assert np.array_equal(first.status, second.status)
    assert np.abs(first.steps - second.steps).max() <= 1
    assert (np.abs(state - other) / (np.abs(other) + 1e-6)).max() < 1e-7
    assert not first.failed.any()


@needs_julia
def test_failing_cells_fail_alone(cache):
    network = load_network()
    julia, native = engines(network, cache, max_steps=500)
    state, inputs = network.initial_state(6), network.default_inputs(6)
    state[1, network.slot("ATP_n")] = 0.0
    state[2, network.slot("ATP_n")] = -1.0
    state[3, network.slot("nadh_c_n")] = 0.5
    inputs[4, network.input_index("bf_fin")] = -1.0
    other = state.copy()
    first, second = julia.advance(state, inputs, 0.1), native.advance(other, inputs, 0.1)
    julia.close()
    assert first.status.tolist() == second.status.tolist()
    assert first.status.tolist()[:4] == [
        Status.OK, Status.STEP_TOO_SMALL, Status.NEGATIVE_INPUT, Status.TOO_MANY_STEPS
    ]  # fmt: skip
    np.testing.assert_allclose(state, other, rtol=1e-12, atol=1e-15)


@needs_julia
def test_a_dead_process_is_an_error_and_not_a_hang():
    network = load_network()
    engine = make_engine("julia", network)
    engine._process.kill()
    engine._process.wait()
    with pytest.raises(RuntimeError, match="the Julia process ended with status -9"):
        engine.advance(network.initial_state(), network.default_inputs(), 0.1)
    engine.close()


def fake_julia(folder, says):
    program = folder / "julia"
    program.write_text(f"#!/bin/sh\necho '{says}'\n")
    program.chmod(0o755)
    return program


def test_an_old_julia_is_refused(tmp_path, monkeypatch):
    monkeypatch.setenv("JULIA", str(fake_julia(tmp_path, "julia version 1.4.2")))
    with pytest.raises(UserError, match=r"says 'julia version 1.4.2'; version 1.5 or later is needed"):
        make_engine("julia", load_network())


def test_julia_is_found_on_the_path(tmp_path, monkeypatch):
    program = fake_julia(tmp_path, "julia version 1.11.0")
    monkeypatch.delenv("JULIA", raising=False)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    assert find_julia() == program


def test_no_julia_is_said(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("JULIA", raising=False)
    with pytest.raises(UserError, match=r"there is no julia on the PATH; install Julia 1.5 or later"):
        find_julia()
    monkeypatch.setenv("JULIA", "/nowhere/julia")
    with pytest.raises(UserError, match="JULIA=/nowhere/julia is no program"):
        find_julia()
