"""The energy of neurons: ATP that they used and that the metabolism supplied."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import xarray as xr
from matplotlib.axes import Axes

from multiscale_run.analysis.figures.style import (
    COLUMN_MM,
    OKABE_ITO,
    Picture,
    RunStyle,
    draw_band,
    new_figure,
    run_styles,
    styled,
)

DEMAND, SUPPLY = OKABE_ITO[1], OKABE_ITO[0]
SIDES = {"demand": (DEMAND, "used by neurons"), "supply": (SUPPLY, "supplied by metabolism")}


@styled
def energy_budget(runs: Mapping[str, xr.Dataset], *, width_mm: float = COLUMN_MM) -> Picture:
    """ATP used and supplied over time, the ATP that this leaves, and both sides by layer.

    Lines are means over neurons; bands go from the lowest to the highest neuron, thin lines are neurons.

    Args:
        runs: name -> budget, as ``Results.energy`` gives it.
        width_mm: of the figure.
    """
    is_wide = width_mm > 1.5 * COLUMN_MM
    figure = new_figure(width_mm, 50.0 if is_wide else 116.0)
    rates, atp, layers = figure.subplots(*((1, 3) if is_wide else (3, 1)))
    for run, (name, budget) in zip(run_styles(runs).values(), runs.items(), strict=True):
        for side, (colour, label) in SIDES.items():
            _draw_rate(rates, budget[side], run, colour, label if len(runs) == 1 else f"{label}, {name}")
        atp.plot(budget["time"], budget["atp"].values, **run.line(0.4, "0.55"))
        mean = "mean of neurons" if len(runs) == 1 else name
        atp.plot(budget["time"], budget["atp"].mean("neuron"), **run.line(1.4, "black"), label=mean)
    atp.sharex(rates)
    _draw_layers(layers, runs)
    rates.set(ylabel="ATP (mM/s)", xlabel="time (ms)")
    atp.set(ylabel="ATP (mM)", xlabel="time (ms)")
    atp.legend(loc="best")
    handles, labels = rates.get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside upper right", ncols=2 if is_wide or len(runs) == 1 else 1)
    return figure


def _draw_rate(ax: Axes, rate: xr.DataArray, run: RunStyle, colour: str, label: str) -> None:
    """The mean of each window, drawn over the window; a band holds all neurons."""
    times = rate["time"].values
    if not len(times):
        return
    width = times[1] - times[0] if len(times) > 1 else times[0]
    edges = np.append(times - width, times[-1])
    mean = rate.mean("neuron").values
    low, high = (np.append(end, end[-1]) for end in (rate.min("neuron").values, rate.max("neuron").values))
    draw_band(ax, edges, low, high, run, colour, "steps-post")
    ax.stairs(mean, edges, baseline=None, **run.line(1.4, colour), label=label)


def _draw_layers(ax: Axes, runs: Mapping[str, xr.Dataset]) -> None:
    names = sorted({int(layer) for budget in runs.values() for layer in budget["layer"].values})
    bars = len(runs) * len(SIDES)
    for r, (run, budget) in enumerate(zip(run_styles(runs).values(), runs.values(), strict=True)):
        for s, (side, (colour, _)) in enumerate(SIDES.items()):
            mean = budget[side].mean("time").groupby("layer").mean()
            place = np.array([names.index(int(layer)) for layer in mean["layer"].values])
            offset = (r * len(SIDES) + s - (bars - 1) / 2) * 0.8 / bars
            hatch = "" if run.is_filled else "////"
            ax.bar(place + offset, mean, 0.75 / bars, color=run.tinted(colour), hatch=hatch, edgecolor="white", lw=0)
    ax.set_xticks(range(len(names)), [f"layer {name}" for name in names])
    ax.set_ylabel("ATP (mM/s)\nmean over the run")
