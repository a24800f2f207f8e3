"""Planes through the tetrahedra of the extracellular space."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import xarray as xr
from matplotlib.collections import PolyCollection

from multiscale_run.analysis.figures.style import (
    PAGE_MM,
    ColourScale,
    Picture,
    add_colour_bar,
    new_figure,
    styled,
)

_EDGES = np.array([[0, 1], [0, 2], [0, 3], [1, 2], [1, 3], [2, 3]])
AXES = "xyz"
FRAME_MM = 66.0
"""What axes, their letters and the bar of colours take of the width."""
MOST_VECTORS = 2000
"""More polygons than this are stored as pixels."""
NUDGE = 1e-9
"""Part of the size of the mesh by which a plane is moved off the vertices that it may lie in."""


@styled
def slices(
    values: xr.DataArray,
    tetrahedra: xr.Dataset,
    *,
    through: Sequence[float] | None = None,
    scale: ColourScale | None = None,
    width_mm: float = PAGE_MM,
) -> Picture:
    """Three planes, perpendicular to the axes, through the tetrahedra; every tetrahedron has one value.

    Args:
        values: shape (tetrahedra,).
        tetrahedra: as ``Results.sites.tetrahedra`` gives them.
        through: point in which the planes meet, um; by default the tetrahedron with the largest value.
        scale: of the colours, to be shared by several figures; by default from the lowest to the highest value, a few
            extreme ones left out.
        width_mm: of the figure.
    """
    corners, table = tetrahedra["corners"].values, values.values.astype(float)
    largest = corners[int(np.nanargmax(table))].mean(axis=0)
    point = np.asarray(largest if through is None else through, dtype=float)
    colours = scale or ColourScale.of(table)
    extent = np.ptp(corners.reshape(-1, 3), axis=0)
    shown = [(0, 1, 2), (0, 2, 1), (1, 2, 0)]  # horizontal and vertical axis of the drawing, and that of the plane
    mm_per_um = (width_mm - FRAME_MM) / sum(extent[h] for h, _, _ in shown)
    figure = new_figure(width_mm, min(mm_per_um * max(extent[v] for _, v, _ in shown) + 17, 110))
    axes = figure.subplots(1, 3, width_ratios=[extent[h] for h, _, _ in shown])
    for ax, (h, v, normal) in zip(axes, shown, strict=True):
        cut, polygons = cross_section(corners, normal, point[normal])
        drawn = PolyCollection(list(polygons[:, :, [h, v]]), array=table[cut], clim=(colours.low, colours.high))
        drawn.set_rasterized(len(cut) > MOST_VECTORS)
        drawn.set(edgecolor="face", linewidth=0.2)
        ax.add_collection(drawn)
        ax.margins(0)
        ax.autoscale()
        ax.set(aspect="equal", xlabel=f"{AXES[h]} (µm)", ylabel=f"{AXES[v]} (µm)")
        ax.set_title(f"{AXES[normal]} = {point[normal]:.0f} µm")
    add_colour_bar(figure, drawn, axes, values, colours)
    return figure


def cross_section(corners: np.ndarray, axis: int, position: float) -> tuple[np.ndarray, np.ndarray]:
    """Where a plane cuts tetrahedra.

    Args:
        corners: of the tetrahedra, um, shape (tetrahedra, 4, 3).
        axis: that the plane is perpendicular to.
        position: of the plane on the axis, um.

    Returns:
        Numbers of the tetrahedra that are cut, shape (cut,), and the corners of the cuts in order round them, um,
        shape (cut, 4, 3); a triangle has its first corner twice.
    """
    height = corners[:, :, axis] - position
    height = np.where(height == 0, NUDGE * max(float(np.ptp(corners[:, :, axis])), 1.0), height)
    cut = np.flatnonzero((height.min(axis=1) < 0) & (height.max(axis=1) > 0))
    one, other = height[cut][:, _EDGES[:, 0]], height[cut][:, _EDGES[:, 1]]
    crosses = (one < 0) != (other < 0)
    with np.errstate(invalid="ignore", divide="ignore"):
        part = np.where(crosses, one / (one - other), np.nan)[:, :, None]
    starts, ends = corners[cut][:, _EDGES[:, 0]], corners[cut][:, _EDGES[:, 1]]
    points = np.where(crosses[:, :, None], starts + part * (ends - starts), np.nan)
    h, v = (k for k in range(3) if k != axis)
    centre = np.nanmean(points, axis=1, keepdims=True) if len(cut) else points[:, :1]
    angle = np.arctan2((points - centre)[:, :, v], (points - centre)[:, :, h])
    order = np.argsort(angle, axis=1)[:, :4]  # what is not cut comes last
    polygons = np.take_along_axis(points, order[:, :, None], axis=1)
    return cut, np.where(np.isnan(polygons), polygons[:, :1], polygons)
