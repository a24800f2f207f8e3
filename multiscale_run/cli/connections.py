"""``multiscale-run connections``: what is coupled to what."""

from __future__ import annotations

from pathlib import Path

import click

from multiscale_run.cli import FOLDER


@click.command("connections")
@FOLDER
@click.option("--svg", type=click.Path(path_type=Path, dir_okay=False), help="Draw them into this file as well.")
def command(folder: Path, svg: Path | None) -> None:
    """Show what the simulation in FOLDER (default: here) couples to what, when, and in which unit.

    Connections of simulators that are off are left out.
    """
    from mpi_coupling.console import table
    from mpi_coupling.world import UserError
    from multiscale_run.analysis.couplings import couplings, draw
    from multiscale_run.config import ConfigError, check_fields, load_config
    from multiscale_run.coupling import registry
    from multiscale_run.simulators import simulator_classes

    config = load_config(folder)
    problems = check_fields(config, registry(simulator_classes(config)))
    if problems:
        raise ConfigError(problems)
    found = couplings(config)
    rows = [
        (
            f"{c.event}\nevery {c.every_ms:g} ms",
            f"{c.source.simulator}, {c.source.domain}\n{c.source}",
            f"{c.destination.simulator}, {c.destination.domain}\n{c.destination}",
            c.action,
            c.transform,
        )
        for c in found
    ]
    table("connections, in the order of a step", ["event", "source", "destination", "action", "transform"], rows)
    if svg is not None:
        try:
            draw(found, config.active_simulators, svg)
        except ValueError as error:
            raise UserError(f"--svg {svg}: {error}") from error
        click.echo(f"drawn: {svg}")
