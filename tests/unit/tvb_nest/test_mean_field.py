"""The compiled mean field against The Virtual Brain's, and against what the equations must do."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from mpi_coupling import UserError
from tvb_nest.tvb_side.brain import Brain, IntegratorParameters
from tvb_nest.tvb_side.mean_field import kernel
from tvb_nest.tvb_side.mean_field.brain import MeanFieldBrain
from tvb_nest.tvb_side.mean_field.parameters import MeanFieldParameters
from tvb_nest.tvb_side.noise import NoiseParameters, OrnsteinUhlenbeckParameters

Brains = Callable[..., tuple[Brain, Brain]]


def slope(parameters: MeanFieldParameters, state: np.ndarray, arriving: float) -> np.ndarray:
    """The right-hand side for states of shape (n_variables, n)."""
    lanes = np.zeros((len(state), kernel.LANES))
    lanes[:, : state.shape[1]] = state
    out, work = np.empty(lanes.size), np.empty(2 * kernel.WIDTH * kernel.LANES)
    kernel.slope(lanes.ravel(), np.full(kernel.LANES, arriving), parameters.constants(), out, work)
    return out.reshape(lanes.shape)[:, : state.shape[1]]


def random_state(order: int, n: int = 5) -> np.ndarray:
    rng = np.random.default_rng(3)
    state = [rng.uniform(0, 0.05, (2, n)), rng.uniform(0, 80, (2, n)), rng.uniform(-0.05, 0.05, (1, n))]
    if order == 2:
        state.insert(1, rng.uniform(-1e-4, 1e-4, (3, n)))
    return np.concatenate(state)


@pytest.mark.parametrize("order", [1, 2])
@pytest.mark.parametrize("arriving", [0.004, -0.004])
def test_slope_is_that_of_the_library(order: int, arriving: float) -> None:
    """Every input differs from its default, negative total input is cut off, covariances are large."""
    pytest.importorskip("tvb.simulator.models")
    from tvb_nest.tvb_side.reference import library_model

    parameters = MeanFieldParameters(
        order=order,
        external_input_ex_ex=0.002,
        external_input_ex_in=0.001,
        external_input_in_ex=0.003,
        external_input_in_in=0.002,
        K_ext_i=50,
        S_i=0.7 if order == 2 else 1.0,
        a_i=2.0,
        b_i=3.0,
        E_L_i=-66.0,
        p_connect_i=0.04,
        weight_noise=0.1,
    )
    state = random_state(order)
    model = library_model(parameters)
    model.configure()
    theirs = model.dfun(state.copy()[..., None], np.full((1, state.shape[1], 1), arriving))[..., 0]
    tolerance = [1e-15] * len(state) if order == 1 else [1e-10, 1e-10, *[1e-14] * 6]  # their differences are rounded
    for ours, expected, limit in zip(slope(parameters, state, arriving), theirs, tolerance, strict=True):
        np.testing.assert_allclose(ours, expected, rtol=1e-12, atol=limit)


@pytest.mark.parametrize("order", [1, 2])
def test_trajectory_is_that_of_the_library(both: Brains, order: int) -> None:
    """Their history and weights are single precision: 1e-7 kHz is what they can agree to."""
    ours, theirs = (brain.run(300) for brain in both(order))
    assert np.abs(ours - theirs)[:, :2].max() < 1e-7
    np.testing.assert_allclose(ours[:, -1], theirs[:, -1], atol=1e-14)  # the noise is the very same
    assert np.ptp(ours[:, 0]) > 1e-3


@pytest.mark.parametrize("compat_upstream", [False, True])
def test_proxies_act_as_in_the_library(both: Brains, small: SimpleNamespace, compat_upstream: bool) -> None:
    rates = np.random.default_rng(8).uniform(0, 0.03, (20, 5, 2))
    brains = both(2, small.spiking, compat_upstream=compat_upstream)
    for piece in rates:
        inputs = [brain.coupling_into_proxies(5) for brain in brains]
        states = [brain.run(5, piece) for brain in brains]
        np.testing.assert_allclose(*inputs, rtol=1e-5)
        np.testing.assert_allclose(states[0][:, :2], states[1][:, :2], atol=1e-7)


@pytest.mark.parametrize(("order", "limit"), [(1, 1e-14), (2, 2e-9)])
def test_trajectory_with_a_history_in_double_precision(both: Brains, order: int, limit: float) -> None:
    ours, theirs = both(order)
    from tvb_nest.tvb_side.reference import use_double_precision

    use_double_precision(theirs.simulator)
    assert np.abs(ours.run(300) - theirs.run(300))[:, :2].max() < limit


def jacobian(parameters: MeanFieldParameters, state: np.ndarray, arriving: float) -> np.ndarray:
    """dF_l / dnu_m, from the slopes of the rates of order 1, whose derivative is (J - 1) / T."""
    first = replace(parameters, order=1)
    reduced = np.delete(state, [2, 3, 4], axis=0)
    result = np.empty((2, 2))
    for m in range(2):
        h = np.zeros_like(reduced)
        h[m] = 1e-6
        difference = slope(first, reduced + h, arriving) - slope(first, reduced - h, arriving)
        result[:, m] = difference[:2, 0] / 2e-6 * parameters.T
    return result + np.eye(2)


def test_el_boustani_covariances_follow_the_linearised_master_equation() -> None:
    """T c' = J c + c J^T - 2 c + what does not depend on c, with derivatives in the unit of the rates."""
    parameters = MeanFieldParameters(tvb_compat=False, covariance="el-boustani")
    state = random_state(2, n=1)
    none = state.copy()
    none[2:5] = 0
    J = jacobian(parameters, state, 0.003)
    c = np.array([[state[2, 0], state[3, 0]], [state[3, 0], state[4, 0]]])
    expected = (J @ c + c @ J.T - 2 * c) / parameters.T
    change = (slope(parameters, state, 0.003) - slope(parameters, none, 0.003))[2:5, 0]
    np.testing.assert_allclose(change, expected[[0, 0, 1], [0, 1, 1]], rtol=1e-5)


