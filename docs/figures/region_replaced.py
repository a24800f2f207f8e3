"""The figure of docs/tvb-nest.md: a region as mean field and as spiking network, alone and in the brain.

    python docs/figures/region_replaced.py docs/images/region_replaced.png

Computes the example two-regions as a whole brain of mean fields, the same with published coefficients for other
neurons, and with two spiking regions; then the same region without the rest of the brain. A few minutes.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tvb_nest.results import Results
from tvb_nest.tvb_side.mean_field.parameters import DI_VOLO_P_E, DI_VOLO_P_I

Floats = NDArray[np.float64]
Changes = Mapping[str, Mapping[str, Any]]

REGION = 9
"""rHC of connectivity_76, the first spiking region."""
EXCITATORY, INHIBITORY, RECORDED = 160, 40, 80
BIN = 100.0
"""ms, of the rates that are drawn and of the blocks of the means."""
SETTLED = 1000.0
"""ms; twice the time constant of the adaptation."""
THEORY = 0.10
"""Relative error of the mean field that the docs state."""

# the mean field's noise stands for what a network of spikes has by itself
QUIET = {"param_tvb_integrator": {"nsig": [0.0] * 7}}
ALONE = {"param_nest_connection": {"weight_global": 0.0}, "param_nest_background": {"rate_ex": 600.0}}
MEAN_FIELD = {"param_co_simulation": {"co-simulation": False, "id_region_nest": [], "nb_MPI_nest": 0}}
NETWORK_ALONE = {
    "param_co_simulation": {"co-simulation": False, "id_region_nest": []},
    "param_nest_topology": {"nb_region": 2},
}
OF_OTHERS = {"param_tvb_model": {"P_e": list(DI_VOLO_P_E), "P_i": list(DI_VOLO_P_I)}}
SETTINGS: dict[str, tuple[tuple[Changes, ...], tuple[Changes, ...]]] = {
    "region alone": ((ALONE, MEAN_FIELD), (ALONE, NETWORK_ALONE)),
    "region in the coupled brain": ((MEAN_FIELD,), ()),
}
"""What is changed in the example for the mean field and for the network."""
ROWS = {"E": ("excitatory rate (Hz)", "#0072B2"), "I": ("inhibitory rate (Hz)", "#D55E00")}
ROWS |= {"W_e": ("adaptation (pA)", "#009E73")}


@dataclass(frozen=True)
class Trace:
    """Rate (Hz) or adaptation (pA) over time.

    Attributes:
        times: ms, the ends of the bins.
        values: means in the bins.
        errors: their standard errors, of chance; 0 for a mean field.
    """

    times: Floats
    values: Floats
    errors: Floats

    def settled(self) -> tuple[float, float]:
        """Mean after the beginning, and its standard error from the scatter of the bins."""
        late = self.values[self.times > SETTLED + BIN / 2]
        return float(late.mean()), float(late.std(ddof=1) / np.sqrt(len(late)))


def run(folder: Path, end: float, *changes: Changes) -> Results:
    """Run the example with the mean field's noise off and some other values changed."""
    program = [sys.executable, "-m", "tvb_nest"]
    quiet: dict[str, Any] = {"stdout": subprocess.DEVNULL, "env": {"OMP_NUM_THREADS": "1"} | os.environ, "check": True}
    subprocess.run([*program, "init", "--example", "two-regions", folder], **quiet)
    file = folder / "parameter.json"
    document = json.loads(file.read_text()) | {"end": end}
    document["param_nest_background"]["multimeter_list"] = {"adaptation": [["w"], 0, RECORDED]}
    for change in (QUIET, *changes):
        for section, values in change.items():
            document[section].update(values)
    file.write_text(json.dumps(document))
    subprocess.run([*program, "run", "--serial", folder], **quiet)
    return Results.of(folder)


def of_mean_field(results: Results) -> dict[str, Trace]:
    """Rates and adaptation of the region as a mean field."""
    raw = results.monitor("Raw").sel(region=REGION)
    traces = {}
    for name in ROWS:
        scale = 1.0 if name == "W_e" else 1e3
        ends, values = _binned(raw.time.values, scale * raw.sel(variable=name).values)
        traces[name] = Trace(ends, values.mean(axis=1), np.zeros(len(ends)))
    return traces


