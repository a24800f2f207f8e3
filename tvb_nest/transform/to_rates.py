"""From the spikes of a region to the rate that the mean field sees."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray


def spike_histogram(times: NDArray[np.float64], start_step: int, n_steps: int, dt: float) -> NDArray[np.int64]:
    """Spikes per step of the window after `start_step`.

    Spikes lie on the time grid, so a time is rounded to the nearest step and its error in binary never matters.

    Args:
        times: in ms, in any order.
        start_step: where the window begins.
        n_steps: of the window.
        dt: time step (ms).

    Returns:
        (n_steps,) counts; number i is of time ``(start_step + 1 + i) * dt``.

    Raises:
        ValueError: a spike is not in the window.
    """
    bins = np.rint(np.asarray(times) / dt).astype(np.int64) - start_step - 1
    if len(bins) and (bins.min() < 0 or bins.max() >= n_steps):
        raise ValueError(
            f"spikes from {np.min(times)} to {np.max(times)} ms do not all lie in the window "
            f"({start_step * dt:.6g}, {(start_step + n_steps) * dt:.6g}] ms"
        )
    return np.bincount(bins, minlength=n_steps)


class SlidingMean:
    """The mean rate of a region's neurons over the last T ms, at every step, in kHz.

    The value at time t is the number of spikes in (t - T, t], over the number of neurons and T. Before the beginning,
    neurons are taken to have fired at the initial rate. Counts are integers, so no error builds up over a long run.

    Args:
        n_neurons: per region, of those whose spikes are given.
        width: T in ms.
        dt: time step (ms).
        initial_rate: per region or of all, in kHz.
        compat_upstream: leave the current step out, as the original does: the spikes in (t - T - dt, t - dt].

    Raises:
        ValueError: T is shorter than a step, or a region has no neurons.
    """

    def __init__(
        self,
        n_neurons: Sequence[int],
        width: float,
        dt: float,
        initial_rate: float | NDArray[np.float64] = 0.0,
        compat_upstream: bool = False,
    ) -> None:
        self._width = round(width / dt)
        if self._width < 1:
            raise ValueError(f"the width of the sliding mean, {width} ms, is shorter than a time step, {dt} ms")
        if not all(n_neurons):
            raise ValueError("a region without excitatory neurons has no rate that TVB could see")
        self._dt = dt
        self._n_neurons = np.asarray(n_neurons)
        self._initial = np.broadcast_to(np.asarray(initial_rate, dtype=float), self._n_neurons.shape)
        self._counts = np.zeros((self._width + compat_upstream, len(self._n_neurons)), dtype=np.int64)
        self._in_width = self._counts[0]
        self._unknown = len(self._counts)  # steps of the history that are older than the beginning
        self._next: int | None = None

    def __call__(self, start_step: int, n_steps: int, times: Sequence[NDArray[np.float64]]) -> NDArray[np.float64]:
        """The rates of the window after `start_step`.

        Args:
            start_step: where the window begins; windows must follow each other.
            n_steps: of the window.
            times: spike times (ms) of each region, in any order.

        Returns:
            (n_steps, n_regions), in kHz.

        Raises:
            ValueError: a spike is not in the window, or the window does not follow the last one.
        """
        if self._next not in (None, start_step):
            raise ValueError(
                f"the window from step {start_step} does not follow the last one, which ended at {self._next}"
            )
        self._next = start_step + n_steps
        new = [spike_histogram(spikes, start_step, n_steps, self._dt) for spikes in times]
        counts = np.concatenate([self._counts, np.stack(new, axis=1)])
        # a step on, the mean takes one step in at its end and leaves the oldest out
        in_width = self._in_width + np.cumsum(counts[self._width :][:n_steps] - counts[:n_steps], axis=0)
        rates = in_width / (self._n_neurons * self._dt * self._width)
        if self._unknown:
            before = np.clip(self._unknown - 1 - np.arange(n_steps), 0, self._width)[:, np.newaxis]
            rates += before * self._initial / self._width
        self._counts, self._in_width = counts[n_steps:], in_width[-1]
        self._unknown = max(0, self._unknown - n_steps)
        return rates

    def state(self) -> dict[str, NDArray]:
        """The history, for a checkpoint."""
        return {
            "counts": self._counts.copy(),
            "unknown": np.asarray(self._unknown),
            "next": np.asarray(self._next or 0),
        }

    def restore(self, state: dict[str, NDArray]) -> None:
        """Continue from `state`."""
        self._counts, self._unknown, self._next = np.array(state["counts"]), int(state["unknown"]), int(state["next"])
        self._in_width = self._counts[: self._width].sum(axis=0)
