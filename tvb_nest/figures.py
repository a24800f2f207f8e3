"""The figure of a run: spikes, rates of the spiking regions, and the mean field of the whole brain."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from mpi_coupling.failure import UserError
from tvb_nest.results import Results

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
    panels = [name for name, is_there in (("spikes", labels), ("rates", has_brain), ("brain", has_brain)) if is_there]
    if not panels:
        raise UserError(f"{results.folder}: neither spikes nor the Raw monitor were recorded; nothing to draw")
    figure = Figure(figsize=(7.2, 2.3 * len(panels) + 0.4), layout="constrained")
    axes = dict(zip(panels, figure.subplots(len(panels), 1, sharex=True, squeeze=False)[:, 0], strict=True))
    if labels:
        _draw_spikes(axes["spikes"], results, labels)
    if has_brain:
        _draw_brain(axes["rates"], axes["brain"], results, figure)
    axes[panels[-1]].set_xlabel("time (ms)")
    figure.savefig(path, dpi=150)


def _draw_spikes(ax: Any, results: Results, labels: list[str]) -> None:
    for label, colour in zip(labels, COLOURS * len(labels), strict=False):
        spikes = results.recording(label)
        ax.plot(spikes["time_ms"], spikes["sender"], ".", ms=1.5, color=colour, label=label)
    ax.set_ylabel("neuron")
    ax.legend(fontsize=7, loc="lower right", bbox_to_anchor=(1, 1), markerscale=4, ncols=len(labels), frameon=False)


def _draw_brain(rates: Any, brain: Any, results: Results, figure: Any) -> None:
    activity = 1e3 * results.monitor("Raw").sel(variable="E")
    spiking = list(results.parameters.spiking)
    others = [region for region in activity.region.values if region not in spiking]
    for region in others[:TRACES_OF_OTHERS]:
        rates.plot(activity.time, activity.sel(region=region), color="0.8", lw=0.4)
    rates.plot(activity.time, activity.sel(region=others).mean("region"), color="black", lw=1.2, label="mean of others")
    for region, colour in zip(spiking, COLOURS * len(spiking), strict=False):
        rates.plot(activity.time, activity.sel(region=region), color=colour, lw=1.0, label=f"region {region}, NEST")
    rates.set_ylabel("rate (Hz)")
    rates.legend(fontsize=7, loc="upper right", frameon=False)
    extent = (float(activity.time[0]), float(activity.time[-1]), -0.5, len(activity.region) - 0.5)
    limit = float(np.nanpercentile(activity, 99.5))
    image = brain.imshow(activity.T, aspect="auto", origin="lower", extent=extent, vmin=0, vmax=limit, cmap="viridis")
    brain.set_ylabel("region")
    figure.colorbar(image, ax=brain, label="rate (Hz)")
