"""Spikes: a point for each, and the rates that they make."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import xarray as xr
from matplotlib.axes import Axes

from multiscale_run.analysis.derived import firing_rates
from multiscale_run.analysis.figures.style import (
    COLUMN_MM,
    Picture,
    RunStyle,
    layer_colours,
    new_figure,
    run_styles,
    styled,
)

SHORTEST_BIN_MS, MOST_BINS = 20.0, 100

Activity = tuple[xr.Dataset, xr.Dataset]
"""Spikes and neurons of a run, as ``Results.spikes`` and ``Results.neurons`` give them."""


@styled
def raster(runs: Mapping[str, Activity], *, bin_ms: float | None = None, width_mm: float = COLUMN_MM) -> Picture:
    """Spikes of every neuron, sorted by layer, above the mean rate.

    Args:
        runs: name -> spikes and neurons; one run is coloured by layer, several by run, one above the other.
        bin_ms: width of the bins of the rate; None: 20 ms, or more in a long run.
        width_mm: of the figure.
    """
    stop = max(float(spikes.attrs["stop_ms"]) for spikes, _ in runs.values())
    width = bin_ms or SHORTEST_BIN_MS * max(1, round(stop / MOST_BINS / SHORTEST_BIN_MS))
    figure = new_figure(width_mm, 40.0 * len(runs) + 32)
    ratios = [40] * len(runs) + [22]
    *rasters, rates = figure.subplots(len(runs) + 1, 1, sharex=True, height_ratios=ratios)
    for ax, (name, (spikes, neurons)), run in zip(rasters, runs.items(), run_styles(runs).values(), strict=True):
        groups = _by_layer(neurons) if len(runs) == 1 else {name: (np.ones(neurons.sizes["neuron"], bool), run)}
        _draw_spikes(ax, spikes, neurons, groups)
        _draw_rates(rates, firing_rates(spikes, neurons, width), groups)
        ax.set_title(name if len(runs) > 1 else "")
    rates.set(xlabel="time (ms)", ylabel="rate (Hz)", ylim=(0, None))
    rates.set_xlim(0, stop)
    figure.legend(*rates.get_legend_handles_labels(), loc="outside upper right", ncols=6)
    return figure


Groups = Mapping[str, tuple[np.ndarray, RunStyle]]
"""Label -> which neurons and how they are drawn."""


def _by_layer(neurons: xr.Dataset) -> Groups:
    layers = neurons["layer"].values
    return {f"layer {layer}": (layers == layer, RunStyle(colour)) for layer, colour in layer_colours(layers).items()}


def _draw_spikes(ax: Axes, spikes: xr.Dataset, neurons: xr.Dataset, groups: Groups) -> None:
    """Layer 1 stands at the top, as in cortex."""
    size = neurons.sizes["neuron"]
    place = np.empty(size, dtype=int)
    place[np.argsort(neurons["layer"].values, kind="stable")] = np.arange(size)
    fired, times = spikes["neuron"].values, spikes["time"].values
    marker = (
        {"marker": "|", "ms": max(1.5, min(8.0, 90.0 / size)), "mew": 0.7} if size <= 300 else {"marker": ",", "ms": 1}
    )
    for members, run in groups.values():
        mine = members[fired]
        ax.plot(times[mine], place[fired[mine]], ls="", color=run.colour, rasterized=len(times) > 5000, **marker)
    ax.set(ylim=(size - 0.4, -0.6), ylabel="neuron, by layer" if size > 20 else "neuron")
    if size <= 20:
        ax.set_yticks(range(size), np.argsort(place).astype(str))


def _draw_rates(ax: Axes, rates: xr.DataArray, groups: Groups) -> None:
    middles = rates["time"].values
    width = middles[1] - middles[0] if len(middles) > 1 else 2 * middles[0]
    edges = np.append(middles - width / 2, middles[-1] + width / 2)
    for label, (members, run) in groups.items():
        ax.stairs(rates.values[:, members].mean(axis=1), edges, baseline=None, **run.line(1.0), label=label)