def of_network(results: Results) -> dict[str, Trace]:
    """Rates and adaptation of the first spiking region."""
    traces = {}
    edges = np.arange(0.0, results.parameters.resolved.end + BIN / 2, BIN)
    for name, label, size in (("E", "pop_1_ex", EXCITATORY), ("I", "pop_1_in", INHIBITORY)):
        counts, _ = np.histogram(results.recording(label)["time_ms"], edges)
        hertz = 1e3 / (size * BIN)
        traces[name] = Trace(edges[1:], hertz * counts, hertz * np.sqrt(counts))
    recorded = results.recording("adaptation")
    order = np.lexsort((recorded["sender"], recorded["time_ms"]))
    times, currents = recorded["time_ms"][order][::RECORDED], recorded["w"][order].reshape(-1, RECORDED)
    ends, means = _binned(times, currents.mean(axis=1))
    _, scatter = _binned(times, currents.std(axis=1, ddof=1) / np.sqrt(RECORDED))
    traces["W_e"] = Trace(ends, means.mean(axis=1), scatter.mean(axis=1))
    return traces


def _binned(times: Floats, values: Floats) -> tuple[Floats, Floats]:
    """Ends of the complete bins, and the values in each, (bins, samples)."""
    per_bin = round(BIN / (times[1] - times[0]))
    count = len(values) // per_bin
    return BIN * np.arange(1, count + 1), values[: count * per_bin].reshape(count, per_bin)


def draw(ax: Any, mean_field: Trace, network: Trace, of_others: Trace, colour: str) -> None:
    """One quantity in one setting."""
    centres = network.times - BIN / 2
    band = network.values - network.errors, network.values + network.errors
    ax.fill_between(centres, *band, color=colour, alpha=0.25, lw=0)
    ax.plot(centres, network.values, color=colour, lw=1.2, label="spiking network, ± standard error")
    ax.plot(mean_field.times - BIN / 2, mean_field.values, color="black", lw=1.6, label="mean field, fitted")
    ax.plot(of_others.times - BIN / 2, of_others.values, color="0.55", lw=1.2, ls="--", label="mean field, not fitted")
    (expected, _), (found, error) = mean_field.settled(), network.settled()
    text = f"after 1 s: network {found:.2f} ± {error:.2f}, mean field {expected:.2f}"
    ax.text(0.98, 0.98, text, transform=ax.transAxes, ha="right", va="top", fontsize=8)
    ax.set_ylim(0, 1.15 * ax.get_ylim()[1])
    ax.spines[["top", "right"]].set_visible(False)


def main(target: str, end: float = 4000.0) -> None:
    import matplotlib.pyplot as plt

    fig, axes = plt.subplots(len(ROWS), len(SETTINGS), figsize=(9, 6.6), sharex=True, layout="constrained")
    for column, (title, (mean_field, network)) in enumerate(SETTINGS.items()):
        with TemporaryDirectory() as scratch:
            folder = Path(scratch)
            expected = of_mean_field(run(folder / "mean-field", end, *mean_field))
            of_others = of_mean_field(run(folder / "not-fitted", end, *mean_field, OF_OTHERS))
            found = of_network(run(folder / "network", end, *network))
        for ax, (name, (label, colour)) in zip(axes[:, column], ROWS.items(), strict=True):
            draw(ax, expected[name], found[name], of_others[name], colour)
            ax.set_ylabel(label)
            print(title, name, "network", found[name].settled(), "mean field", expected[name].settled()[0])
        axes[0, column].set_title(title, fontsize=10)
        axes[-1, column].set_xlabel("time (ms)")
    handles, labels = axes[0, 0].get_legend_handles_labels()
    fig.legend(handles, labels, loc="outside lower center", ncols=3, fontsize=8, frameon=False)
    fig.savefig(target, dpi=130)


if __name__ == "__main__":
    main(*sys.argv[1:])
