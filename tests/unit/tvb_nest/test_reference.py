"""The Virtual Brain's own simulator as a brain: any model, coupling and integrator that can be coupled."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from mpi_coupling import UserError
from tvb_nest.tvb_side.brain import IntegratorParameters
from tvb_nest.tvb_side.mean_field.parameters import MeanFieldParameters

lab = pytest.importorskip("tvb.simulator.lab")

from tvb_nest.tvb_side import reference  # noqa: E402

N = 7


def simulator(
    small: SimpleNamespace, model: Any, coupling: Any, integrator: Any, first_step: bool = False
) -> lab.simulator.Simulator:
    """A configured simulator whose past was drawn by the library unless `first_step`, which gives one row of it."""
    connectome = small.connectome
    connectivity = lab.connectivity.Connectivity(
        weights=connectome.weights.copy(),
        tract_lengths=connectome.lengths.copy(),
        centres=connectome.centres.copy(),
        region_labels=np.array(connectome.labels),
        speed=np.array([connectome.speed]),
    )
    made = lab.simulator.Simulator(
        model=model, connectivity=connectivity, coupling=coupling, integrator=integrator, monitors=[lab.monitors.Raw()]
    )
    if first_step:
        made.initial_conditions = np.full((1, len(model.state_variables), N, 1), 0.1)
    return made.configure()


def noise(ntau: float = 0.0, nsig: tuple[float, ...] = (1e-4,)) -> lab.noise.Additive:
    return lab.noise.Additive(nsig=np.array(nsig), ntau=ntau, noise_seed=5)


def mean_field(order: int) -> tuple[Any, Any, Any]:
    """The library's mean field with noise on the excitatory rate."""
    model = reference.MODELS[order]()
    nsig = (1e-8, *[0.0] * (len(model.state_variables) - 1))
    integrator = lab.integrators.HeunStochastic(dt=0.1, noise=noise(nsig=nsig))
    return model, lab.coupling.Linear(a=np.array([0.3])), integrator


CASES = {
    "wong-wang": lambda: (
        lab.models.ReducedWongWang(),
        lab.coupling.Linear(a=np.array([0.1])),
        lab.integrators.EulerStochastic(dt=0.1, noise=noise()),
    ),
    "coloured noise": lambda: (
        lab.models.ReducedWongWang(),
        lab.coupling.Sigmoidal(),
        lab.integrators.HeunStochastic(dt=0.1, noise=noise(ntau=2.0)),
    ),
    "oscillator": lambda: (
        lab.models.Generic2dOscillator(),
        lab.coupling.Linear(a=np.array([0.05]), b=np.array([0.01])),
        lab.integrators.RungeKutta4thOrderDeterministic(dt=0.1),
    ),
    "zerlaut 1": lambda: mean_field(1),
    "zerlaut 2": lambda: mean_field(2),
    "difference": lambda: (
        lab.models.Generic2dOscillator(),
        lab.coupling.Difference(a=np.array([0.05])),
        lab.integrators.HeunDeterministic(dt=0.1),
    ),
}


def make(small: SimpleNamespace, case: str, **options: Any) -> reference.ReferenceBrain:
    np.random.seed(3)  # of the past, where the library has no noise to draw it with
    return reference.ReferenceBrain(
        simulator(small, *CASES[case](), first_step=options.pop("first_step", False)), **options
    )


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("first_step", [False, True])
def test_as_the_library_alone(small: SimpleNamespace, case: str, first_step: bool) -> None:
    """Pieces give what one call of the simulator gives, whatever step it starts from."""
    brain = make(small, case, first_step=first_step)
    np.random.seed(3)
    alone = simulator(small, *CASES[case](), first_step=first_step)
    alone.model.variables_of_interest = alone.model.state_variables
    states = np.array([sample[0][1][..., 0] for sample in alone(n_steps=np.int64(40))])
    assert np.array_equal(np.concatenate([brain.run(n) for n in (1, 9, 30)])[:, : states.shape[1]], states)


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("window", [1, 6, 40])
def test_proxies_that_replay_the_brain_change_nothing(small: SimpleNamespace, case: str, window: int) -> None:
    expected = make(small, case).run(40)
    rates = expected[:, 0, small.spiking]
    replay = make(small, case, spiking=small.spiking)
    states = np.concatenate(
        [replay.run(len(rates[k : k + window]), rates[k : k + window]) for k in range(0, 40, window)]
    )
    others = np.setdiff1d(np.arange(N), small.spiking)
    assert np.abs(states[:, :, others] - expected[:, :, others]).max() <= 1e-10


