"""``tvb-nest init``: write a simulation folder."""

from __future__ import annotations

import shlex
from pathlib import Path

import click

from mpi_coupling.slurm.options import site_options
from mpi_coupling.slurm.sites import Site
from tvb_nest.cli import FOLDER
from tvb_nest.examples import NAMES


class Regions(click.ParamType):
    """Regions as ``26,78``."""

    name = "regions"

    def convert(self, value: str, param: click.Parameter | None, ctx: click.Context | None) -> list[int]:
        try:
            return [int(number) for number in value.split(",")]
        except ValueError:
            self.fail(f"{value!r} must be numbers of regions such as 26,78", param, ctx)


@click.command("init")
@FOLDER
@click.option("--example", type=click.Choice(NAMES), default=NAMES[0], show_default=True, help="What to simulate.")
@click.option("--connectome", help="Folder, zip or tvb-data name of a connectome to use instead of the example's.")
@click.option("--regions", type=Regions(), help="Spiking regions instead of the example's, such as 26,78.")
@click.option(
    "--compat",
    type=click.Choice(["corrected", "upstream"]),
    default="corrected",
    show_default=True,
    help="Correct the original's defects, or keep them.",
)
@site_options
@click.option("-f", "--force", is_flag=True, help="Replace what an earlier init wrote in FOLDER.")
def command(
    folder: Path, example: str, connectome: str | None, regions: list[int] | None, compat: str, site: Site, force: bool
) -> None:
    """Write an example into FOLDER (default: here): its parameters, a README and a SLURM script.

    The script, simulation.sbatch, loads the modules that are loaded now and activates this Python environment.
    """
    from tvb_nest.setup_folder import write_example

    parameters = write_example(
        folder, example, site, connectome=connectome, regions=regions or (), compat=compat, force=force
    )
    click.echo(f"wrote {parameters.file} with README.md and simulation.sbatch")
    click.echo(f"next: tvb-nest check {shlex.quote(str(folder))}")
