"""``tvb-nest check``: look for mistakes before a run."""

from __future__ import annotations

from pathlib import Path

import click

from tvb_nest.cli import FOLDER


@click.command("check")
@FOLDER
def command(folder: Path) -> None:
    """Check the simulation in FOLDER (default: here): parameters, the files they name, the engines they need.

    Ends with exit code 2 and a list when something must be corrected.
    """
    from mpi_coupling.settings.problems import ConfigError
    from tvb_nest.checkup import checkup
    from tvb_nest.parameters import read_parameters

    parameters = read_parameters(folder)
    health = checkup(parameters)
    if health.problems:
        raise ConfigError(health.problems)
    for note in health.notes:
        click.echo(f"note: {note}")
    for line in health.passed:
        click.echo(f"ok: {line}")
    click.echo(f"{parameters.file} is ready to run: {parameters.mode}")
