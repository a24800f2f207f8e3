"""From the rate that reaches a region to a spike train for each of its neurons.

Two laws of correlated Poisson trains after Kuhn, Aertsen & Rotter (2003), Higher-order statistics of input ensembles
and the response of simple model neurons, Neural Computation 15(1):67-101, doi:10.1162/089976603321043702. In both, a
neuron's train is Poisson with the given rate, and the spike counts of any two neurons have the correlation coefficient
`shared`:

- SIP, single interaction process: a part of the spikes reaches all neurons, the rest is private.
- MIP, multiple interaction process: each spike of a mother train is copied to each neuron with probability `shared`.

Both are drawn from their exact law on the time grid: a spike with time t stands for (t - dt, t], as in NEST. The work
is proportional to the spikes delivered; neither the mother spikes that nobody gets nor the (neuron, mother) pairs that
are not copied are ever visited.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

Train = tuple[NDArray[np.int64], NDArray[np.float64]]
"""Neuron, counted in its region and sorted, and time in ms of each spike; sorted by time for each neuron."""

Counts = NDArray[np.float64]
Cells = NDArray[np.int64]
Law = Callable[[Counts, int, float, np.random.Generator], Cells]

HZ_PER_KHZ = 1e3


def multiple_interaction(expected: Counts, n_neurons: int, shared: float, rng: np.random.Generator) -> Cells:
    """MIP.

    Args:
        expected: mean number of spikes of a neuron in each step, (n_steps,).
        n_neurons: of the region.
        shared: correlation coefficient, 0 to 1; at 0 the trains are independent.
        rng: source of chance.

    Returns:
        ``neuron * n_steps + step`` of every spike, sorted.
    """
    if shared == 0:
        return _private(expected, n_neurons, rng)
    # mother spikes are numbered through the window; only the steps' last numbers are kept, not the spikes
    ends = np.cumsum(rng.poisson(expected / shared))
    mothers = int(ends[-1])
    neurons, mother = np.divmod(bernoulli_cells(n_neurons * mothers, shared, rng), max(mothers, 1))
    return neurons * len(expected) + np.searchsorted(ends, mother, side="right")


def single_interaction(expected: Counts, n_neurons: int, shared: float, rng: np.random.Generator) -> Cells:
    """SIP; arguments and result as in `multiple_interaction`."""
    n_steps = len(expected)
    common = np.repeat(np.arange(n_steps), rng.poisson(shared * expected))
    everywhere = np.add.outer(np.arange(n_neurons) * n_steps, common).ravel()
    return np.sort(np.concatenate([everywhere, _private((1 - shared) * expected, n_neurons, rng)]))


LAWS: Mapping[str, Law] = {"mip": multiple_interaction, "sip": single_interaction}
"""By name."""


def bernoulli_cells(n_cells: int, probability: float, rng: np.random.Generator) -> Cells:
    """Which of `n_cells` independent trials succeed, sorted, in a time proportional to the successes.

    The distance from one success to the next is geometrically distributed.
    """
    found: list[Cells] = []
    last = -1
    while last < n_cells - 1:
        mean = (n_cells - 1 - last) * probability
        gaps = rng.geometric(probability, int(mean + 4 * np.sqrt(mean)) + 8)
        # a gap beyond the end ends the search; longer ones would only overflow the sum
        cells = last + np.cumsum(np.minimum(gaps, n_cells + 1))
        found.append(cells[cells < n_cells])
        last = int(cells[-1])
    return np.concatenate(found) if found else np.empty(0, dtype=np.int64)


class RateToSpikes:
    """Spike trains for the spiking regions, from the brain's input into them.

    Regions have streams of chance of their own, independent of each other and of how many windows the others have had.

    Args:
        n_neurons: per region.
        n_synapses: of a neuron from outside; its input rate is this times the brain's rate.
        shared: correlation coefficient of two neurons' spike counts, 0 to 1.
        dt: time step (ms).
        seed: of all regions.
        law: "mip" or "sip".
        positions: of the regions among all spiking ones, which choose their streams of chance; None: 0, 1, ...

    Raises:
        ValueError: `shared` is not from 0 to 1, or there is no such law.
    """

    def __init__(
        self,
        n_neurons: Sequence[int],
        n_synapses: float,
        shared: float,
        dt: float,
        seed: int,
        law: str = "mip",
        positions: Sequence[int] | None = None,
    ) -> None:
        if not 0 <= shared <= 1:
            raise ValueError(f"percentage_shared must be from 0 to 1, not {shared}")
        if law not in LAWS:
            raise ValueError(f"there is no law {law!r}; choose from {', '.join(LAWS)}")
        self._law, self._shared = LAWS[law], shared
        self._n_neurons, self._n_synapses, self._dt = tuple(n_neurons), n_synapses, dt
        chosen = range(len(self._n_neurons)) if positions is None else positions
        self._streams = [np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(k,))) for k in chosen]

    def __call__(self, start_step: int, rates: NDArray[np.float64]) -> list[Train]:
        """The spikes of the window after `start_step`.

        Args:
            start_step: where the window begins.
            rates: (n_steps, n_regions), the brain's rate into each region in kHz.

        Returns:
            One train per region, times in (start, start + n_steps] * dt.

        Raises:
            ValueError: a rate is negative or not a number.
        """
        return [self._train(start_step, np.asarray(rates)[:, region], region) for region in range(len(self._n_neurons))]

    def state(self) -> list[Mapping[str, Any]]:
        """The state of chance, for a checkpoint."""
        return [stream.bit_generator.state for stream in self._streams]

    def restore(self, state: Sequence[Mapping[str, Any]]) -> None:
        """Continue from `state`."""
        for stream, saved in zip(self._streams, state, strict=True):
            stream.bit_generator.state = saved

    def _train(self, start_step: int, rates: NDArray[np.float64], region: int) -> Train:
        if not (np.isfinite(rates) & (rates >= 0)).all():
            raise ValueError(f"a rate into spiking region {region} is negative or not a number after step {start_step}")
        expected = rates * self._n_synapses * self._dt  # kHz times ms
        cells = self._law(expected, self._n_neurons[region], self._shared, self._streams[region])
        neurons, steps = np.divmod(cells, len(rates))
        return neurons, (start_step + 1 + steps) * self._dt


def input_rates(rates: NDArray[np.float64], n_synapses: float) -> NDArray[np.float64]:
    """What every neuron gets, in Hz, from the brain's rates into its region, in kHz: for independent trains."""
    return np.asarray(rates) * (HZ_PER_KHZ * n_synapses)


def _private(expected: Counts, n_neurons: int, rng: np.random.Generator) -> Cells:
    """Independent trains: the spikes of all neurons are one Poisson process, each falls to any neuron alike."""
    steps = np.repeat(np.arange(len(expected)), rng.poisson(n_neurons * expected))
    return np.sort(rng.integers(0, n_neurons, len(steps)) * len(expected) + steps)
