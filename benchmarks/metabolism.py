"""The metabolism engine against the original release: speed at equal error, accuracy, scaling, roofline.

    python benchmarks/metabolism.py [--cells 64] [--repeats 3] [--seconds 0.1] [--without-original]

The original (multiscale-run 0.9.0 from PyPI, Radau with its own settings) is downloaded into a folder of its own and
runs in its own process. Both integrate the same heterogeneous cells from the same cold start, in turn, on one core (one
BLAS thread); times are CPU time, so that a busy machine does not decide. The error of a cell is the largest of
|x - r| / (|r| + 1 nM) over its species, r from a run at tolerance 1e-12 with another method than the default one.
"""

from __future__ import annotations

import argparse
import csv
import ctypes
import os
import platform
import resource
import subprocess
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory

import llvmlite.binding as llvm
import numpy as np
from headline import print_headline
from llvmlite import ir

from multiscale_run.metabolism import Network, load_network, make_engine
from multiscale_run.metabolism.disk_cache import cache_folder
from multiscale_run.metabolism.equations import build_equations
from multiscale_run.metabolism.expression import Op
from multiscale_run.metabolism.kernel_cache import best_lanes, target_machine
from multiscale_run.metabolism.kernels import Plan, make_plan
from multiscale_run.metabolism.rosenbrock import METHODS
from multiscale_run.metabolism.tables import NETWORK_FOLDER
from multiscale_run.metabolism.vector_ir import DOUBLE, INTEGER, POINTER, Array, define

RELEASE = "multiscale-run==0.9.0"
TOLERANCES = (1e-1, 3e-2, 1e-2, 3e-3, 1e-3, 1e-4, 1e-5, 1e-6, 1e-8)
DEFAULT_TOLERANCE = 1e-4
# the original's arterial glucose, so that both solve the same equations
PARAMETERS = {"glc_art": 4.6}
ONE_THREAD = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}


def heterogeneous_cells(network: Network, count: int) -> tuple[np.ndarray, np.ndarray]:
    """Cells knocked out of rest: 60 to 100 % of the ATP, inflow 1e-4 to 2e-2 per s, other potassium outside."""
    rng = np.random.default_rng(1)
    state, inputs = network.initial_state(count), network.default_inputs(count)
    state[:, network.slot("ATP_n")] *= rng.uniform(0.6, 1.0, count)
    state[:, network.slot("K_out")] *= rng.uniform(0.8, 2.0, count)
    inputs[:, network.input_index("bf_fin")] = 10.0 ** rng.uniform(-4.0, np.log10(2e-2), count)
    inputs[:, network.input_index("bf_fout")] = inputs[:, network.input_index("bf_fin")]
    return state, inputs


def error(state: np.ndarray, reference: np.ndarray) -> float:
    """Largest relative error over cells and species, with a floor of 1 nM."""
    return float((np.abs(state - reference) / (np.abs(reference) + 1e-6)).max())


def native(network: Network, tolerance: float, **options):
    """The engine at a tolerance; the absolute one is a thousandth, as its default is."""
    return make_engine("native", network, relative_tolerance=tolerance, absolute_tolerance=tolerance * 1e-3, **options)


def run_native(network, state, inputs, seconds, repeats, tolerance=DEFAULT_TOLERANCE, **options):
    """Median CPU and wall seconds per cell of cold starts, the result, and steps per cell."""
    engine = native(network, tolerance, **options)
    cpu, wall = [], []
    for _ in range(repeats):
        copy = state.copy()
        engine.restore({"next_step": np.zeros(len(state))})
        begin, begin_cpu = time.perf_counter(), time.process_time()
        result = engine.advance(copy, inputs, seconds)
        cpu.append(time.process_time() - begin_cpu)
        wall.append(time.perf_counter() - begin)
    if result.failed.any():
        raise SystemExit(result.message)
    engine.close()
    return np.median(cpu) / len(state), np.median(wall) / len(state), copy, result.steps.mean()


class Original:
    """The original release in a folder of its own."""

    def __init__(self) -> None:
        self.folder = cache_folder().parent / "benchmarks" / RELEASE.replace("==", "-")
        if not (self.folder / "multiscale_run").is_dir():
            command = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--target", str(self.folder)]
            subprocess.run([*command, RELEASE], check=True)
        with (NETWORK_FOLDER / "species.csv").open(newline="") as file:
            rows = [row for row in csv.DictReader(file) if row["python_index"]]
        self.slots = np.empty(len(rows), dtype=int)
        for row in rows:
            self.slots[int(row["python_index"])] = int(row["julia_index"]) - 1

    def run(self, state: np.ndarray, inputs: np.ndarray, seconds: float, rtol: float = np.nan):
        """CPU and wall seconds per cell (medians) and the new state in our order."""
        with TemporaryDirectory() as name:
            cells, result = Path(name) / "cells.npz", Path(name) / "result.npz"
            np.savez(cells, state=state[:, self.slots], inputs=inputs, seconds=seconds, rtol=rtol)
            worker = Path(__file__).with_name("metabolism_original.py")
            command = [sys.executable, str(worker), str(self.folder), str(cells), str(result)]
            subprocess.run(command, check=True, env=os.environ | ONE_THREAD)
            with np.load(result) as data:
                after = state.copy()
                after[:, self.slots] = data["state"]
                return np.median(data["cpu"]), np.median(data["wall"]), after


