"""How time and memory of a coupled run grow with the circuit, and the share of the coupler.

    python benchmarks/coupled_run.py [--neurons 10 50 200] [--ms 100] [--ranks 1]

Each size is built, computed and measured by the commands that a user types. The share of the coupler is that of
everything but the engines: exchange between simulators and reports, in the time of the run without building and without
metabolism. Seconds are processor time per rank (of init: wall time), because machines are shared.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import subprocess
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory

PROGRAM = str(Path(sys.executable).parent / "multiscale-run")


def timed(*command: str) -> float:
    """Seconds of wall time that a command takes."""
    start = time.perf_counter()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    return time.perf_counter() - start


def measure(neurons: int, milliseconds: float, ranks: int) -> list[str]:
    """One row of the table."""
    with TemporaryDirectory() as name:
        folder = Path(name) / "simulation"
        init = timed(PROGRAM, "init", "--neurons", str(neurons), "--no-check", str(folder))
        file = folder / "simulation_config.json"
        settings = json.loads(file.read_text())
        settings["run"]["tstop"] = milliseconds
        for report in settings["reports"].values():
            report["end_time"] = milliseconds
        file.write_text(json.dumps(settings))
        launcher = ["mpirun", "--oversubscribe", "-n", str(ranks)] if ranks > 1 else []
        timed(*launcher, PROGRAM, "compute", str(folder))
        profile = json.loads((folder / "RESULTS" / "profile.json").read_text())
    seconds = {path: phase["cpu_seconds"]["mean"] for path, phase in profile["phases"].items()}
    coupler = seconds["coupling"] + seconds["reports"]
    share = 100 * coupler / (coupler + seconds["neurodamus"])
    exchange = 100 * seconds["coupling"] / (coupler + seconds["neurodamus"])
    memory = profile["peak_bytes"]["maximum"] / 2**20
    columns = (init, seconds["build/neurons"], seconds["neurodamus"], seconds["metabolism"])
    return [str(neurons), *(f"{x:.2f}" for x in columns), f"{exchange:.2f}", f"{share:.2f}", f"{memory:.0f}"]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--neurons", type=int, nargs="+", default=[10, 50, 200])
    parser.add_argument("--ms", type=float, default=100.0)
    parser.add_argument("--ranks", type=int, default=1)
    options = parser.parse_args()
    machine = f"{platform.machine()}, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}"
    print(f"{options.ms:g} ms, {options.ranks} rank(s), {machine}")
    header = "neurons", "init s", "build s", "neurons s", "metabolism s", "exchange %", "coupler %", "MiB per rank"
    print(" | ".join(header))
    for neurons in options.neurons:
        print(" | ".join(measure(neurons, options.ms, options.ranks)), flush=True)


if __name__ == "__main__":
    main()