def test_forms_of_the_covariance_equations_differ_where_documented() -> None:
    state = random_state(2)
    parameters = MeanFieldParameters(tvb_compat=False)
    library, project, boustani = (
        slope(replace(parameters, covariance=form), state, 0.003) for form in ("tvb-library", "tvb-nest", "el-boustani")
    )
    rows = [np.any(library != other, axis=1) for other in (boustani, project)]
    assert np.flatnonzero(rows[0]).tolist() == [3]
    assert np.flatnonzero(rows[1]).tolist() == [2, 4]
    J = jacobian(parameters, state[:, :1], 0.003)
    ee, ei, ii = state[2:5, 0]
    mixed = ee * (J[0, 0] - J[1, 0]) + ei * (J[1, 0] + J[0, 1] - J[0, 0] - J[1, 1]) + ii * (J[1, 1] - J[0, 1])
    assert (library - boustani)[3, 0] == pytest.approx(mixed / parameters.T, rel=1e-6)
    assert (project - library)[2, 0] == pytest.approx(2 * ei * (J[1, 1] - J[0, 1]) / parameters.T, rel=1e-6)
    assert (project - library)[4, 0] == pytest.approx(2 * ei * (J[0, 0] - J[1, 0]) / parameters.T, rel=1e-6)


def test_the_librarys_unit_makes_covariances_a_million_times_weaker() -> None:
    state = random_state(2)
    none = state.copy()
    none[2:5] = 0
    effect = {
        compat: (slope(p, state, 0.003) - slope(p, none, 0.003))[:2]
        for compat in (True, False)
        for p in [MeanFieldParameters(tvb_compat=compat)]
    }
    np.testing.assert_allclose(effect[True], 1e-6 * effect[False], rtol=1e-4, atol=1e-16)
    assert np.abs(effect[False]).max() > 1e-5


def test_first_order_without_compatibility_takes_input_as_second_order_does() -> None:
    options: dict[str, Any] = {"tvb_compat": False, "S_i": 0.5, "external_input_in_ex": 0.002}
    state = random_state(1)
    full = np.insert(state, [2, 2, 2], 0.0, axis=0)
    for arriving in (0.004, -0.003):
        first = slope(MeanFieldParameters(order=1, **options), state, arriving)
        second = slope(MeanFieldParameters(order=2, **options), full, arriving)
        np.testing.assert_allclose(first, np.delete(second, [2, 3, 4], axis=0), rtol=1e-13)


@pytest.mark.parametrize(("coupling", "factor"), [(0.0, 3.6), (0.3, 1.8)])
def test_convergence(small: SimpleNamespace, coupling: float, factor: float) -> None:
    """Heun's error falls with the square of the step; coupling, which stays the same during a step, makes it linear.

    Delays are multiples of every step; the past is constant.
    """
    connectome = replace(small.connectome, lengths=np.round(small.connectome.lengths / 3.2) * 3.2)
    parameters = MeanFieldParameters(**small.input)
    options = {"coupling": coupling, "initial": small.start(parameters, connectome.n_regions)}
    ends = []
    for dt in (0.4, 0.2, 0.1, 0.05):
        brain = MeanFieldBrain(connectome, parameters, IntegratorParameters(dt, 1), **options)
        ends.append(brain.run(round(16 / dt))[-1, :2])
    errors = [np.abs(a - b).max() for a, b in itertools.pairwise(ends)]
    assert errors[0] / errors[1] > factor
    assert errors[1] / errors[2] > factor


