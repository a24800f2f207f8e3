"""A co-simulation with both simulators at work at once, against the same one in turn and against each of them alone.

    python benchmarks/co_simulation.py [--neurons 200 1000] [--ms 1000] [--repeats 3]

The example two-regions: 76 regions, 2 of them in NEST with the given number of neurons each. All runs are of the same
brain and network; wall seconds per second of biological time, without building, best of the repeats. The time of NEST
alone is that in turn less that of TVB alone. The ratio is that of both at once over the slower one alone: with a core
for each it would be 1 if nothing was lost by the exchange. Wall time suffers from other jobs: mind the load.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

PROGRAM = [sys.executable, "-m", "tvb_nest"]
ALONE = {"co-simulation": False, "id_region_nest": [], "nb_MPI_nest": 0}


def write(folder: Path, neurons: int, milliseconds: float, co_simulation: dict[str, Any]) -> None:
    """Write the example with a number of neurons per spiking region."""
    subprocess.run([*PROGRAM, "init", "--example", "two-regions", folder], check=True, stdout=subprocess.DEVNULL)
    file = folder / "parameter.json"
    document = json.loads(file.read_text()) | {"end": milliseconds}
    document["param_nest_topology"]["nb_neuron_by_region"] = neurons
    document["param_nest_connection"]["p_connect"] = min(1.0, 200 / neurons)  # as many synapses of a neuron
    document["param_nest_background"] |= {"multimeter": False, "record_spike": False}
    document["param_co_simulation"] |= co_simulation
    file.write_text(json.dumps(document))


def best(folder: Path, repeats: int, *options: str) -> float:
    """Least wall time per biological second of some runs."""
    found = []
    for _ in range(repeats):
        subprocess.run([*PROGRAM, "run", *options, folder], check=True, capture_output=True)
        found.append(json.loads((folder / "summary.json").read_text())["wall_seconds_per_second"])
    return min(found)


def measure(neurons: int, milliseconds: float, repeats: int) -> list[str]:
    """One row of the table."""
    with TemporaryDirectory() as name:
        both, alone = Path(name) / "both", Path(name) / "alone"
        write(both, neurons, milliseconds, {})
        write(alone, neurons, milliseconds, ALONE)
        tvb, in_turn, at_once = best(alone, repeats), best(both, repeats, "--serial"), best(both, repeats)
    nest = in_turn - tvb
    return [str(neurons), *(f"{x:.2f}" for x in (nest, tvb, in_turn, at_once, at_once / max(nest, tvb)))]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--neurons", type=int, nargs="+", default=[200, 1000])
    parser.add_argument("--ms", type=float, default=1000.0)
    parser.add_argument("--repeats", type=int, default=3)
    options = parser.parse_args()
    load = os.getloadavg()[0]
    print(
        f"best of {options.repeats}, {options.ms:g} ms; {platform.machine()}, {os.cpu_count()} cores, load {load:.1f}"
    )
    print("neurons per region | NEST, s/s | TVB, s/s | in turn, s/s | at once, s/s | at once / slower one")
    for neurons in options.neurons:
        print(" | ".join(measure(neurons, options.ms, options.repeats)), flush=True)


if __name__ == "__main__":
    main()
