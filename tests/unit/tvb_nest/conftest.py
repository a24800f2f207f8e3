"""A small brain and both ways to compute it."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from tvb_nest.connectome import Connectome
from tvb_nest.tvb_side.brain import Brain, IntegratorParameters
from tvb_nest.tvb_side.mean_field.brain import MeanFieldBrain
from tvb_nest.tvb_side.mean_field.parameters import MeanFieldParameters
from tvb_nest.tvb_side.noise import NoiseParameters

# tvb-library makes folders in the home of the user
os.environ.setdefault("TVB_USER_HOME", str(Path(tempfile.gettempdir(), f"tvb-of-tests-{os.getuid()}")))

INTEGRATOR = IntegratorParameters(dt=0.1, seed=7)
NOISE = NoiseParameters({"ou_drift": 1e-3})
COUPLING = 0.3
SPIKING = (1, 4)
INPUT = {"external_input_ex_ex": 0.0017, "external_input_in_ex": 0.0015, "weight_noise": 0.01}


def small_connectome(n: int = 7, seed: int = 1) -> Connectome:
    """Regions with random weights, a third of them 0, and delays from 0.6 ms to some 3 ms."""
    rng = np.random.default_rng(seed)
    weights = rng.random((n, n)) * (rng.random((n, n)) < 0.7)
    lengths = rng.uniform(2.4, 12.0, (n, n))
    return Connectome(weights, (lengths + lengths.T) / 2, rng.random((n, 3)), tuple(f"r{i}" for i in range(n)), 4.0)


def start(parameters: MeanFieldParameters, n: int) -> np.ndarray:
    """A state to start from, other in every region, in numbers that single precision holds exactly."""
    state = np.zeros((len(parameters.state_variables), n))
    state[0] = np.linspace(0.004, 0.009, n)
    state[1] = np.linspace(0.012, 0.007, n)
    return state.astype(np.float32).astype(np.float64)


def make_brain(kind: str, order: int = 2, spiking: tuple[int, ...] = (), **options: Any) -> Brain:
    """One brain, computed by our kernel or by The Virtual Brain."""
    connectome = small_connectome()
    parameters = MeanFieldParameters(order=order, **INPUT)
    shared = {"noise": NOISE, "coupling": COUPLING, "initial": start(parameters, connectome.n_regions)}
    if kind == "compiled":
        return MeanFieldBrain(connectome, parameters, INTEGRATOR, spiking=spiking, **shared, **options)
    pytest.importorskip("tvb.simulator.simulator")
    from tvb_nest.tvb_side.reference import ReferenceBrain, mean_field_simulator

    simulator = mean_field_simulator(connectome, parameters, INTEGRATOR, **shared)
    return ReferenceBrain(simulator, spiking, **options)


@pytest.fixture
def small() -> SimpleNamespace:
    """What the small brains are made of."""
    return SimpleNamespace(
        connectome=small_connectome(),
        integrator=INTEGRATOR,
        noise=NOISE,
        coupling=COUPLING,
        input=INPUT,
        spiking=SPIKING,
        start=start,
    )


@pytest.fixture(params=["compiled", "reference"])
def brain(request: pytest.FixtureRequest) -> Callable[..., Brain]:
    """Makes brains of one kind; see `make_brain`."""
    return lambda *args, **options: make_brain(request.param, *args, **options)


@pytest.fixture
def both() -> Callable[..., tuple[Brain, Brain]]:
    """Makes the same brain twice, compiled and by The Virtual Brain."""
    return lambda *args, **options: tuple(make_brain(k, *args, **options) for k in ("compiled", "reference"))
