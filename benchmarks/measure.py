"""Runs the benchmarks and keeps what they print, for the page docs/performance.md.

python benchmarks/measure.py                    all of them, about half an hour on an idle machine
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

HERE = Path(__file__).parent
MEASURED = HERE.parent / "docs" / "measured"

ARGUMENTS = {
    "metabolism": "",
    "coupled_run": "--neurons 10 50 200",
    "scaling": "--ms 100",
    "intersection": "",
    "bloodflow": "",
    "field_access": "--neurons 10 50 200",
    "mean_field": "",
    "co_simulation": "--neurons 100 200 1000",
    "correlated_spikes": "",
    "nest_exchange": "",
}
"""Benchmark -> its arguments."""


def processor() -> str:
    """The name of the processor."""
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), platform.machine())


def measure(name: str) -> None:
    """Run a benchmark; what it prints goes to the screen, and to its file once it has come to its end."""
    words = ["python", f"benchmarks/{name}.py", *ARGUMENTS[name].split()]
    head = (
        f"$ {' '.join(words)}\n# {date.today()}, {processor()}, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}"
    )
    print(head, flush=True)
    done = subprocess.run([sys.executable, *words[1:]], cwd=HERE.parent, stdout=subprocess.PIPE, text=True, check=True)
    print(done.stdout, flush=True)
    MEASURED.mkdir(exist_ok=True)
    (MEASURED / f"{name}.txt").write_text(f"{head}\n{done.stdout}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", choices=[*ARGUMENTS, []], default=[], metavar="NAME")
    for name in parser.parse_args().names or ARGUMENTS:
        measure(name)


if __name__ == "__main__":
    main()
