"""``multiscale-run virtualenv``: a Python environment for work on the suite itself."""

from __future__ import annotations

from pathlib import Path

import click

from multiscale_run.cli import refuse_several_ranks


@click.command("virtualenv")
@click.argument("folder", type=click.Path(path_type=Path), default=".venv", required=False)
@click.option(
    "--source",
    type=click.Path(path_type=Path, exists=True, file_okay=False),
    help="Checkout to edit; by default the present folder, or the one that this program comes from.",
)
def command(folder: Path, source: Path | None) -> None:
    """Make a virtual environment in FOLDER (default: .venv) in which the suite's source is edited.

    All other packages are those of this installation: a module, a Spack environment or another virtual environment.
    Without a checkout, the installed source is copied to FOLDER/src.
    """
    from multiscale_run.development import build_mechanisms, make_environment, next_steps

    refuse_several_ranks("virtualenv")
    project = make_environment(folder, source)
    click.echo(f"{folder} runs the source in {project.source}, version {project.version}")
    failure = build_mechanisms(folder)
    if failure:
        click.echo(f"note: its mechanisms are not compiled: {failure}")
    click.echo("next:")
    for line in next_steps(folder):
        click.echo(f"    {line}")
