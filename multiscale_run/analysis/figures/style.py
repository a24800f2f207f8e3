"""What all figures have in common: sizes, letters, colours and units."""

from __future__ import annotations

import functools
import io
import itertools
import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Literal, ParamSpec, TypeVar

import matplotlib
import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.collections import Collection
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from numpy.typing import ArrayLike

COLUMN_MM, PAGE_MM = 85.0, 180.0
"""Width of a column and of the page of a journal."""

POINT_SIZE = 8
OKABE_ITO = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000", "#F0E442")
"""Colours that colour-blind readers can tell apart (Okabe and Ito 2008, https://jfly.uni-koeln.de/color/)."""
COLOUR_MAP = "cividis"
"""Even in brightness and the same to colour-blind readers (Nunez et al. 2018, doi 10.1371/journal.pone.0199239)."""

STYLE: dict[str, Any] = {
    "font.size": POINT_SIZE,
    "axes.titlesize": POINT_SIZE,
    "axes.labelsize": POINT_SIZE,
    "xtick.labelsize": POINT_SIZE - 1,
    "ytick.labelsize": POINT_SIZE - 1,
    "legend.fontsize": POINT_SIZE - 1,
    "legend.frameon": False,
    "axes.linewidth": 0.6,
    "xtick.major.width": 0.6,
    "ytick.major.width": 0.6,
    "lines.linewidth": 1.0,
    "lines.scale_dashes": False,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.formatter.useoffset": False,
    "axes.titlelocation": "left",
    "image.cmap": COLOUR_MAP,
    "svg.fonttype": "none",
    "pdf.fonttype": 42,
}

DIVERGING_MAP = "coolwarm"
"""For changes in both directions; grey stands for none."""
OUTLIERS = 99.8
"""Percentile beyond which values do not widen the range of colours."""

UNITS = {"um": "µm", "um3/s": "µm³/s", "um3": "µm³", "g/(um s2)": "kPa", "mA/cm^2": "mA/cm²", "1": ""}
"""How units of files are written on axes; a pressure of 1 g/(um s2) is 1 kPa."""
SMALLER = (("mM", 1.0), ("µM", 1e3), ("nM", 1e6))
"""Units in which a small concentration is shown."""
INCH_MM, SCREEN_DPI, SCREEN_SCALE = 25.4, 96, 1.3


@dataclass(frozen=True)
class RunStyle:
    """How a run is drawn among others, so that runs stay visible where their values are equal.

    Attributes:
        colour: where colours stand for runs.
        width: factor of the widths of lines.
        narrowest: line, points.
        dashes: of lines, as matplotlib takes them; lengths in points.
        tint: part of white in a colour that stands for something else than the run.
        is_filled: whether bands are filled; others have dashed edges.
    """

    colour: str
    width: float = 1.0
    narrowest: float = 0.0
    dashes: str | tuple[float, tuple[float, ...]] = "-"
    tint: float = 0.0
    is_filled: bool = True

    def tinted(self, colour: str) -> tuple[float, ...]:
        """A colour that stands for something else than the run."""
        return tuple(part + self.tint * (1.0 - part) for part in to_rgb(colour))

    def line(self, width: float, colour: str | None = None) -> dict[str, Any]:
        """Options of a line.

        Args:
            width: of a run that is alone, points.
            colour: where colours stand for something else than runs.
        """
        shown = self.colour if colour is None else self.tinted(colour)
        return {"color": shown, "lw": max(width * self.width, self.narrowest), "ls": self.dashes}


ALONE = RunStyle(OKABE_ITO[0])
TOGETHER = (
    RunStyle(OKABE_ITO[5], 2.0, 1.2, tint=0.6),
    RunStyle(OKABE_ITO[1], 0.75, 0.7, (0, (3.5, 2.5)), is_filled=False),
    RunStyle(OKABE_ITO[6], 0.6, 0.6, (0, (1.0, 2.0)), is_filled=False),
)
"""Of the first run, which lies below, broad and light, and of those that are laid over it, narrow, dark and dashed."""

P = ParamSpec("P")
R = TypeVar("R")


