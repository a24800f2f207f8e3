"""``multiscale-run check``: look for mistakes before a run."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from multiscale_run.cli import FOLDER


@click.command("check")
@FOLDER
@click.option("-n", "--ranks", type=click.IntRange(min=1), default=1, show_default=True, help="Ranks you mean to use.")
def command(folder: Path, ranks: int) -> None:
    """Check the simulation in FOLDER (default: here): files, references between them, expressions, mechanisms.

    Ends with exit code 2 and a list when something must be corrected.
    """
    from mpi_coupling.world import World
    from multiscale_run.checkup import checkup
    from multiscale_run.config import ConfigError, load_config

    world = World.start()
    config = load_config(folder)
    report = world.on_root(lambda: checkup(config, ranks=max(ranks, world.size)))
    if report.problems:
        raise ConfigError(report.problems)
    if not world.is_root:
        return
    for note in report.notes:
        click.echo(f"note: {note}")
    for line in report.passed:
        click.echo(f"ok: {line}")
    click.echo(f"{config.folder} is ready to compute")
    sys.stdout.flush()
