"""What an exchange with NEST costs: in its own process, against in others through its MPI backends.

    python benchmarks/nest_exchange.py [--neurons 200] [--window-ms 2] [--ms 2000] [--repeats 3]

Two regions with the given number of neurons each get independent rates, or spikes; the same numbers on both paths. The
cost of a window is the time of a run in many windows less that of one in a single window, for each of the windows:
input, output and the wait for each other, best of the repeats. The ratio is that of the costs. One process and thread.
Needs scripts/setup --with-nest-mpi. Wall time suffers from other jobs: mind the load.
"""

from __future__ import annotations

import argparse
import os
import platform
import time
from collections.abc import Callable
from dataclasses import replace

import numpy as np

from tvb_nest.nest_side.exchange import Train
from tvb_nest.nest_side.nest_with_mpi import find
from tvb_nest.nest_side.network import SpikingNetwork
from tvb_nest.nest_side.parameters import ConnectionParameters, NetworkParameters, PopulationParameters
from tvb_nest.nest_side.spawned_network import SpawnedNetwork
from tvb_nest.nest_side.windows import WindowedNetwork

DT = 0.1
REGIONS = (0, 1)
RATE_HZ = 40.0
"""Of the input of a neuron."""

Open = Callable[[NetworkParameters], WindowedNetwork]


def spikes(neurons: int, n_steps: int, windows: int) -> list[list[Train]]:
    """Poisson input of each window; the same spikes however the time is divided."""
    rng = np.random.default_rng(0)
    steps = n_steps * windows
    inputs: list[list[Train]] = [[] for _ in range(windows)]
    for _ in REGIONS:
        count = rng.poisson(neurons * steps * DT * RATE_HZ * 1e-3)
        fired, when = rng.integers(0, neurons, count), rng.integers(1, steps + 1, count)
        for window, trains in enumerate(inputs):
            mine = (when - 1) // n_steps == window
            order = np.lexsort((when[mine], fired[mine]))
            trains.append((fired[mine][order], when[mine][order] * DT))
    return inputs


def seconds(open_network: Open, parameters: NetworkParameters, neurons: int, n_steps: int, windows: int) -> float:
    """Wall time of a run, without building."""
    with open_network(parameters) as network:
        network.prepare()
        inputs = spikes(neurons, n_steps, windows)
        rates = np.full((n_steps, len(REGIONS)), RATE_HZ)
        began = time.perf_counter()
        for trains in inputs:
            if parameters.external_input == "rates":
                network.set_rates(network.step, rates)
            else:
                network.set_spikes(network.step, trains)
            network.run(n_steps)
        return time.perf_counter() - began


def cost(open_network: Open, parameters: NetworkParameters, neurons: int, n_steps: int, windows: int, n: int) -> float:
    """Milliseconds per window, and of the whole run."""

    def best(*shape: int) -> float:
        return min(seconds(open_network, parameters, neurons, *shape) for _ in range(n))

    return 1e3 * (best(n_steps, windows) - best(n_steps * windows, 1)) / windows


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--neurons", type=int, nargs="+", default=[200])
    parser.add_argument("--window-ms", type=float, default=2.0)
    parser.add_argument("--ms", type=float, default=2000.0)
    parser.add_argument("--repeats", type=int, default=3)
    options = parser.parse_args()
    n_steps, windows = round(options.window_ms / DT), round(options.ms / options.window_ms)
    print(f"best of {options.repeats}, {windows} windows of {options.window_ms:g} ms; {platform.machine()}, "
          f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}")  # fmt: skip
    print("neurons per region | input | in memory, wall ms per window | through MPI, wall ms per window | ratio")
    python = find()
    for neurons in options.neurons:
        for kind in ("rates", "spikes"):
            parameters = replace(
                NetworkParameters(external_input=kind),  # type: ignore[arg-type]
                populations=PopulationParameters(neurons),
                connections=ConnectionParameters(p_connect=min(1.0, 50 / neurons)),
            )
            shape = parameters, neurons, n_steps, windows, options.repeats
            memory = cost(lambda values: SpikingNetwork(values, REGIONS), *shape)
            mpi = cost(lambda values: SpawnedNetwork(values, REGIONS, python=python), *shape)
            print(f"{neurons} | {kind} | {memory:.3f} | {mpi:.3f} | {mpi / memory:.1f}", flush=True)


if __name__ == "__main__":
    main()
