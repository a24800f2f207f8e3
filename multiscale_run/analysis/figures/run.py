"""The run itself: where its time and memory went, and which neurons took part."""

from __future__ import annotations

from collections.abc import Mapping

import xarray as xr

from mpi_coupling.profile import ProfileSummary
from multiscale_run.analysis.figures.style import COLUMN_MM, Picture, new_figure, run_styles, styled


@styled
def profile_bars(runs: Mapping[str, ProfileSummary], *, width_mm: float = COLUMN_MM) -> Picture:
    """Wall time of each phase, mean over the ranks; of several, a line goes from the fastest to the slowest.

    Args:
        runs: name -> profile.
        width_mm: of the figure.
    """
    phases = list(dict.fromkeys(path for summary in runs.values() for path in summary.phases))
    figure = new_figure(width_mm, (3.5 + 2.0 * len(runs)) * len(phases) + 16)
    ax = figure.subplots()
    thickness = 0.8 / len(runs)
    for k, ((name, summary), run) in enumerate(zip(runs.items(), run_styles(runs).values(), strict=True)):
        offset = (k - (len(runs) - 1) / 2) * thickness
        for row, path in enumerate(phases):
            if path in summary.phases:
                s = summary.phases[path].seconds
                ax.barh(row + offset, s.mean, thickness, color=run.colour, label=name if row == 0 else None)
                if summary.ranks > 1:
                    ax.plot([s.minimum, s.maximum], [row + offset] * 2, color="black", lw=0.8)
                share = 100 * summary.share(path)
                text = f" {s.mean:.2g} s, " + (f"{share:.0f} %" if share >= 1 else "< 1 %")
                ax.text(max(s.maximum, s.mean), row + offset, text, va="center", fontsize=7)
    ax.set_yticks(range(len(phases)), phases)
    ax.set(xlabel="wall time (s)", ylim=(len(phases) - 0.4, -0.6))
    ax.margins(x=0.25)
    ax.set_xlim(left=0)
    if len(runs) > 1:
        figure.legend(*ax.get_legend_handles_labels(), loc="outside upper right", ncols=2)
    return figure


@styled
def living_neurons(runs: Mapping[str, xr.Dataset], *, width_mm: float = COLUMN_MM) -> Picture:
    """How many neurons take part, over time.

    Args:
        runs: name -> what ``Results.alive`` gives.
        width_mm: of the figure.
    """
    figure = new_figure(width_mm, 38)
    ax = figure.subplots()
    for (name, alive), run in zip(runs.items(), run_styles(runs).values(), strict=True):
        count = alive["alive"].sum("neuron")
        ax.plot(alive["time"], count, **run.line(1.4), drawstyle="steps-post", label=name)
    most = max(alive.sizes["neuron"] for alive in runs.values())
    ax.set(xlabel="time (ms)", ylabel="neurons that\ntake part", ylim=(0, 1.08 * most))
    ax.yaxis.get_major_locator().set_params(integer=True)
    if len(runs) > 1:
        figure.legend(*ax.get_legend_handles_labels(), loc="outside upper right", ncols=2)
    return figure