def print_table(title: str, columns: str, rows: list[tuple]) -> None:
    """A plain table; floats with three digits."""
    print(f"\n{title}")
    heads = columns.split("|")
    texts = [[f"{x:.3g}" if isinstance(x, float) else str(x) for x in row] for row in rows]
    widths = [max(map(len, column)) for column in zip(heads, *texts, strict=True)]
    for line in (heads, *texts):
        print("  " + "  ".join(text.rjust(width) for text, width in zip(line, widths, strict=True)))


def compare_with_original(network: Network, cells: int, repeats: int, seconds: float) -> None:
    """Both in turn on the same cells; ours at the default and at the loosest tolerance that is as accurate."""
    original = Original()
    state, inputs = heterogeneous_cells(network, cells)
    reference = run_native(network, state, inputs, seconds, 1, 1e-12, method="Rodas4")[2]
    theirs, ours = [], []
    for _ in range(repeats):
        theirs.append(original.run(state, inputs, seconds))
        ours.append(run_native(network, state, inputs, seconds, 3))
    their_error = error(theirs[0][2], reference)
    their_cpu = float(np.median([run[0] for run in theirs]))
    rows = [("original, Radau, its settings", "1e-3", 1e3 * their_cpu, their_error, "1")]
    best = np.median([run[0] for run in ours])
    rows.append(("native, default", "1e-4", 1e3 * best, error(ours[0][2], reference), f"{their_cpu / best:.0f}"))
    tolerance, cpu, our_error = loosest(network, state, inputs, seconds, repeats, reference, their_error)
    rows.append(("native, no less accurate", f"{tolerance:g}", 1e3 * cpu, our_error, f"{their_cpu / cpu:.0f}"))
    print_table(
        f"One core, the same {cells} cells, {1e3 * seconds:g} ms window, cold start, in turn",
        "engine|rtol|CPU ms per cell|largest error|ratio",
        rows,
    )
    for name, _, _, largest, ratio in rows[1:]:
        errors = f"largest error {largest:.1e}, the original's {their_error:.1e}"
        setup = f"{cells} cells, {name.partition(', ')[2]}: {errors}"
        print_headline("metabolism of a cell", "multiscale-run 0.9.0", float(ratio), setup)


def loosest(network, state, inputs, seconds, repeats, reference, bound):
    """The loosest tolerance from which on the error stays below a bound: the tolerance, CPU seconds per cell, error."""
    found = []
    for tolerance in TOLERANCES:
        cpu, _, after, _ = run_native(network, state, inputs, seconds, 2 * repeats + 1, tolerance)
        found.append((tolerance, cpu, error(after, reference)))
    too_large = [place for place, (_, _, value) in enumerate(found) if value > bound]
    return found[max(too_large, default=-1) + 1]


def accuracy(network: Network, seconds: float, repeats: int) -> None:
    """Work against precision of both methods."""
    state, inputs = heterogeneous_cells(network, 64)
    reference = run_native(network, state, inputs, seconds, 1, 1e-12, method="Rodas4")[2]
    rows = []
    for method in METHODS:
        for tolerance in (1e-2, 1e-3, 1e-4, 1e-6, 1e-8):
            cpu, _, after, steps = run_native(network, state, inputs, seconds, repeats, tolerance, method=method)
            rows.append((method, f"{tolerance:g}", 1e6 * cpu, float(steps), error(after, reference)))
    print_table("Work and precision, 64 cells", "method|rtol|CPU us per cell|steps|largest error", rows)


def scaling(network: Network, seconds: float, repeats: int) -> None:
    """Cells, lanes, threads."""
    rows = []
    for count in (1, 10, 100, 1000, 10_000):
        state, inputs = heterogeneous_cells(network, count)
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        cpu, wall, _, steps = run_native(network, state, inputs, seconds, repeats)
        grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024
        rows.append((count, 1e6 * cpu, 1e3 * wall * count, float(steps), f"{grown:.0f}"))
    print_table("Cells", "cells|CPU us per cell|wall ms per call|steps|peak memory grew MB", rows)
    state, inputs = heterogeneous_cells(network, 2000)
    lanes = [n for n in (2, 4, 8, 16) if n <= 2 * best_lanes()]
    rows = [(n, 1e6 * run_native(network, state, inputs, seconds, repeats, lanes=n)[0]) for n in lanes]
    print_table("Lanes, 2000 cells", "lanes|CPU us per cell", rows)
    rows = [(n, 1e6 * run_native(network, state, inputs, seconds, repeats, threads=n)[1]) for n in (1, 2, 4)]
    print_table("Threads, 2000 cells", "threads|wall us per cell", rows)


