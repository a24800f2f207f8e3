"""The vessels as a graph, coloured by a quantity."""

from __future__ import annotations

import numpy as np
import xarray as xr
from matplotlib.collections import LineCollection

from multiscale_run.analysis.figures.style import (
    DIVERGING_MAP,
    PAGE_MM,
    ColourScale,
    Picture,
    add_colour_bar,
    new_figure,
    styled,
)

AXES = "xyz"
FRAME_MM = 44.0
"""What axes, their letters and the bar of colours take of the width."""
WIDTHS = (0.8, 4.0)
"""Points: lines of the thinnest and the widest vessel."""


@styled
def vessel_graph(
    values: xr.DataArray,
    vessels: xr.Dataset,
    *,
    centre: float | None = None,
    scale: ColourScale | None = None,
    width_mm: float = PAGE_MM,
) -> Picture:
    """Vessel segments from two sides; lines are the wider the wider the vessels are.

    Args:
        values: colour, shape (vessels,), with the ids of the segments.
        vessels: as ``Results.sites.vessels`` gives them.
        centre: value from which others differ in two directions, as 0 for changes; None: all are of one kind.
        scale: of the colours, to be shared by several figures; by default from the lowest to the highest value, a few
            extreme ones left out.
        width_mm: of the figure.
    """
    ends, width = _lines(vessels.sel(vessel=values["vessel"]))
    colour = values.values.astype(float)
    colours = scale or ColourScale.of(colour, centre=centre)
    order = np.argsort(np.nan_to_num(np.abs(colour), nan=-1.0), kind="stable")  # the largest lie on top
    extent = np.ptp(ends.reshape(-1, 3), axis=0)
    views = [(0, 1), (2, 1)]
    height = (width_mm - FRAME_MM) * extent[1] / max(sum(extent[h] for h, _ in views), 1e-9) + 14
    figure = new_figure(width_mm, min(max(height, 45), 95))
    axes = figure.subplots(1, 2, sharey=True, width_ratios=[max(extent[h], 1e-9) for h, _ in views])
    for ax, (h, v) in zip(axes, views, strict=True):
        lines = LineCollection(
            ends[order][:, :, [h, v]],
            array=colour[order],
            linewidths=width[order],
            clim=(colours.low, colours.high),
            cmap=None if centre is None else DIVERGING_MAP,
        )
        lines.set_capstyle("round")
        ax.add_collection(lines)
        ax.autoscale()
        ax.set(aspect="equal", xlabel=f"{AXES[h]} (µm)")
    axes[0].set_ylabel(f"{AXES[1]} (µm)")
    add_colour_bar(figure, lines, axes, values, colours)
    return figure


def _lines(vessels: xr.Dataset) -> tuple[np.ndarray, np.ndarray]:
    """The two ends of each segment, um, shape (vessels, 2, 3), and the width of its line, points."""
    ends = [[vessels[f"{end}_{axis}"].values for axis in AXES] for end in ("start", "end")]
    radius = vessels["radius_at_rest"].values
    span = [radius.min(), max(radius.max(), radius.min() + 1e-9)]
    return np.array(ends).transpose(2, 0, 1), np.interp(radius, span, WIDTHS)
