"""The original's mouse brain: how much longer than real time it takes, with NEST on one thread and on two.

    python benchmarks/mouse_brain.py CONNECTOME [--ms 1000] [--repeats 2] [--threads 1 2]

CONNECTOME is the folder example/parameter/data_mouse of the original project (multiscale-cosim/TVB-NEST), which is not
part of this package. The Allen Institute's 104 regions, of second order, two of them in NEST with 1000 neurons each:
the example mouse-brain as `init` writes it. Its authors give 116 s for a second, on a laptop with ten processes of
NEST, other windows and another translation; so it tells what a user waits for, and is no ratio of the same work on the
same machine. Wall seconds per second of activity, without building, best of the repeats. Mind the load.
"""

from __future__ import annotations

import argparse
import json
import subprocess
from pathlib import Path
from tempfile import TemporaryDirectory

from co_simulation import PROGRAM, best
from measured_run import machine

ORIGINAL = 116.0
"""Seconds of wall time per second."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("connectome", type=Path)
    parser.add_argument("--ms", type=float, default=1000.0)
    parser.add_argument("--repeats", type=int, default=2)
    parser.add_argument("--threads", type=int, nargs="+", default=[1, 2])
    options = parser.parse_args()
    print(f"best of {options.repeats}, {options.ms:g} ms; {machine()}")
    print("threads of NEST | wall s/s | NEST s/s | TVB s/s | original, elsewhere, s/s")
    with TemporaryDirectory() as name:
        folder = Path(name) / "mouse"
        quiet = {"check": True, "stdout": subprocess.DEVNULL}
        subprocess.run([*PROGRAM, "init", "--example", "mouse-brain", folder], **quiet)
        importing = ["import-connectome", "--transpose", options.connectome, folder / "connectome"]
        subprocess.run([*PROGRAM, *importing], **quiet)
        file = folder / "parameter.json"
        document = json.loads(file.read_text()) | {"end": options.ms}
        for threads in options.threads:
            document["param_nest"]["total_num_virtual_procs"] = threads
            file.write_text(json.dumps(document))
            seconds, phases = best(folder, options.repeats)
            sides = (1e3 * phases[phase] / options.ms for phase in ("nest runs", "brain runs"))
            print(threads, *(f"{x:.2f}" for x in (seconds, *sides)), ORIGINAL, sep=" | ", flush=True)


if __name__ == "__main__":
    main()
