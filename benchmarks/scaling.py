"""How a coupled run scales: the same circuit on more ranks, more neurons on as many, and the memory of a neuron.

    python benchmarks/scaling.py [--strong 100] [--ranks 1 2] [--weak 100 200 400 1000] [--ms 25]

Strong scaling: speed-up in wall time and in processor time per rank over one rank. The second one leaves out what
other jobs of a shared machine take; waiting for another rank counts as work there, so it is no better than true. Weak
scaling: seconds per neuron on the largest number of ranks, over those of the smallest circuit: 1 is perfect. Memory:
growth of the peak over that of the smallest circuit, per neuron of a rank.
"""

from __future__ import annotations

import argparse

from measured_run import MeasuredRun, machine, measured_run

RUN = ("neurodamus", "steps", "bloodflow", "metabolism", "coupling", "reports")


def strong(neurons: int, ranks: list[int], milliseconds: float) -> None:
    """The same circuit on more and more ranks."""
    print(
        f"strong scaling, {neurons} neurons\nranks | run, wall s | run, CPU s per rank | speed-up, wall | speed-up, CPU"
    )
    first: MeasuredRun | None = None
    for n in ranks:
        run = measured_run(neurons, milliseconds, n)
        first = first or run
        wall, cpu = (run.seconds(*RUN, kind=kind, over="maximum") for kind in ("seconds", "cpu_seconds"))
        walls, cpus = (first.seconds(*RUN, kind=kind, over="maximum") for kind in ("seconds", "cpu_seconds"))
        print(f"{n} | {wall:.2f} | {cpu:.2f} | {walls / wall:.2f} | {cpus / cpu:.2f}", flush=True)


def weak(sizes: list[int], ranks: int, milliseconds: float) -> None:
    """More and more neurons on as many ranks."""
    print(
        f"weak scaling, {ranks} rank(s)\n"
        "neurons | init s | build s | run s | run ms per neuron | ratio | MiB | MiB per neuron"
    )
    first: tuple[float, float] | None = None
    for neurons in sizes:
        run = measured_run(neurons, milliseconds, ranks, report_ms=1.0)
        per_neuron = 1e3 * run.seconds(*RUN) * ranks / neurons
        first = first or (per_neuron, run.peak_mib)
        more = neurons - sizes[0]
        growth = f"{(run.peak_mib - first[1]) * ranks / more:.2f}" if more else "-"
        times = f"{run.init_seconds:.1f} | {run.seconds(*run.building):.1f} | {run.seconds(*RUN):.1f}"
        print(
            f"{neurons} | {times} | {per_neuron:.1f} | {per_neuron / first[0]:.2f} | {run.peak_mib:.0f} | {growth}",
            flush=True,
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--strong", type=int, default=100, help="neurons of the strong scaling")
    parser.add_argument("--ranks", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--weak", type=int, nargs="+", default=[100, 200, 400, 1000])
    parser.add_argument("--ms", type=float, default=100.0)
    options = parser.parse_args()
    print(f"{options.ms:g} ms, {machine()}")
    strong(options.strong, options.ranks, options.ms)
    weak(options.weak, max(options.ranks), options.ms)


if __name__ == "__main__":
    main()
