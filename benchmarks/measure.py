"""Runs the benchmarks and keeps what they print in docs/measured, from which docs/performance.md is made.

source scripts/lib.sh                           variables for MPI
python benchmarks/measure.py                    all of them, about 40 minutes on an idle machine
python benchmarks/measure.py mean_field bloodflow
"""

from __future__ import annotations

import argparse
import os
import platform
import subprocess
import sys
from datetime import date
from pathlib import Path

from headline import COLUMNS, headlines

HERE = Path(__file__).parent
MEASURED = HERE.parent / "docs" / "measured"

BENCHMARKS = {
    "metabolism": "metabolism.py",
    "coupled_run": "coupled_run.py --neurons 10 50 200",
    "scaling": "scaling.py --ms 100",
    "intersection": "intersection.py",
    "bloodflow": "bloodflow.py",
    "field_access": "field_access.py --neurons 10 50 200",
    "mean_field": "mean_field.py",
    "mean_field_order_1": "mean_field.py --order 1",
    "co_simulation": "co_simulation.py --neurons 100 200 1000 --repeats 5",
    "co_simulation_growth": "co_simulation.py --ms 500 --repeats 1"
    " --vary neurons regions window threads transform_ranks",
    "mouse_brain": "mouse_brain.py ../shared/data/connectomes/allen-mouse-104",
    "correlated_spikes": "correlated_spikes.py",
    "nest_exchange": "nest_exchange.py",
}
"""Name -> file and arguments."""


def processor() -> str:
    """The name of the processor."""
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), platform.machine())


def measure(name: str) -> None:
    """Run a benchmark; what it prints goes to the screen, and to its file once it has come to its end."""
    words = f"python benchmarks/{BENCHMARKS[name]}".split()
    head = (
        f"$ {' '.join(words)}\n# {date.today()}, {processor()}, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}"
    )
    print(head, flush=True)
    done = subprocess.run([sys.executable, *words[1:]], cwd=HERE.parent, stdout=subprocess.PIPE, text=True, check=True)
    print(done.stdout, flush=True)
    MEASURED.mkdir(exist_ok=True)
    (MEASURED / f"{name}.txt").write_text(f"{head}\n{done.stdout}")


def collect_headlines() -> None:
    """Write the table of the most important figures of all benchmarks that have been measured."""
    rows = [f"| {' | '.join(COLUMNS)} | benchmark |", "|" + "---|" * (len(COLUMNS) + 1)]
    for name in BENCHMARKS:
        file = MEASURED / f"{name}.txt"
        if file.exists():
            rows += headlines(f"`{name}`", file.read_text().splitlines())
    (MEASURED / "headlines.md").write_text("\n".join(rows) + "\n")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", choices=[*BENCHMARKS, []], default=[], metavar="NAME")
    for name in parser.parse_args().names or BENCHMARKS:
        measure(name)
        collect_headlines()


if __name__ == "__main__":
    main()
