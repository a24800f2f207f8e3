"""A co-simulation with both simulators at work at once, against the same one in turn and against each of them alone.

    python benchmarks/co_simulation.py [--neurons 200 1000] [--ms 1000] [--repeats 3]
    python benchmarks/co_simulation.py --vary neurons regions window threads transform_ranks

The example two-regions: 76 regions, some of them in NEST with a number of neurons each, of which every one has 200
synapses. All runs are of the same brain and network; wall seconds per second of biological time, without building, best
of the repeats. The time of NEST alone is that of its part when both run in turn in one process, less exchange and
translation, that of TVB alone is measured without spiking regions. The ratio is that of both at once over the slower
one alone: with a core for each it would be 1 if nothing was lost by the exchange. The share of the exchange is the time
NEST's process spends on input and output, translation included, over all that it works. Wall time suffers from other
jobs: mind the load.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import subprocess
import sys
from dataclasses import dataclass, fields, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from headline import print_headline

PROGRAM = [sys.executable, "-m", "tvb_nest"]
ALONE = {"co-simulation": False, "id_region_nest": [], "nb_MPI_nest": 0}
SYNAPSES = 200
HIPPOCAMPI = (9, 47)
SPIKING = (*HIPPOCAMPI, 0, 38, 5, 43, 12, 50)
"""Regions of connectivity_76 that are spiking, the first ones of these."""


@dataclass(frozen=True)
class Case:
    """One setting.

    Attributes:
        neurons: of each spiking region.
        regions: spiking ones.
        window: ms; 0 is the longest that the delays allow.
        threads: of NEST.
        transform_ranks: that only translate.
        shared: correlation of the input into two neurons; 0 has NEST draw it.
    """

    neurons: int = 200
    regions: int = 2
    window: float = 0.0
    threads: int = 1
    transform_ranks: int = 0
    shared: float = 0.0


SWEEPS: dict[str, tuple[Any, ...]] = {
    "neurons": (100, 200, 400, 800, 1600),
    "regions": (1, 2, 4, 8),
    "window": (0.5, 1.0, 2.0, 4.0, 0.0),
    "threads": (1, 2),
    "transform_ranks": (0, 1, 2),
}


def write(folder: Path, case: Case, milliseconds: float, **co_simulation: Any) -> None:
    """Write the example with the values of a case."""
    subprocess.run([*PROGRAM, "init", "--example", "two-regions", folder], check=True, stdout=subprocess.DEVNULL)
    file = folder / "parameter.json"
    document = json.loads(file.read_text()) | {"end": milliseconds}
    changes = {
        "param_nest": {"total_num_virtual_procs": case.threads},
        "param_nest_topology": {"nb_neuron_by_region": case.neurons},
        "param_nest_connection": {"p_connect": min(1.0, SYNAPSES / case.neurons)},
        "param_nest_background": {"multimeter": False, "record_spike": False},
        "param_co_simulation": {"id_region_nest": SPIKING[: case.regions], "synchronization": case.window}
        | co_simulation,
        "param_TR_tvb_to_nest": {"percentage_shared": case.shared},
        "param_tvb_nest": {"transform_ranks": case.transform_ranks},
    }
    for section, values in changes.items():
        document[section] |= values
    file.write_text(json.dumps(document))


def best(folder: Path, repeats: int, *options: str) -> tuple[float, dict[str, float]]:
    """Least wall time per biological second of some runs, and the seconds of the phases of that run."""
    found = []
    for _ in range(repeats):
        subprocess.run([*PROGRAM, "run", *options, folder], check=True, capture_output=True)
        seconds = json.loads((folder / "summary.json").read_text())["wall_seconds_per_second"]
        phases = json.loads((folder / "profile.json").read_text())["phases"]
        found.append((seconds, {name: phase["seconds"]["maximum"] for name, phase in phases.items()}))
    return min(found, key=lambda run: run[0])


def measure(case: Case, milliseconds: float, repeats: int) -> list[str]:
    """The figures of one row."""
    with TemporaryDirectory() as name:
        both, alone = Path(name) / "both", Path(name) / "alone"
        write(both, case, milliseconds)
        write(alone, replace(case, transform_ranks=0), milliseconds, **ALONE)
        tvb, _ = best(alone, repeats)
        in_turn, phases = best(both, repeats, "--serial")
        at_once, overlapped = best(both, repeats)
    nest = 1e3 * phases["nest runs"] / milliseconds
    exchange = overlapped["nest input"] + overlapped["nest output"]
    share = 100 * exchange / (exchange + overlapped["nest runs"])
    return [*(f"{x:.2f}" for x in (nest, tvb, in_turn, at_once, at_once / max(nest, tvb))), f"{share:.1f}"]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--neurons", type=int, nargs="+", default=[200, 1000])
    parser.add_argument("--shared", type=float, default=0.0)
    parser.add_argument("--vary", nargs="+", choices=SWEEPS, default=[])
    parser.add_argument("--ms", type=float, default=1000.0)
    parser.add_argument("--repeats", type=int, default=3)
    options = parser.parse_args()
    load = os.getloadavg()[0]
    print(
        f"best of {options.repeats}, {options.ms:g} ms; {platform.machine()}, {os.cpu_count()} cores, load {load:.1f}"
    )
    basis = Case(shared=options.shared)
    cases = [replace(basis, **{name: value}) for name in options.vary for value in SWEEPS[name]]
    names = [field.name for field in fields(Case)]
    print(*names, "NEST s/s", "TVB s/s", "in turn s/s", "at once s/s", "at once / slower", "exchange %", sep=" | ")
    for case in cases or [replace(basis, neurons=neurons) for neurons in options.neurons]:
        row = measure(case, options.ms, options.repeats)
        print(*(getattr(case, name) for name in names), *row, sep=" | ", flush=True)
        if not cases:
            setup = f"2 regions of {case.neurons} neurons, {row[3]} s of wall time per second"
            print_headline("co-simulation, its time over", "its slower side alone", float(row[4]), setup)


if __name__ == "__main__":
    main()