@pytest.mark.parametrize("n_past", [10, 31, 200])
def test_a_recorded_past_goes_on(small: SimpleNamespace, n_past: int) -> None:
    """Shorter and longer than the longest delay; before a short one the first row stays."""
    parameters = MeanFieldParameters(order=1, **small.input)
    arguments = (small.connectome, parameters, small.integrator)
    first = MeanFieldBrain(*arguments, coupling=0.3, initial=small.start(parameters, 7))
    past = first.run(200)[-n_past:]
    horizon = small.connectome.delays(0.1).max() + 1
    later = MeanFieldBrain(*arguments, coupling=0.3, initial=past).run(20)
    if n_past >= horizon:
        assert np.array_equal(later, first.run(20))
    else:
        padded = np.concatenate([np.repeat(past[:1], horizon - n_past, axis=0), past])
        assert np.array_equal(later, MeanFieldBrain(*arguments, coupling=0.3, initial=padded).run(20))
        assert not np.array_equal(later, first.run(20))


def test_noise_has_its_dispersion(small: SimpleNamespace) -> None:
    """An OU process of dispersion D and time constant tau has the variance D tau."""
    noise = NoiseParameters({"ou_drift": 2e-3})
    parameters = MeanFieldParameters(order=1, tau_OU=2.0)
    drift = MeanFieldBrain(small.connectome, parameters, small.integrator, noise=noise).run(20_000)[1000:, -1]
    assert drift.var() == pytest.approx(2e-3 * 2.0, rel=0.1)


def test_coloured_noise_of_the_project(small: SimpleNamespace) -> None:
    """In a mean field that does nothing else, E takes what is added and relaxes with T."""
    noise = OrnsteinUhlenbeckParameters(tau_OU=2.0, mu=0.7, nsig=0.05, weights={"E": 0.01, "ou_drift": 1.0})
    source = noise.source(("E", "I", "ou_drift"), 200, 0.1, 3)
    added = source.increments(2000)
    assert not added[:, 1].any()
    assert added[:, 0].mean() == pytest.approx(0.7e-5, rel=0.01)
    settled = added[200:, 2]
    assert settled.std() == pytest.approx(1e-3 * 0.05 * np.sqrt(2.0 / 2), rel=0.05)  # nsig sqrt(tau / 2)
    lag = np.mean((settled[20:] - settled.mean()) * (settled[:-20] - settled.mean())) / settled.var()
    assert lag == pytest.approx(np.exp(-1), rel=0.05)  # correlation after one tau
    pieces = noise.source(("E", "I", "ou_drift"), 200, 0.1, 3)
    pieces.increments(7)
    other = noise.source(("E", "I", "ou_drift"), 200, 0.1, 4)
    other.restore(pieces.state())
    assert np.array_equal(other.increments(30), added[7:37])


def test_coloured_noise_drives_the_mean_field(small: SimpleNamespace) -> None:
    parameters = MeanFieldParameters(order=1, K_ext_e=0, T=5.0)
    runs = [
        MeanFieldBrain(small.connectome, parameters, small.integrator, noise=OrnsteinUhlenbeckParameters(weights=w))
        for w in ({}, {"E": 0.01})
    ]
    quiet, driven = (brain.run(1000)[500:, 0].mean() for brain in runs)
    assert driven - quiet == pytest.approx(0.7e-5 / 0.1 * 5.0, rel=0.1)


def test_mistakes_are_named(small: SimpleNamespace) -> None:
    parameters = MeanFieldParameters(order=1)
    arguments = (small.connectome, parameters, small.integrator)
    with pytest.raises(UserError, match=r"no variable \['V'\]; there are E, I, W_e, W_i, ou_drift"):
        MeanFieldBrain(*arguments, noise=NoiseParameters({"V": 1.0}))
    with pytest.raises(UserError, match="must be finite and not negative"):
        NoiseParameters({"E": -1.0})
    with pytest.raises(UserError, match="tau_OU = 0"):
        OrnsteinUhlenbeckParameters(tau_OU=0)
    with pytest.raises(UserError, match=r"of shape \(5, 7\).*not of shape \(1, 3, 7\)"):
        MeanFieldBrain(*arguments, initial=np.zeros((3, 7)))
    with pytest.raises(UserError, match="different numbers from 0 to 6"):
        MeanFieldBrain(*arguments, spiking=[7])
    with pytest.raises(UserError, match="dt = -1"):
        IntegratorParameters(dt=-1)
    with pytest.raises(UserError, match="seed = -3"):
        IntegratorParameters(seed=-3)


def test_a_state_out_of_range_ends_the_run_with_region_and_step(small: SimpleNamespace) -> None:
    past = small.start(MeanFieldParameters(order=1), 7)
    past[2, 3] = 1e308
    brain = MeanFieldBrain(small.connectome, MeanFieldParameters(order=1, a_e=1e10), small.integrator, initial=past)
    with pytest.raises(UserError, match="region 3 left the range of numbers at step"):
        brain.run(2000)
