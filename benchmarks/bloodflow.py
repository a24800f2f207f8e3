"""One flow step of ours against AstroVascPy's, in one run, on the networks of the circuit builder.

    OMP_NUM_THREADS=1 python benchmarks/bloodflow.py [--segments 2000 50000] [--repeats 20]

A step is what the coupler needs at each exchange: new radii in, flows and pressures out. Both solvers get the same
graph, the same boundary flows and, in turn, the same radii, 1 % round the resting ones and different at every step.
Times are the median processor time of the process, so that a busy machine does not decide. The phases of ours are
timed one by one on the same radii. AstroVascPy runs its default backend, scipy.
"""

from __future__ import annotations

import argparse
import platform
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TypeVar

import numpy as np
from headline import print_headline

from multiscale_run.bloodflow import VesselGraph, find_boundary, make_solver, read_vasculature, resistance
from multiscale_run.bloodflow.solver import GroundedSolver
from multiscale_run.circuits.specification import CircuitSpec
from multiscale_run.circuits.vasculature import grow_vasculature, write_vasculature
from multiscale_run.config.schema.bloodflow import Bloodflow

Result = TypeVar("Result")
NAMES = ("grounded", "astrovascpy")
REFERENCE_SIZE, REFERENCE_SEGMENTS = 450.0, 5753
"""Edge of a cube in um and the vessel segments that the builder puts into it."""


def network(segments: int) -> VesselGraph:
    """A vasculature of about this many segments; their number grows with the volume."""
    size = REFERENCE_SIZE * (segments / REFERENCE_SEGMENTS) ** (1 / 3)
    with TemporaryDirectory() as folder:
        file = Path(folder) / "nodes.h5"
        write_vasculature(file, grow_vasculature(CircuitSpec(size_um=size)))
        return read_vasculature(file)


def timed(work: Callable[[], Result]) -> tuple[float, Result]:
    """Processor time of a call in ms, and what it returned."""
    start = time.process_time()
    result = work()
    return 1e3 * (time.process_time() - start), result


def compare(segments: int, repeats: int) -> None:
    """Print the step of both solvers and their ratio."""
    graph = network(segments)
    boundary = find_boundary(graph, Bloodflow())
    for name in NAMES:  # compile the kernels, import AstroVascPy
        make_solver(graph, boundary, Bloodflow(solver=name)).solve(graph.radii)
    made = {name: timed(partial(make_solver, graph, boundary, Bloodflow(solver=name))) for name in NAMES}
    rng = np.random.default_rng(1)
    steps, difference = [], 0.0
    for _ in range(repeats):
        radii = graph.radii * rng.normal(1, 0.01, graph.n_segments)
        ours, theirs = (timed(partial(solver.solve, radii)) for _, solver in made.values())
        steps.append((ours[0], theirs[0]))
        largest = np.abs(theirs[1].flow).max()
        difference = max(difference, float(np.abs(ours[1].flow - theirs[1].flow).max() / largest))
    medians = np.median(steps, axis=0)
    print(f"\n{graph.n_segments} segments, {graph.n_points} points, {repeats} steps")
    print("solver       setup ms   step ms")
    for (name, (setup, _)), median in zip(made.items(), medians, strict=True):
        print(f"{name:12s} {setup:8.1f} {median:9.3f}")
    print(f"ratio {medians[1] / medians[0]:.1f}, largest difference of flows {difference:.1e} of the largest flow")
    show_phases(graph, made["grounded"][1], repeats)
    setup = f"{graph.n_segments} segments, flows equal to {difference:.0e}"
    print_headline("blood flow, one step", "AstroVascPy", medians[1] / medians[0], setup)


def show_phases(graph: VesselGraph, solver: GroundedSolver, repeats: int) -> None:
    """Print where the time of our step goes."""
    inside = solver._network
    resistances = resistance(graph.lengths, graph.radii, Bloodflow().blood_viscosity)
    conductance = 1 / inside._chains.series(resistances)
    right = np.ones(len(inside._unknown))
    phases = {
        "resistances": lambda: resistance(graph.lengths, graph.radii, Bloodflow().blood_viscosity),
        "chains": lambda: inside._chains.series(resistances),
        "factor": lambda: inside._factorisation.factor(conductance),
        "substitute": lambda: inside._factorisation.solve(right),
    }
    times = {name: np.median([timed(work)[0] for _ in range(repeats)]) for name, work in phases.items()}
    print(f"{len(right)} unknowns, {inside._factorisation.entries} entries of L; ms:", end=" ")
    print(", ".join(f"{name} {value:.3f}" for name, value in times.items()))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--segments", type=int, nargs="+", default=[2000, 50000])
    parser.add_argument("--repeats", type=int, default=20)
    options = parser.parse_args()
    print(f"{platform.processor() or platform.machine()}, Python {platform.python_version()}, numpy {np.__version__}")
    for segments in options.segments:
        compare(segments, options.repeats)


if __name__ == "__main__":
    main()