def operations_per_step(plan: Plan, stages: int) -> int:
    """Floating-point operations of one step of one cell; a reciprocal or a root counts as one."""
    graph = plan.equations.graph
    cost = {Op.ADD: 1, Op.SUB: 1, Op.MUL: 1, Op.RECIPROCAL: 1, Op.SQRT: 1, Op.EXP: 34, Op.LOG: 41}
    varying = set(plan.equations.states)
    for node in graph.reachable([*plan.equations.derivatives, *plan.equations.jacobian.nodes]):
        if varying.intersection(graph.nodes[node].arguments):
            varying.add(node)

    def price(outputs) -> int:
        return sum(cost.get(graph.nodes[n].op, 0) for n in graph.reachable(outputs) if n in varying)

    elimination, entries = plan.elimination, len(plan.equations.jacobian.nodes)
    factorise = 2 * elimination.multiplications + elimination.entries + entries
    solve = 2 * elimination.entries
    combine = 2 * plan.size * stages * (stages - 1)
    linearise = price([*plan.equations.derivatives, *plan.equations.jacobian.nodes])
    derivative = price(plan.equations.derivatives)
    return linearise + (stages - 1) * derivative + factorise + stages * solve + combine + 5 * entries


def peak_flops(lanes: int) -> float:
    """Measured multiply-add rate of one core in operations per second, from independent chains in registers."""
    chains, rounds = 16, 4_000_000
    module = ir.Module("peak")
    code, (target, count, factor) = define(module, "advance", lanes, [POINTER, INTEGER, DOUBLE], internal=False)
    scale = code.broadcast(factor)
    values = [code.zero_variable() for _ in range(chains)]
    with code.loop(count):
        for value in values:
            value[0] = value[0] * scale + 1.0
    for i, value in enumerate(values):
        Array(code, target)[i] = value[0]
    code.builder.ret_void()
    machine = target_machine()
    parsed = llvm.parse_assembly(str(module))
    builder = llvm.create_pass_builder(machine, llvm.create_pipeline_tuning_options(speed_level=2))
    builder.getModulePassManager().run(parsed, builder)
    engine = llvm.create_mcjit_compiler(parsed, machine)
    engine.finalize_object()
    types = (ctypes.c_void_p, ctypes.c_int64, ctypes.c_double)
    call = ctypes.CFUNCTYPE(None, *types)(engine.get_function_address("advance"))
    room = np.zeros(chains * lanes + 8)
    begin = time.thread_time()
    call(room.ctypes.data + -room.ctypes.data % 64, rounds, 0.5)
    return 2.0 * chains * lanes * rounds / (time.thread_time() - begin)


def roofline(network: Network, seconds: float, repeats: int) -> None:
    """Achieved rate of operations against the measured peak."""
    plan = make_plan(build_equations(network))
    operations = operations_per_step(plan, METHODS["Rodas5P"].stages)
    state, inputs = heterogeneous_cells(network, 2000)
    cpu, _, _, steps = run_native(network, state, inputs, seconds, repeats)
    achieved, peak = operations * steps / cpu, peak_flops(best_lanes())
    rows = [(operations, 1e6 * cpu / float(steps), achieved * 1e-9, peak * 1e-9, f"{100 * achieved / peak:.0f} %")]
    columns = "operations per step|us per step and cell|Gflop/s|peak Gflop/s (multiply-add)|share"
    print_table("Roofline, one core", columns, rows)


def compilation(network: Network) -> None:
    """Cold and warm start of the engine."""
    rows = []
    with TemporaryDirectory() as name:
        for label in ("cold", "warm"):
            begin, begin_cpu = time.perf_counter(), time.process_time()
            make_engine("native", network, cache_dir=Path(name)).close()
            rows.append((label, time.perf_counter() - begin, time.process_time() - begin_cpu))
    print_table("Start of the engine", "kernel cache|wall s|CPU s", rows)


def main() -> None:
    """Run everything and print it."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--cells", type=int, default=64, help="cells that both integrate")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=0.1, help="length of the window")
    parser.add_argument("--without-original", action="store_true")
    chosen = parser.parse_args()
    print(f"{platform.machine()} {llvm.get_host_cpu_name()}, {best_lanes()} lanes, Python {platform.python_version()}")
    network = load_network(parameters=PARAMETERS)
    compilation(network)
    if not chosen.without_original:
        compare_with_original(network, chosen.cells, chosen.repeats, chosen.seconds)
    accuracy(network, chosen.seconds, chosen.repeats)
    scaling(network, chosen.seconds, chosen.repeats)
    roofline(network, chosen.seconds, chosen.repeats)


if __name__ == "__main__":
    main()
