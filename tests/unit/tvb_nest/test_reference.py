"""The Virtual Brain's own simulator as a brain: any model, coupling and integrator that can be coupled."""

from __future__ import annotations

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


def noise(ntau: float = 0.0) -> lab.noise.Additive:
    return lab.noise.Additive(nsig=np.array([1e-4]), ntau=ntau, noise_seed=5)


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
