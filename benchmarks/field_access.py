"""Reading and writing a variable of all segments: our bulk access against the loop over attributes of the original.

    python benchmarks/field_access.py [--neurons 10 50] [--repeats 9]

The peer goes through cells, sections and segments and asks each for its attribute, as MultiscaleRun 0.8 does; both get
the same model in the same process, in turn, and the best of the repeats in CPU time counts. A mean per neuron weighted
by the membrane area is what a connection to the metabolism reads; a value per neuron written to all of its segments is
what one writes.
"""

from __future__ import annotations

import argparse
import os
import platform
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory

from headline import print_headline

from mpi_coupling.world import World

World.start()  # before NEURON

import numpy as np  # noqa: E402

from mpi_coupling.clock import Clock  # noqa: E402
from multiscale_run.config import load_config  # noqa: E402
from multiscale_run.simulators import NeuronSimulator  # noqa: E402

PROGRAM = str(Path(sys.executable).parent / "multiscale-run")


def loop_mean(cells: list, variable: str) -> np.ndarray:
    """The mean by area of a variable in each cell, one segment after the other."""
    means = []
    for cell in cells:
        total = area = 0.0
        for section in cell.CellRef.all:
            for segment in section:
                weight = segment.area()
                total += getattr(segment, variable) * weight
                area += weight
        means.append(total / area)
    return np.array(means)


def loop_get(cells: list, variable: str) -> np.ndarray:
    """A variable in every segment, one after the other."""
    return np.array([getattr(s, variable) for cell in cells for section in cell.CellRef.all for s in section])


def loop_set(cells: list, variable: str, values: np.ndarray) -> None:
    """A value per cell, written to one segment after the other."""
    for cell, value in zip(cells, values, strict=True):
        for section in cell.CellRef.all:
            for segment in section:
                setattr(segment, variable, value)


def cpu_seconds(work: Callable[[], object], repeats: int) -> float:
    """Least CPU time of a call."""
    best = np.inf
    for _ in range(repeats):
        calls, start = 0, time.process_time()
        while (spent := time.process_time() - start) < 0.05:  # the clock is coarser than one call
            work()
            calls += 1
        best = min(best, spent / calls)
    return best


def measure(neurons: int, repeats: int) -> dict[str, tuple[float, str]]:
    """Build a circuit and print its rows; what was done -> ratio and setup."""
    ratios = {}
    from neurodamus.cell_distributor import CellDistributor

    with TemporaryDirectory() as name:
        folder = Path(name) / "simulation"
        command = [PROGRAM, "init", "--neurons", str(neurons), "--no-check", str(folder)]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
        config = load_config(folder)
        config.output_dir.mkdir()
        ours = NeuronSimulator(config, World.start(), Clock.from_config(config.run.dt, config.run.tstop))
        managers = ours._neurodamus.circuits.all_node_managers()
        cells = sorted(next(m for m in managers if type(m) is CellDistributor).cells, key=lambda cell: cell.raw_gid)
        np.testing.assert_allclose(ours.neuron_mean("nai", "area"), loop_mean(cells, "nai"), rtol=1e-12)
        values = np.linspace(9.0, 11.0, neurons)
        pairs = {
            "get": (lambda: loop_get(cells, "nai"), lambda: ours.segments.variable("nai").read()),
            "get, mean by area": (lambda: loop_mean(cells, "nai"), lambda: ours.neuron_mean("nai", "area")),
            "set": (lambda: loop_set(cells, "nai", values), lambda: ours.set_var(values, var="nai")),
        }
        for what, works in pairs.items():
            loop, bulk = (cpu_seconds(work, repeats) for work in works)
            row = f"{neurons} | {len(ours.segments)} | {what} | {1e6 * loop:.0f} | {1e6 * bulk:.1f} | {loop / bulk:.0f}"
            print(row, flush=True)
            ratios[what] = loop / bulk, f"{len(ours.segments)} segments of {neurons} neurons"
        ours.close()
    return ratios


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--neurons", type=int, nargs="+", default=[10, 50])
    parser.add_argument("--repeats", type=int, default=9)
    options = parser.parse_args()
    print(f"best of {options.repeats}; {platform.machine()}, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}")
    print("neurons | segments | access | loop, us | ours, us | ratio")
    for neurons in options.neurons:
        ratios = measure(neurons, options.repeats)
    for what, (ratio, setup) in ratios.items():
        print_headline(f"variable of NEURON: {what}", "loop over attributes", ratio, setup)


if __name__ == "__main__":
    main()
