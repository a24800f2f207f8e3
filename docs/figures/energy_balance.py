"""The figure of docs/energy.md: ATP at rest, under stimulation, and with its supply cut.

    python docs/figures/energy_balance.py docs/images/energy_balance.png

Computes three runs of the tiny circuit (about two minutes) and draws ATP, intracellular sodium and extracellular
potassium of every neuron.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import h5py
import matplotlib.pyplot as plt
import numpy as np

PROGRAM = str(Path(sys.executable).parent / "multiscale-run")
TSTOP = 5000.0
STIMULUS_END = 2000.0
TICKS_PER_ROW = 800
"""A stop every 20 ms, so that the sawtooth of the exchange every 100 ms can be seen."""
ROWS = (("atpi", "ATP (mM)"), ("nai", "Na$_i$ (mM)"), ("ko", "K$_o$ (mM)"))
Settings = dict[str, Any]


def at_rest(settings: Settings) -> None:
    settings["inputs"] = {}


def stimulated(settings: Settings) -> None:
    for block in settings["inputs"].values():
        block["duration"] = STIMULUS_END - block["delay"]


def supply_cut(settings: Settings) -> None:
    """The same stimulus, but nothing of what metabolism makes reaches the neurons.

    The band is that of the original, 0.25 mM, moved up so that it is left within these five seconds.
    """
    stimulated(settings)
    check = {"name": "atpi", "kwargs": {"lb": 1.28}, "response": "abort_simulation"}
    settings["multiscale_run"]["metabolism"]["parameters"][:2] = [0.0, 0.0]  # ion currents: no connection sets them
    settings["multiscale_run"] |= {"connections": {}, "neurodamus": {"checks": {"atpi": check}}}


SCENARIOS: dict[str, Callable[[Settings], None]] = {
    "at rest": at_rest,
    "stimulated for 2 s": stimulated,
    "supply cut": supply_cut,
}


def report(variable: str) -> Settings:
    """A report of a range variable's mean over each neuron's volume."""
    field = {"src_get_func": "get_var", "src_get_kwargs": {"var": variable, "weight": "volume"}}
    return field | {"unit": "mM", "file_name": f"{variable}.h5", "when": "after_sync"}


def compute(folder: Path, change: Callable[[Settings], None]) -> str:
    """Run one scenario; returns the message of the check that stopped it, if any."""
    subprocess.run([PROGRAM, "init", "--circuit", "tiny", "--no-check", folder], check=True, stdout=subprocess.DEVNULL)
    file = folder / "simulation_config.json"
    settings = json.loads(file.read_text())
    settings["run"]["tstop"] = TSTOP
    settings["reports"] = {}
    section = settings["multiscale_run"]
    section["ndts"] = TICKS_PER_ROW
    section["reports"] = {"neurodamus": {name: report(name) for name, _ in ROWS}}
    change(settings)
    file.write_text(json.dumps(settings))
    done = subprocess.run([PROGRAM, "compute", folder], capture_output=True, text=True)
    stops = [line for line in done.stderr.splitlines() if "the run is stopped" in line]
    assert done.returncode == 0 or stops, done.stderr
    return stops[0] if stops else ""


def per_neuron(path: Path) -> tuple[np.ndarray, np.ndarray]:
    """Times (s) and data, shape (times, neurons)."""
    with h5py.File(path) as file:
        group = file["report/neurons"]
        start, _, step = group["mapping/time"][:]
        data = group["data"][:]
    return 1e-3 * (start + step * np.arange(len(data))), data


def main(target: str) -> None:
    fig, axes = plt.subplots(
        len(ROWS), len(SCENARIOS), figsize=(9, 5.4), sharex=True, sharey="row", layout="constrained"
    )
    for column, (title, change) in enumerate(SCENARIOS.items()):
        with TemporaryDirectory() as scratch:
            folder = Path(scratch) / "simulation"
            stopped = compute(folder, change)
            print(title, "|", stopped or "ran to the end")
            for row, (name, label) in enumerate(ROWS):
                times, data = per_neuron(folder / "RESULTS" / f"{name}.h5")
                ax = axes[row, column]
                ax.plot(times, data, color="#0072B2", lw=0.6, alpha=0.6)
                ax.plot(times, data.mean(axis=1), color="black", lw=1.5)
                ax.spines[["top", "right"]].set_visible(False)
                if column == 0:
                    ax.set_ylabel(label)
                finished = np.flatnonzero(np.isfinite(data[:, 0]))
                if stopped:
                    ax.axvline(times[finished[-1]], color="#D55E00", ls="--", lw=1)
                mean = data[finished].mean(axis=1)
                numbers = f"start {mean[0]:.4g}, lowest {mean.min():.4g}, highest {mean.max():.4g}, end {mean[-1]:.4g}"
                print(f"   {name}: {numbers}")
        axes[0, column].set_title(title + (" (stopped by its check)" if stopped else ""), fontsize=10)
        axes[-1, column].set_xlabel("time (s)")
        if title != "at rest":
            for ax in axes[:, column]:
                ax.axvspan(0, STIMULUS_END / 1000, color="#E69F00", alpha=0.15, lw=0)
    fig.savefig(target, dpi=150)


if __name__ == "__main__":
    main(*sys.argv[1:])
