"""``multiscale-run view``: the circuit and its results in three dimensions."""

from __future__ import annotations

from pathlib import Path

import click

from multiscale_run.cli import FOLDER, refuse_several_ranks


@click.command("view")
@FOLDER
@click.option("--output", type=click.Path(path_type=Path, dir_okay=False), help="Write here instead of view.html.")
@click.option(
    "--limit",
    type=click.IntRange(min=100),
    help="Most points of neurites, vessel segments and tetrahedra that are drawn, each.  [default: 20000]",
)
def command(folder: Path, output: Path | None, limit: int | None) -> None:
    """Write a web page that shows the circuit in FOLDER (default: here) in three dimensions, to be turned and zoomed.

    With results it is coloured by membrane potential, ATP, ions, radius or flow of vessels and more, at any moment of
    the run. The page is one file that needs no network.
    """
    refuse_several_ranks("view")
    from multiscale_run.config import load_config
    from multiscale_run.view.page import LIMIT, write_page

    file, shares = write_page(load_config(folder), output, limit or LIMIT)
    click.echo(f"drawn: {', '.join(map(str, shares))}")
    click.echo(f"page: {file}")