class Picture(Figure):
    """A figure that a notebook shows by itself, without pyplot and its state.

    Attributes:
        description: what it shows, for readers who cannot see it.
    """

    description = "figure"

    def _repr_png_(self) -> tuple[bytes, dict[str, Any]]:
        buffer = io.BytesIO()
        self.savefig(buffer, format="png", dpi=220)
        width, height = (round(inches * SCREEN_DPI * SCREEN_SCALE) for inches in self.get_size_inches())
        return buffer.getvalue(), {"width": width, "height": height, "alt": self.description}


def styled(draw: Callable[P, R]) -> Callable[P, R]:
    """Makes a function draw in the style of this module, whatever the caller's own settings are."""

    @functools.wraps(draw)
    def wrapped(*arguments: P.args, **options: P.kwargs) -> R:
        with matplotlib.rc_context({**matplotlib.rcParamsDefault, **STYLE, "backend": matplotlib.rcParams["backend"]}):
            return draw(*arguments, **options)

    return wrapped


def new_figure(width_mm: float, height_mm: float) -> Picture:
    """An empty figure of a size in mm."""
    return Picture(figsize=(width_mm / INCH_MM, height_mm / INCH_MM), layout="constrained")


def grid(width_mm: float, panels: int, panel_height_mm: float, **options: Any) -> tuple[Picture, list[Axes]]:
    """A figure with panels in as many columns as the width holds; what is left over stays empty.

    Args:
        width_mm: of the figure.
        panels: their number.
        panel_height_mm: of each row.
        options: of ``Figure.subplots``.
    """
    columns = max(1, min(panels, round(width_mm / COLUMN_MM)))
    rows = math.ceil(panels / columns)
    figure = new_figure(width_mm, panel_height_mm * rows + 8)
    axes = list(figure.subplots(rows, columns, squeeze=False, **options).flat)
    for unused in axes[panels:]:
        unused.remove()
    return figure, axes[:panels]


def unit_text(unit: str) -> str:
    """A unit of a file as it is written on an axis."""
    return UNITS.get(unit, unit)


def axis_label(values: xr.DataArray) -> str:
    """Symbol or name of a quantity, with its unit."""
    name = str(values.attrs.get("symbol") or values.attrs.get("long_name") or values.name or "")
    unit = unit_text(values.attrs.get("units", ""))
    return f"{name} ({unit})" if unit else name


def in_readable_unit(arrays: Iterable[xr.DataArray]) -> list[xr.DataArray]:
    """Concentrations in the largest of mM, uM and nM in which the largest of all values is not below 0.1."""
    given = list(arrays)
    if any(values.attrs.get("units") != "mM" for values in given):
        return given
    largest = max((float(np.nanmax(np.abs(v.values), initial=0.0)) for v in given), default=0.0)
    unit, factor = next((pair for pair in SMALLER if largest * pair[1] >= 0.1), SMALLER[0])
    return [(v * factor).assign_attrs(v.attrs, units=unit) for v in given]


def colour_range(values: ArrayLike, centre: float | None = None) -> tuple[float, float]:
    """The range of colours for some values; a few extremely high ones do not widen it.

    Args:
        values: numbers; NaN are left out.
        centre: about which the range is even, as for changes; None: from the lowest to the highest value.
    """
    finite = np.asarray(values, dtype=float)
    finite = finite[np.isfinite(finite)]
    if not finite.size:
        return (0.0, 1.0) if centre is None else (centre - 1.0, centre + 1.0)
    if centre is not None:
        half = max(float(np.percentile(np.abs(finite - centre), OUTLIERS)), 1e-9)
        return centre - half, centre + half
    low, high = finite.min(), np.percentile(finite, OUTLIERS)
    return float(low), float(max(high, low + 1e-9 * max(abs(low), 1.0)))


