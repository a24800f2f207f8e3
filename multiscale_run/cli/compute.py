"""``multiscale-run compute``: run a simulation."""

from __future__ import annotations

from pathlib import Path

import click

from multiscale_run.cli import FOLDER


@click.command("compute")
@FOLDER
def command(folder: Path) -> None:
    """Run the simulation in FOLDER (default: here); results go to its output folder.

    On several ranks: mpirun -n 4 multiscale-run compute FOLDER, or srun -n 4 multiscale-run compute FOLDER.
    """
    from mpi_coupling.profile import Profiler
    from mpi_coupling.world import World
    from multiscale_run.checkup import checkup
    from multiscale_run.config import ConfigError, load_config
    from multiscale_run.simulation import Simulation

    world = World.start()
    config = load_config(folder)
    problems = world.on_root(lambda: checkup(config, ranks=world.size).problems)
    if problems:
        raise ConfigError(problems)
    simulation = Simulation(config, world, Profiler())
    simulation.run()
    if world.is_root:
        ranks = "1 rank" if world.size == 1 else f"{world.size} ranks"
        click.echo(f"{config.run.tstop:g} ms computed on {ranks}; results in {config.output_dir}")
