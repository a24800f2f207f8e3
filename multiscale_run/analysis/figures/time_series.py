"""Values over time: per neuron and layer, of single neurons, and of single vessels."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import xarray as xr
from matplotlib.axes import Axes

from multiscale_run.analysis.derived import per_neuron
from multiscale_run.analysis.figures.style import (
    ALONE,
    COLUMN_MM,
    POINT_SIZE,
    Picture,
    RunStyle,
    axis_label,
    draw_band,
    grid,
    in_readable_unit,
    layer_colours,
    new_figure,
    run_styles,
    styled,
    thinned,
)

Panel = Mapping[str, xr.DataArray]
"""Name of a run -> values (time and a dimension of sites); several runs are laid over each other."""

MOST_LINES = 30
"""More lines than this are drawn as a band."""
BAND = (10, 90)
"""Percentiles of the band."""
MOST_BAND_ROWS = 1000
"""Times at which a band is computed, about."""


@styled
def time_series(panels: Sequence[Panel], *, width_mm: float = COLUMN_MM, panel_height_mm: float = 32.0) -> Picture:
    """Quantities over time: thin lines for neurons (a band from 10 to 90 % where they are many), thick ones for means.

    One run is coloured by layer, several by run: the first broad and light, others dashed over it.

    Args:
        panels: one per quantity; values have the dimensions time and neuron or compartment (means are drawn), or any
            other than these.
        width_mm: of the figure; panels stand side by side where it has room.
        panel_height_mm: of a panel.
    """
    figure, axes = grid(width_mm, len(panels), panel_height_mm, sharex=True)
    styles = run_styles(dict.fromkeys(name for panel in panels for name in panel))
    for ax, panel in zip(axes, panels, strict=True):
        shown = in_readable_unit(per_neuron(values) for values in panel.values())
        if len(styles) == 1:
            _draw_layers(ax, shown[0])
        else:
            for name, values in zip(panel, shown, strict=True):
                _draw_group(ax, values, styles[name], name)
        ax.set_ylabel(axis_label(shown[0]))
    _finish(axes, figure)
    return figure


@styled
def traces(
    potentials: Panel, neurons: Sequence[int] | None = None, *, most: int = 6, width_mm: float = COLUMN_MM
) -> Picture:
    """The membrane potential of single neurons, one below the other.

    Args:
        potentials: mV, time and neuron, of each run.
        neurons: ids of those shown; by default some, evenly from the first to the last.
        most: how many by default.
        width_mm: of the figure.
    """
    first = next(iter(potentials.values()))
    ids = first["neuron"].values
    chosen = neurons if neurons is not None else ids[np.unique(np.linspace(0, len(ids) - 1, most).round().astype(int))]
    figure = new_figure(width_mm, 13.0 * len(chosen) + 10)
    axes = figure.subplots(len(chosen), 1, sharex=True, sharey=True, squeeze=False)[:, 0]
    for ax, neuron in zip(axes, chosen, strict=True):
        for run, (name, values) in zip(run_styles(potentials).values(), potentials.items(), strict=True):
            if neuron in values["neuron"]:
                trace = values.sel(neuron=neuron)
                ax.plot(*thinned(trace["time"].values, trace.values), **run.line(0.6), label=name)
        ax.set_title(_describe(first, neuron), loc="right", pad=-2, fontsize=7)
    figure.supylabel(axis_label(first), fontsize=POINT_SIZE)
    _finish(list(axes), figure, legend=len(potentials) > 1)
    return figure


def _describe(values: xr.DataArray, neuron: int) -> str:
    one = values.sel(neuron=neuron)
    kind = str(one["mtype"].item()) if "mtype" in one.coords else ""
    return f"neuron {neuron}" + (f", {kind}" if kind else "")


def _draw_layers(ax: Axes, values: xr.DataArray) -> None:
    if "layer" not in values.coords:
        _draw_group(ax, values, ALONE, "mean")
        return
    for layer, colour in layer_colours(values["layer"].values).items():
        _draw_group(ax, values[:, values["layer"].values == layer], RunStyle(colour), f"layer {layer}")


def _draw_group(ax: Axes, values: xr.DataArray, style: RunStyle, label: str) -> None:
    """Some sites in one style and their mean; excluded neurons are left out of it."""
    table, times = values.values.astype(float), values["time"].values
    seen = np.isfinite(table).any(axis=0) if len(table) else np.zeros(table.shape[1], dtype=bool)
    table = table[:, seen]
    if not table.size:
        return
    with np.errstate(all="ignore"):
        counts = np.isfinite(table).sum(axis=1)
        mean = np.where(counts > 0, np.nansum(table, axis=1) / np.maximum(counts, 1), np.nan)
    if table.shape[1] > MOST_LINES:
        rows = np.flatnonzero(counts)[:: max(1, len(times) // MOST_BAND_ROWS)]
        shown = table[rows]
        percentile = np.nanpercentile if np.isnan(shown).any() else np.percentile  # the former is slow
        low, high = percentile(shown, BAND, axis=1)
        draw_band(ax, times[rows], low, high, style)
    elif table.shape[1] > 1:
        for column in table.T:
            ax.plot(*thinned(times, column), **style.line(0.4), alpha=0.45)
    ax.plot(*thinned(times, mean), **style.line(1.4), label=label)


def _finish(axes: list[Axes], figure: Picture, legend: bool = True) -> None:
    """Time below the lowest panel of each column, and one legend for all."""
    for ax, is_lowest in zip(axes, _are_lowest(axes), strict=True):
        ax.margins(x=0.01)
        if is_lowest:
            ax.set_xlabel("time (ms)")
            ax.tick_params(labelbottom=True)
    handles = {
        label: line for ax in reversed(axes) for line, label in zip(*ax.get_legend_handles_labels(), strict=True)
    }
    if legend and handles:
        figure.legend(handles.values(), handles, loc="outside upper right", ncols=min(len(handles), 6))


def _are_lowest(axes: list[Axes]) -> list[bool]:
    places = [spec for ax in axes if (spec := ax.get_subplotspec()) is not None]
    lowest = {place.colspan.start: place.rowspan.start for place in places}  # later ones lie below
    return [lowest[place.colspan.start] == place.rowspan.start for place in places]
