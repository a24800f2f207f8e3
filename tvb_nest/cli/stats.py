"""``tvb-nest stats``: what a run computed, in a few numbers."""

from __future__ import annotations

from pathlib import Path

import click

from tvb_nest.cli import FOLDER


@click.command("stats")
@FOLDER
def command(folder: Path) -> None:
    """Show what was computed in FOLDER (default: here)."""
    from mpi_coupling.console import table
    from tvb_nest.results import Results

    results = Results.of(folder)
    table("summary", ["quantity", "value"], [(name, f"{value:.6g}") for name, value in results.summary.items()])
    spikes = [(label, len(results.recording(label)["time_ms"])) for label in results.spike_labels]
    if spikes:
        table("spikes", ["recording", "spikes"], spikes)
    state = "finished" if results.is_finished else "not finished"
    click.echo(f"{state}; results in {results.folder}")
