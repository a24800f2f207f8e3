"""``multiscale-run init``: write a simulation folder."""

from __future__ import annotations

import shlex
from pathlib import Path

import click

from mpi_coupling.slurm.options import site_options
from mpi_coupling.slurm.sites import Site
from multiscale_run.cli import FOLDER, refuse_several_ranks
from multiscale_run.metabolism import variants


@click.command("init")
@FOLDER
@click.option("--circuit", default=None, help="A named circuit (tiny), or the circuit_config.json of your own.")
@click.option("--neurons", type=click.IntRange(min=2), help="Build a circuit of this many neurons instead.")
@click.option(
    "--size", type=click.FloatRange(min=0, min_open=True), help="Edge of its box in um; by density if left out."
)
@click.option("--seed", type=click.IntRange(min=0), default=1, show_default=True, help="Seed of the circuit builder.")
@click.option(
    "--morphologies",
    type=click.Path(path_type=Path, exists=True, file_okay=False),
    help="Folder of SWC, ASC or H5 files to build the neurons from.",
)
@click.option(
    "--metabolism",
    "variant",
    type=click.Choice(variants()),
    default="standard",
    show_default=True,
    help="Variant of the metabolic network.",
)
@click.option("--julia", is_flag=True, help="Integrate the metabolism in Julia; prepares .julia_environment.")
@click.option(
    "--checkpoint-every",
    metavar="MS",
    type=click.FloatRange(min=0, min_open=True),
    help="SLURM: biological time between two checkpoints, in ms.",
)
@site_options
@click.option("-f", "--force", is_flag=True, help="Replace what an earlier init wrote in FOLDER.")
@click.option("--no-check", is_flag=True, help="Do not check the new folder at the end.")
def command(
    folder: Path,
    circuit: str | None,
    neurons: int | None,
    size: float | None,
    seed: int,
    morphologies: Path | None,
    variant: str,
    julia: bool,
    checkpoint_every: float | None,
    site: Site,
    force: bool,
    no_check: bool,
) -> None:
    """Write a simulation into FOLDER (default: here): circuit, configuration, SLURM script and notebook.

    The script, simulation.sbatch, loads the modules that are loaded now and activates this Python environment. A job
    that runs out of time writes a checkpoint, goes back into the queue and continues from there.
    """
    from multiscale_run.checkup import checkup
    from multiscale_run.config import ConfigError, load_config
    from multiscale_run.setup_folder import CircuitRequest, write_simulation

    refuse_several_ranks("init")
    request = CircuitRequest.from_options(circuit, neurons, size, seed, morphologies)
    summary = write_simulation(
        folder, request, site, variant=variant, julia=julia, checkpoint_every=checkpoint_every, force=force
    )
    click.echo(summary)
    if not no_check:
        problems = checkup(load_config(folder)).problems
        if problems:
            raise ConfigError(problems)
    click.echo(f"next: multiscale-run compute {shlex.quote(str(folder))}")