IDENTITY = ["wong-wang", "zerlaut 1", "zerlaut 2"]
STEPS = 60


def others_differ_by(states: np.ndarray, expected: np.ndarray, spiking: tuple[int, ...]) -> float:
    others = np.setdiff1d(np.arange(N), spiking)
    return float(np.abs(states[:, :, others] - expected[:, :, others]).max())


def run_and_supply(brain: reference.ReferenceBrain, window: int, rate_of: Callable[[int], np.ndarray]) -> np.ndarray:
    """Compute windows and give the proxies' rates after each; `rate_of` gives those of a step."""
    states = []
    for start in range(0, STEPS, window):
        stop = min(start + window, STEPS)
        states.append(brain.run(stop - start))
        brain.supply(np.array([rate_of(step) for step in range(start + 1, stop + 1)]))
    return np.concatenate(states)


@pytest.mark.parametrize("case", IDENTITY)
@pytest.mark.parametrize("speed", [1.5, 4.0, 20.0])
@pytest.mark.parametrize("spiking", [(0,), (1, 4), (6, 2, 3)])
def test_identity_for_any_proxies_and_delays(
    small: SimpleNamespace, case: str, speed: float, spiking: tuple[int, ...]
) -> None:
    """Rates are given with the steps, or a window after them."""
    small.connectome = replace(small.connectome, speed=speed)
    expected = make(small, case).run(STEPS)
    rates = expected[:, 0, spiking]
    window = small.connectome.window(spiking, 0.1)
    late = run_and_supply(make(small, case, spiking=spiking), window, lambda step: rates[step - 1])
    assert others_differ_by(make(small, case, spiking=spiking).run(STEPS, rates), expected, spiking) <= 1e-10
    assert others_differ_by(late, expected, spiking) <= 1e-10


@pytest.mark.parametrize("case", IDENTITY)
def test_other_rates_than_the_own_are_seen(small: SimpleNamespace, case: str) -> None:
    """Otherwise the identity would say nothing: late by a step, or by a part in 10^4."""
    expected = make(small, case).run(STEPS)
    rates = expected[:, 0, small.spiking]
    for wrong in (np.concatenate([rates[:1], rates[:-1]]), rates * 1.0001):
        states = make(small, case, spiking=small.spiking).run(STEPS, wrong)
        assert others_differ_by(states, expected, small.spiking) > 1e-9


@pytest.mark.parametrize("case", IDENTITY)
def test_rates_by_a_function_of_time(small: SimpleNamespace, case: str) -> None:
    """Proxies do what a function says, whatever the window; their input hears it one delay later."""

    def rate_of(step: int) -> np.ndarray:
        return 0.02 + 0.01 * np.sin([0.3 * step, 0.2 * step + 1.0])

    rates = np.array([rate_of(step) for step in range(1, STEPS + 1)])
    at_once = make(small, case, spiking=small.spiking).run(STEPS, rates)
    for window in (1, small.connectome.window(small.spiking, 0.1)):
        states = run_and_supply(make(small, case, spiking=small.spiking), window, rate_of)
        assert others_differ_by(states, at_once, small.spiking) <= 1e-10
    assert np.array_equal(at_once[:, 0, small.spiking], rates)


@pytest.mark.parametrize("case", IDENTITY)
def test_a_wrong_initial_value_of_a_proxy_is_not_used(small: SimpleNamespace, case: str) -> None:
    """Of a proxy the past and the given rates are read, not the state that its own equations begin with."""
    expected = make(small, case).run(STEPS)
    wrong = make(small, case, spiking=small.spiking)
    wrong.simulator.current_state[:, small.spiking] = 0.77
    states = wrong.run(STEPS, expected[:, 0, small.spiking])
    assert others_differ_by(states, expected, small.spiking) <= 1e-10
    past = make(small, case, spiking=small.spiking)
    past.simulator.history.buffer[:, 0, small.spiking] += 0.1
    assert others_differ_by(past.run(STEPS, expected[:, 0, small.spiking]), expected, small.spiking) > 1e-9


@pytest.mark.parametrize("case", IDENTITY)
@pytest.mark.parametrize("half", [(0,), (1, 4), (0, 2, 3, 5)])
def test_two_halves_are_the_whole(small: SimpleNamespace, case: str, half: tuple[int, ...]) -> None:
    """Two simulators, each with the other's regions as proxies, exchange after every window."""
    expected = make(small, case).run(STEPS)
    rest = tuple(region for region in range(N) if region not in half)
    window = small.connectome.window(half, 0.1)
    one, other = make(small, case, spiking=rest), make(small, case, spiking=half)
    computed = np.empty_like(expected)
    for start in range(0, STEPS, window):
        n = min(window, STEPS - start)
        of_one, of_other = one.run(n), other.run(n)
        computed[start : start + n][:, :, half] = of_one[:, :, half]
        computed[start : start + n][:, :, rest] = of_other[:, :, rest]
        one.supply(of_other[:, 0, rest])
        other.supply(of_one[:, 0, half])
    assert np.abs(computed - expected).max() <= 1e-10


