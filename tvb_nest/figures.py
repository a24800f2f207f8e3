"""The figure of a run: spikes, rates of the spiking regions, and the mean field of the whole brain."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from mpi_coupling.failure import UserError
from tvb_nest.results import Results
from tvb_nest.sensing import active

COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9")
"""Okabe and Ito's colours, which colour-blind readers can tell apart."""

TRACES_OF_OTHERS = 40
"""Other regions whose rates are drawn one by one."""


def draw_summary(results: Results, path: Path) -> None:
    """Draw what a run computed.

    Args:
        results: of the run.
        path: file; its ending says in which format.

    Raises:
        UserError: nothing that could be drawn was recorded.
    """
    from matplotlib.figure import Figure

    labels = results.spike_labels
    has_brain = any(results._files()) and results.parameters.resolved.param_tvb_monitor.Raw
    sensors = active(results.parameters) if any(results._files()) else ()
    panels = [name for name, is_there in (("spikes", labels), ("rates", has_brain), ("brain", has_brain)) if is_there]
    panels += sensors
    if not panels:
        raise UserError(f"{results.folder}: neither spikes nor the Raw monitor nor sensors were recorded")
    figure = Figure(figsize=(7.2, 2.3 * len(panels) + 0.4), layout="constrained")
    axes = dict(zip(panels, figure.subplots(len(panels), 1, sharex=True, squeeze=False)[:, 0], strict=True))
    if labels:
        _draw_spikes(axes["spikes"], results, labels)
    if has_brain:
        _draw_brain(axes["rates"], axes["brain"], results, figure)
    for name in sensors:
        _draw_sensors(axes[name], results, name)
    axes[panels[-1]].set_xlabel("time (ms)")
    figure.savefig(path, dpi=150)


def _draw_sensors(ax: Any, results: Results, name: str) -> None:
    signals = results.monitor(name)
    ax.plot(signals.time, signals, color="0.4", lw=0.4)
    ax.set_ylabel(f"{name}, {signals.sizes['sensor']} sensors")


def _draw_spikes(ax: Any, results: Results, labels: list[str]) -> None:
    for label, colour in zip(labels, COLOURS * len(labels), strict=False):
        spikes = results.recording(label)
        ax.plot(spikes["time_ms"], spikes["sender"], ".", ms=1.5, color=colour, label=label)
    ax.set_ylabel("neuron")
    ax.legend(fontsize=7, loc="lower right", bbox_to_anchor=(1, 1), markerscale=4, ncols=len(labels), frameon=False)


def _draw_brain(rates: Any, brain: Any, results: Results, figure: Any) -> None:
    activity = results.monitor("Raw").sel(variable=results.rate_variable)
    activity, unit = (1e3 * activity, "rate (Hz)") if results.is_mean_field else (activity, results.rate_variable)
    spiking = list(results.parameters.spiking)
    others = [region for region in activity.region.values if region not in spiking]
    for region in others[:TRACES_OF_OTHERS]:
        rates.plot(activity.time, activity.sel(region=region), color="0.8", lw=0.4)
    rates.plot(
        activity.time,
        activity.sel(region=others).mean("region"),
        color="black",
        lw=1.2,
        label="mean of others" if spiking else "mean",
    )
    for region, colour in zip(spiking, COLOURS * len(spiking), strict=False):
        rates.plot(activity.time, activity.sel(region=region), color=colour, lw=1.0, label=f"region {region}, NEST")
    rates.set_ylabel(unit)
    rates.legend(fontsize=7, loc="upper right", frameon=False)
    extent = (float(activity.time[0]), float(activity.time[-1]), -0.5, len(activity.region) - 0.5)
    lowest = 0.0 if results.is_mean_field else float(np.nanpercentile(activity, 0.5))
    limits = {"vmin": lowest, "vmax": float(np.nanpercentile(activity, 99.5))}
    image = brain.imshow(activity.T, aspect="auto", origin="lower", extent=extent, cmap="viridis", **limits)
    brain.set_ylabel("region")
    figure.colorbar(image, ax=brain, label=unit)