@dataclass(frozen=True)
class ColourScale:
    """Colours for values, the same in all drawings that share it.

    Attributes:
        low: value of the first colour.
        high: value of the last colour.
        lowest: of the values in all drawings.
        highest: of the values in all drawings.
    """

    low: float
    high: float
    lowest: float
    highest: float

    @classmethod
    def of(cls, *values: ArrayLike, centre: float | None = None) -> ColourScale:
        """The scale of some values, as :func:`colour_range` chooses it.

        Args:
            values: of each drawing; NaN are left out.
            centre: about which the range is even, as for changes.
        """
        numbers = np.concatenate([np.ravel(np.asarray(each, dtype=float)) for each in values])
        low, high = colour_range(numbers, centre)
        finite = numbers[np.isfinite(numbers)]
        ends = (finite.min(), finite.max()) if finite.size else (low, high)
        return cls(low, high, *map(float, ends))

    @property
    def extend(self) -> Literal["both", "min", "max", "neither"]:
        """At which ends of the bar values lie beyond the colours."""
        if self.lowest < self.low:
            return "both" if self.highest > self.high else "min"
        return "max" if self.highest > self.high else "neither"

    @property
    def shown(self) -> tuple[float, float]:
        """The part of the bar that is shown: half of a range about a centre where the other half has no values."""
        is_half = self.lowest > self.low + 0.45 * (self.high - self.low)
        return (min(self.lowest, (self.low + self.high) / 2) if is_half else self.low), self.high

    @property
    def part(self) -> tuple[float, float]:
        """The part of the map of colours that is shown, from 0 to 1."""
        low, high = ((end - self.low) / (self.high - self.low) for end in self.shown)
        return low, high


def add_colour_bar(
    figure: Picture, drawn: Collection, axes: Sequence[Axes], values: xr.DataArray, scale: ColourScale
) -> None:
    """A bar for the colours of a drawing, with arrows where values lie beyond its range."""
    bar = figure.colorbar(drawn, ax=list(axes), pad=0.02, aspect=25, extend=scale.extend)
    bar.ax.set_ylim(*scale.shown)
    bar.set_label(axis_label(values))
    bar.outline.set_visible(False)


def thinned(times: np.ndarray, values: np.ndarray, most: int = 4000) -> tuple[np.ndarray, np.ndarray]:
    """A long trace by the lowest and highest value of each of some stretches, so that no peak is lost.

    Args:
        times: shape (rows,).
        values: shape (rows,).
        most: number of values that may stay.
    """
    stretches = most // 2
    if len(times) <= most:
        return times, values
    starts = np.linspace(0, len(times), stretches, endpoint=False).astype(int)
    ends = np.stack([np.minimum.reduceat(values, starts), np.maximum.reduceat(values, starts)], axis=1)
    return np.repeat(times[starts], 2), ends.ravel()


def draw_band(
    ax: Axes,
    times: np.ndarray,
    low: np.ndarray,
    high: np.ndarray,
    run: RunStyle,
    colour: str | None = None,
    drawstyle: str = "default",
) -> None:
    """A band between two traces: filled, or edged where it is laid over another.

    Args:
        ax: that is drawn on.
        times: ms, shape (rows,).
        low: lower edge, shape (rows,).
        high: upper edge, shape (rows,).
        run: that the band belongs to.
        colour: where colours stand for something else than runs.
        drawstyle: ``steps-post`` where a value holds until the next time.
    """
    if run.is_filled:
        step: Any = "post" if drawstyle == "steps-post" else None
        ax.fill_between(times, low, high, color=colour or run.colour, alpha=0.2, lw=0, step=step)
        return
    for edge in (low, high):
        ax.plot(times, edge, **run.line(0.7, colour), drawstyle=drawstyle)


def run_styles(names: Iterable[str]) -> dict[str, RunStyle]:
    """How each run is drawn, in the order in which they are laid over each other."""
    given = list(names)
    return {given[0]: ALONE} if len(given) == 1 else dict(zip(given, itertools.cycle(TOGETHER)))


def layer_colours(layers: Iterable[Any]) -> dict[Any, str]:
    """A colour for each cortical layer, the same in all figures."""
    return {layer: OKABE_ITO[(int(layer) - 1) % len(OKABE_ITO)] for layer in sorted({int(x) for x in layers})}