def test_translation_between_the_model_and_rates(small: SimpleNamespace) -> None:
    """rate = scale x + offset both ways: the same brain, given rates in kHz, and asked for its input in kHz."""
    translation = reference.Translation(scale=0.2, offset=0.01, input_scale=3.0, input_offset=np.array([0.5, 0.7]))
    plain, translated = (
        make(small, "wong-wang", spiking=small.spiking, **o) for o in ({}, {"translation": translation})
    )
    x = np.random.default_rng(4).random((6, 2))
    inputs = plain.coupling_into_proxies(6)
    np.testing.assert_allclose(translated.coupling_into_proxies(6), 3.0 * inputs + [0.5, 0.7], rtol=1e-12)
    expected, states = plain.run(6, x), translated.run(6, 0.2 * x + 0.01)
    np.testing.assert_allclose(states, expected, rtol=1e-6)  # the past is in single precision
    np.testing.assert_allclose(states[:, 0, small.spiking], x, rtol=1e-12)
    later = make(small, "wong-wang", spiking=small.spiking, translation=translation)
    states = later.run(6)
    later.supply(0.2 * x + 0.01)
    later.fill(states, 0.2 * x + 0.01)
    np.testing.assert_allclose(states, expected, rtol=1e-6)


@pytest.mark.parametrize("case", ["wong-wang", "coloured noise", "oscillator"])
def test_coupling_and_state(small: SimpleNamespace, case: str) -> None:
    """What goes into proxies is what the library itself computes for them when the step comes."""
    brain = make(small, case, spiking=small.spiking, compat_upstream=True)
    window = small.connectome.window(small.spiking, 0.1, among_spiking=True)
    rates = np.random.default_rng(2).random((4, window, 2))
    for piece in rates:
        ahead = brain.coupling_into_proxies(window)
        saved = brain.state()
        for row, rate in zip(ahead, piece, strict=True):
            now = brain.simulator.coupling(brain.simulator.current_step + 1, brain.simulator.history)
            np.testing.assert_allclose(now[0, small.spiking, 0], row, rtol=1e-12)
            stepwise = brain.run(1, rate[None])
        brain.restore(saved)
        assert np.array_equal(brain.run(window, piece)[-1:], stepwise, equal_nan=True)


def test_coupling_that_needs_the_receiver_cannot_be_sent(small: SimpleNamespace) -> None:
    brain = make(small, "difference", spiking=small.spiking)
    with pytest.raises(UserError, match="Difference depends on the state of the receiving region"):
        brain.coupling_into_proxies(2)


def test_what_cannot_be_coupled_is_refused(small: SimpleNamespace) -> None:
    oscillator = simulator(small, *CASES["oscillator"]())
    with pytest.raises(UserError, match=r"state variable 1 is no coupling variable: those are \[0\]"):
        reference.ReferenceBrain(oscillator, [1], proxy_variable=1)
    oscillator.stimulus = lab.patterns.StimuliRegion(
        temporal=lab.equations.PulseTrain(), connectivity=oscillator.connectivity, weight=np.ones(N)
    )
    with pytest.raises(UserError, match="would begin it anew in every window"):
        reference.ReferenceBrain(oscillator, [1])
    oscillator.stimulus = None
    oscillator.connectivity.weights[2, 2] = 1.0
    with pytest.raises(UserError, match="connects regions with themselves"):
        reference.ReferenceBrain(oscillator, [1])
    modes = (lab.models.ReducedSetFitzHughNagumo(), lab.coupling.Linear(), lab.integrators.HeunDeterministic(dt=0.1))
    with pytest.raises(UserError, match="several modes"):
        reference.ReferenceBrain(simulator(small, *modes), [1])


@pytest.mark.parametrize("changes", [{"tvb_compat": False}, {"covariance": "el-boustani"}])
def test_the_library_has_its_own_equations_only(small: SimpleNamespace, changes: dict) -> None:
    with pytest.raises(UserError, match="tvb-library has its own equations only"):
        reference.mean_field_simulator(small.connectome, MeanFieldParameters(**changes), IntegratorParameters())
