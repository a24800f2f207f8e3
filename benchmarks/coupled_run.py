"""Where the time of a coupled run goes, phase by phase, and the share of the coupler.

    python benchmarks/coupled_run.py [--neurons 10 50 200] [--ms 100] [--ranks 1]

The share of the coupler is that of everything but the engines: exchange between simulators and reports, in the time of
the run without building. Seconds are processor time per rank (of init: wall time), because machines are shared.
"""

from __future__ import annotations

import argparse

from measured_run import machine, measured_run

ENGINES = ("neurodamus", "steps", "bloodflow", "metabolism")


def measure(neurons: int, milliseconds: float, ranks: int) -> list[str]:
    """One row of the table."""
    run = measured_run(neurons, milliseconds, ranks)
    whole = run.seconds(*ENGINES, "coupling", "reports")
    shares = (100 * run.seconds(*phases) / whole for phases in (("coupling",), ("coupling", "reports")))
    columns = (run.init_seconds, run.seconds(*run.building), *map(run.seconds, ENGINES))
    return [str(neurons), *(f"{x:.2f}" for x in columns), *(f"{x:.2f}" for x in shares), f"{run.peak_mib:.0f}"]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--neurons", type=int, nargs="+", default=[10, 50, 200])
    parser.add_argument("--ms", type=float, default=100.0)
    parser.add_argument("--ranks", type=int, default=1)
    options = parser.parse_args()
    print(f"{options.ms:g} ms, {options.ranks} rank(s), {machine()}")
    header = (
        "neurons",
        "init, wall s",
        "build s",
        *(f"{name} s" for name in ENGINES),
        "exchange %",
        "coupler %",
        "MiB per rank",
    )
    print(" | ".join(header))
    for neurons in options.neurons:
        print(" | ".join(measure(neurons, options.ms, options.ranks)), flush=True)


if __name__ == "__main__":
    main()
