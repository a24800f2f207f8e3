"""Correlated spike trains for a region: ours against the algorithm of the original, in one run.

    python benchmarks/correlated_spikes.py [--neurons 1000 10000] [--windows 20]

A window is 2 ms of 20 steps at 10 Hz and 115 external synapses, the original's paper cases, for each of its shared
percentages. The original draws a mother train and then a table of all neurons by all mother spikes, keeps what was
drawn, and collects each neuron's train in a loop (multiple interaction process; Kuhn, Aertsen & Rotter 2003,
doi:10.1162/089976603321043702); `dense_trains` is that algorithm in our words. Its table is drawn in single rows when
it would not fit in memory. Times are the median processor time of a window, mean numbers of spikes show that both
deliver the same.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable

import numpy as np
from headline import print_headline

from tvb_nest.transform.to_spikes import RateToSpikes

DT, N_STEPS, RATE, N_SYNAPSES = 0.1, 20, 0.01, 115
SHARED = (0.001, 0.01, 0.1, 0.5)
LARGEST_TABLE = 2 * 10**8
"""Entries of the original's table that are drawn at once."""


def dense_trains(n_neurons: int, shared: float, rng: np.random.Generator) -> list[np.ndarray]:
    """A window's spike times of each neuron, as the original draws them."""
    window = N_STEPS * DT
    n_mothers = rng.poisson(RATE * N_SYNAPSES / shared * window)
    mothers = np.round(np.sort(rng.random(n_mothers) * window), 1)
    trains: list[np.ndarray] = []
    rows = max(1, min(n_neurons, LARGEST_TABLE // max(n_mothers, 1)))
    for first in range(0, n_neurons, rows):
        copied = rng.binomial(1, shared, (min(rows, n_neurons - first), n_mothers))
        trains += [times[times != 0] for times in copied * mothers]
    return trains


def timed(draw: Callable[[int], int], windows: int) -> tuple[float, float]:
    """Median processor time (ms) and mean number of spikes of a window."""
    draw(0)  # the first call allocates
    times, spikes = [], []
    for window in range(1, windows + 1):
        start = time.process_time()
        spikes.append(draw(window))
        times.append(1e3 * (time.process_time() - start))
    return float(np.median(times)), float(np.mean(spikes))


def compare(n_neurons: int, shared: float, windows: int) -> float:
    """Print both and their ratio, which is returned."""
    rates = np.full((N_STEPS, 1), RATE)
    ours = RateToSpikes([n_neurons], N_SYNAPSES, shared, DT, seed=1)
    rng = np.random.default_rng(1)
    our_time, our_spikes = timed(lambda window: len(ours(window * N_STEPS, rates)[0][0]), windows)
    # the dense algorithm takes seconds a window for weak correlations
    dense_time, dense_spikes = timed(lambda _: sum(map(len, dense_trains(n_neurons, shared, rng))), min(windows, 3))
    print(
        f"{n_neurons:8d} {shared:8.3f} {our_time:9.3f} {dense_time:9.1f} {dense_time / our_time:7.0f}"
        f" {our_spikes:11.0f} {dense_spikes:11.0f}"
    )
    return dense_time / our_time


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--neurons", type=int, nargs="+", default=[1000, 10_000], help="of the region")
    parser.add_argument("--windows", type=int, default=20, help="that are timed")
    options = parser.parse_args()
    print(" neurons   shared   ours ms  dense ms   ratio  our spikes       dense")
    for n_neurons in options.neurons:
        ratios = [compare(n_neurons, shared, options.windows) for shared in SHARED]
    for shared, ratio in zip(SHARED, ratios, strict=True):
        setup = f"{n_neurons} neurons that share {shared:g} of their input"
        print_headline("correlated spike trains", "all neurons by all mother spikes", ratio, setup)


if __name__ == "__main__":
    main()
