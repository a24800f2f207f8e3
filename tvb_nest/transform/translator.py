"""Both translations together, for all spiking regions or for those of one of several ranks."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from tvb_nest.transform.plugins import ToNest, ToTvb
from tvb_nest.transform.to_spikes import Train


class Translator:
    """Rates of the brain into spikes, spikes into rates.

    Args:
        to_nest: makes spike trains; None where NEST draws them itself.
        to_tvb: makes rates.
    """

    def __init__(self, to_nest: ToNest | None, to_tvb: ToTvb) -> None:
        self._to_nest, self._to_tvb = to_nest, to_tvb

    def spikes(self, start: int, rates: NDArray[np.float64]) -> list[Train]:
        """Trains into each region from rates (kHz), shape (steps, regions), of the steps after `start`."""
        assert self._to_nest is not None
        return self._to_nest(start, positive(rates))

    def rates(self, start: int, stop: int, times: Sequence[NDArray[np.float64]]) -> NDArray[np.float64]:
        """Rates (kHz), shape (steps, regions), from the spike times (ms) of each region in (start, stop]."""
        return self._to_tvb(start, stop - start, times)


def positive(rates: NDArray[np.float64]) -> NDArray[np.float64]:
    """Rates without negative ones: noise can push a mean field's rate below 0 for a step."""
    return np.maximum(rates, 0.0)


def pack_train(train: Train, start: int, n_steps: int, dt: float) -> NDArray[np.float64]:
    """A train as one row of numbers: the cells ``neuron * n_steps + step`` with spikes, then how many are in each.

    So there are never more than twice as many numbers as neurons times steps, whatever the rate.

    Args:
        train: neurons and times (ms), in any order.
        start: step at which the window begins.
        n_steps: of the window.
        dt: time step (ms).

    Raises:
        ValueError: a spike is not in the window.
    """
    neurons, times = train
    steps = np.rint(np.asarray(times) / dt).astype(np.int64) - start - 1
    if len(steps) and (steps.min() < 0 or steps.max() >= n_steps):
        raise ValueError(f"spikes must lie in ({start * dt:.6g}, {(start + n_steps) * dt:.6g}] ms")
    cells, counts = np.unique(np.asarray(neurons) * n_steps + steps, return_counts=True)
    return np.concatenate([cells, counts]).astype(np.float64)


def unpack_train(row: NDArray[np.float64], start: int, n_steps: int, dt: float) -> Train:
    """The train that `pack_train` made a row of, by neuron and time."""
    cells, counts = row.astype(np.int64).reshape(2, -1)
    neurons, steps = np.divmod(np.repeat(cells, counts), n_steps)
    return neurons, (start + 1 + steps) * dt
