"""The figure of a run: spikes, rates of the spiking regions, and the mean field of the whole brain."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from mpi_coupling.failure import UserError
from tvb_nest.figure_regions import RegionStyle
from tvb_nest.parameters import Mode
from tvb_nest.recording import NEST_FOLDER, RESOLVED, TVB_FOLDER
from tvb_nest.results import Results
from tvb_nest.sensing import active

TRACES_OF_OTHERS = 40
"""Other regions whose rates are drawn one by one."""

NAMED_REGIONS = 10
"""Spiking regions that have room for their names beside the whole brain."""

SHORTEST_PART = 0.03
"""Room between two ticks of an axis, as a part of it."""

LEGEND = {"fontsize": 7, "loc": "lower right", "bbox_to_anchor": (1, 1), "frameon": False}
"""Above the panel: within it nothing is free for sure."""

NOT_THERE = {"color": "0.9", "lw": 0, "zorder": 0}
"""A time of which nothing is on disk."""


def draw_summary(results: Results, path: Path) -> list[str]:
    """Draw what a run computed.

    Args:
        results: of the run.
        path: file; its ending says in which format.

    Returns:
        What the figure does not show of what the run has computed or will compute, a sentence each.

    Raises:
        UserError: nothing that could be drawn was recorded.
    """
    summary = Summary(results)
    summary.figure().savefig(path, dpi=150)
    return list(summary.left_out())


class Summary:
    """The figure of a run, and what is not in it.

    Args:
        results: of the run.
    """

    def __init__(self, results: Results) -> None:
        self._results, self._regions = results, RegionStyle(results.parameters)
        has_files = any(results._files())
        self._has_brain = has_files and results.parameters.resolved.param_tvb_monitor.Raw
        self._sensors = active(results.parameters) if has_files else ()
        # of the original's results nobody knows
        self._is_unfinished = not results.is_finished and (results.folder / RESOLVED).exists()

    @cached_property
    def _spikes(self) -> Mapping[str, Mapping[str, NDArray[Any]]]:
        slices = self._results.parameters.resolved.param_nest_background.record_spike_list
        labels = sorted(self._results.spike_labels, key=lambda label: slices[label])  # populations of a region together
        return {label: self._results.recording(label) for label in labels}

    @cached_property
    def _activity(self) -> xr.DataArray:
        """Rates (Hz) of all regions, or the variable of another model."""
        activity = self._results.monitor("Raw").sel(variable=self._results.rate_variable)
        return 1e3 * activity if self._results.is_mean_field else activity

    @cached_property
    def end(self) -> float:
        """Where the time axis ends (ms): with the run, or with the last that an unfinished one has on disk."""
        if not self._is_unfinished:
            return self._results.parameters.resolved.end
        times = [_last(recording["time_ms"]) for recording in self._spikes.values()]
        times += [_last(self._results.monitor(name).time.values) for name in self._sensors]
        return max([*times, _last(self._activity.time.values) if self._has_brain else 0.0])

    def left_out(self) -> Iterator[str]:
        """What the figure does not show of what the run has computed or will compute."""
        results, parameters = self._results, self._results.parameters
        if self._is_unfinished:
            yield f"the run is not finished: {self._state}; grey areas are not on disk yet"
        if parameters.mode in (Mode.CO_SIMULATION, Mode.TVB):
            if not any(results._files()):
                yield f"{results.folder / TVB_FOLDER}: has no file of the brain; its rates are left out"
            elif not parameters.resolved.param_tvb_monitor.Raw:
                yield "param_tvb_monitor.Raw was false; the rates of the brain are left out"
        if parameters.mode != Mode.TVB and not self._spikes:
            if parameters.resolved.param_nest_background.record_spike:
                yield f"{results.folder / NEST_FOLDER}: has no recording of spikes; they are left out"
            else:
                yield "param_nest_background.record_spike was false; spikes are left out"

    @property
    def _state(self) -> str:
        return f"{self.end:g} of {self._results.parameters.resolved.end:g} ms on disk"

    def figure(self) -> Any:
        """The figure, a panel above the other.

        Raises:
            UserError: nothing that could be drawn was recorded.
        """
        from matplotlib.figure import Figure

        panels = (("spikes", bool(self._spikes)), ("rates", self._has_brain), ("brain", self._has_brain))
        names = [*(name for name, is_there in panels if is_there), *self._sensors]
        if not names:
            reasons = "; ".join(self.left_out())
            raise UserError(f"{self._results.folder}: nothing to draw: {reasons or 'no sensors were recorded'}")
        figure = Figure(figsize=(7.2, 2.4 * len(names) + 0.4), layout="constrained")
        axes = dict(zip(names, figure.subplots(len(names), 1, sharex=True, squeeze=False)[:, 0], strict=True))
        for name, ax in axes.items():
            if name in self._sensors:
                self._draw_sensors(ax, name)
        if self._spikes:
            self._draw_spikes(axes["spikes"])
        if self._has_brain:
            self._draw_rates(axes["rates"])
            self._draw_brain(axes["brain"], figure)
        if self._is_unfinished:
            figure.suptitle(f"not finished: {self._state}; grey: not yet", fontsize="medium")
        axes[names[-1]].set(xlabel="time (ms)", xlim=(0, self.end or None))
        return figure

    def _draw_sensors(self, ax: Any, name: str) -> None:
        signals = self._results.monitor(name)
        ax.plot(signals.time, signals, color="0.4", lw=0.4)
        ax.set_ylabel(f"{name}, {signals.sizes['sensor']} sensors")
        self._mark_unknown(ax, signals.time.values)

    def _draw_spikes(self, ax: Any) -> None:
        slices = self._results.parameters.resolved.param_nest_background.record_spike_list
        for label, spikes in self._spikes.items():
            colour, text = self._regions.of_recording(label)
            ax.plot(spikes["time_ms"], spikes["sender"], ".", ms=1.5, color=colour, label=text)
            if self._is_unfinished:
                # populations do not reach the disk at the same time, and one without spikes is not silent for sure
                known, (first, last) = _last(spikes["time_ms"]), slices[label]
                ax.fill_between((known, self.end), first + 0.5, last + 0.5, **NOT_THERE)
        ax.set_ylabel("neuron")
        # column by column: the populations of a region side by side
        ax.legend(markerscale=4, ncols=min(2, len(self._spikes)), **LEGEND)

    def _draw_rates(self, ax: Any) -> None:
        activity, spiking = self._activity, self._results.parameters.spiking
        others = [region for region in activity.region.values if region not in spiking]
        drawn, kind = others[:TRACES_OF_OTHERS], "other regions" if spiking else "regions"
        if others:
            lines = ax.plot(activity.time, activity.sel(region=drawn), color="0.8", lw=0.4)
            lines[0].set_label(kind if drawn == others else f"{len(drawn)} of {len(others)} {kind}")
            mean = activity.sel(region=others).mean("region")
            ax.plot(activity.time, mean, color="black", lw=1.2, label=f"mean of {kind}")
        for region in spiking:
            text = f"region {self._regions.number_and_name(region)} (NEST)"
            ax.plot(activity.time, activity.sel(region=region), color=self._regions.colour(region), lw=1.0, label=text)
        ax.set_ylabel(self._quantity)
        ax.legend(ncols=2, **LEGEND)
        self._mark_unknown(ax, activity.time.values)

    def _draw_brain(self, ax: Any, figure: Any) -> None:
        activity = self._activity
        count = len(activity.region)
        extent = (float(activity.time[0]), float(activity.time[-1]), -0.5, count - 0.5)
        lowest = 0.0 if self._results.is_mean_field else float(np.nanpercentile(activity, 0.5))
        highest = float(np.nanpercentile(activity, 99.5))
        limits = {"vmin": lowest, "vmax": highest}
        image = ax.imshow(activity.T, aspect="auto", origin="lower", extent=extent, cmap="viridis", **limits)
        ax.set_ylabel("region of the brain")
        self._name_regions(ax, count)
        self._mark_unknown(ax, activity.time.values)
        cut = bool((activity < lowest).any()), bool((activity > highest).any())
        extend = {(False, False): "neither", (True, False): "min", (False, True): "max", (True, True): "both"}[cut]
        figure.colorbar(image, ax=ax, label=self._quantity, extend=extend)

    @property
    def _quantity(self) -> str:
        return "excitatory rate (Hz)" if self._results.is_mean_field else self._results.rate_variable

    def _name_regions(self, ax: Any, count: int) -> None:
        """Numbers on the axis, and the names of spiking regions in their colours."""
        spiking = self._results.parameters.spiking[:NAMED_REGIONS]
        room = max(1.0, 2 * SHORTEST_PART * count)
        numbers = [int(tick) for tick in ax.get_yticks() if 0 <= tick < count and tick == int(tick)]
        numbers = [tick for tick in numbers if all(abs(tick - region) >= room for region in spiking)]
        names = [self._regions.number_and_name(region) for region in spiking]
        ax.set_yticks([*numbers, *spiking], [*map(str, numbers), *names])
        for text, region in zip(ax.get_yticklabels()[len(numbers) :], spiking, strict=True):
            text.set(color=self._regions.colour(region), fontsize="small")

    def _mark_unknown(self, ax: Any, times: NDArray[np.float64]) -> None:
        """Grey for the time after the last sample on disk."""
        if self._is_unfinished and _last(times) < self.end:
            ax.axvspan(_last(times), self.end, **NOT_THERE)


def _last(times: NDArray[np.float64]) -> float:
    return float(times.max()) if len(times) else 0.0
