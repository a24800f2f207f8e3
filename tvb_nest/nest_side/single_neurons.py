"""Rates of single neurons: many of them, unconnected, each with Poisson input of its own."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from tvb_nest.nest_side import session
from tvb_nest.nest_side.populations import check_model

Floats = NDArray[np.float64]


def count_spikes(
    model: str,
    parameters: Mapping[str, float],
    excitatory: tuple[float, Floats],
    inhibitory: tuple[float, Floats],
    *,
    settle: float,
    duration: float,
    resolution: float = 0.1,
    threads: int = 1,
    seed: int = 1,
) -> NDArray[np.int64]:
    """Spikes of a neuron at each of many inputs.

    Args:
        model, parameters: NEST's neuron model and its parameters.
        excitatory, inhibitory: weight of a synapse [nS, not negative], and the rate of all of them [kHz] at each input.
        settle: time before the count begins, for the adaptation to become stationary [ms].
        duration: of the count [ms].
        resolution: time step [ms].
        threads: of NEST.
        seed: of the input.

    Raises:
        UserError: NEST does not have the model or one of its parameters.
        RuntimeError: a network of this process is open.
    """
    if not len(excitatory[1]):
        return np.empty(0, dtype=np.int64)  # NEST makes no fewer than one neuron
    owner = object()
    nest = session.acquire(owner)
    try:
        nest.set(resolution=resolution, local_num_threads=threads, rng_seed=seed)
        check_model(nest, model, parameters, "neuron parameters")
        cells = nest.Create(model, len(excitatory[1]), params=dict(parameters))
        for (weight, rates), sign in ((excitatory, 1.0), (inhibitory, -1.0)):
            generators = nest.Create("poisson_generator", len(rates), params={"rate": (1e3 * rates).tolist()})
            nest.Connect(generators, cells, "one_to_one", {"weight": sign * weight, "delay": resolution})
        recorder = nest.Create("spike_recorder", params={"start": settle})
        nest.Connect(cells, recorder)
        nest.Simulate(settle + duration)
        fired = recorder.events["senders"].astype(np.int64) - min(cells.tolist())
        return np.bincount(fired, minlength=len(cells))
    finally:
        session.release(owner)
