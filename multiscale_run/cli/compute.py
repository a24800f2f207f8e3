"""``multiscale-run compute``: run a simulation."""

from __future__ import annotations

from pathlib import Path

import click

from multiscale_run.cli import FOLDER


@click.command("compute")
@FOLDER
@click.option("--resume", is_flag=True, help="Continue from the newest checkpoint, on as many ranks as wrote it.")
@click.option(
    "--continue",
    "go_on",
    is_flag=True,
    help="Continue from the newest checkpoint if there is one; do nothing when the results are there.",
)
@click.option(
    "--checkpoint-every",
    metavar="MS",
    type=click.FloatRange(min=0, min_open=True),
    help="Biological time between two checkpoints, in ms, rounded down to whole steps between exchanges.",
)
@click.option("--checkpoint-at-end", is_flag=True, help="Keep a checkpoint of the end of the run as well.")
@click.option("--profile", is_flag=True, help="Write RESULTS/timeline.json: each rank's phases, for ui.perfetto.dev.")
def command(
    folder: Path,
    resume: bool,
    go_on: bool,
    checkpoint_every: float | None,
    checkpoint_at_end: bool,
    profile: bool,
) -> None:
    """Run the simulation in FOLDER (default: here); results go to its output folder.

    On several ranks: mpirun -n 4 multiscale-run compute FOLDER, or srun -n 4 multiscale-run compute FOLDER.

    SIGUSR1 asks a run for a checkpoint; SIGTERM or SIGUSR2 for a checkpoint and the end, with exit code 143. A run that
    was stopped, killed or lost is continued by --resume: the results have the same bits as those of a run in one go.
    --continue is for scripts that may run several times, such as those of a queue.
    """
    from mpi_coupling.keeping import CheckpointPlan, Start
    from mpi_coupling.profile import Profiler
    from mpi_coupling.timeline import TimelineProfiler
    from mpi_coupling.world import World
    from multiscale_run.checkup import checkup
    from multiscale_run.config import ConfigError, load_config
    from multiscale_run.output_folder import is_finished
    from multiscale_run.simulation import Simulation

    start = Start.of(resume, go_on)
    world = World.start()
    config = load_config(folder)
    problems = world.on_root(lambda: checkup(config, ranks=world.size).problems)
    if problems:
        raise ConfigError(problems)
    if go_on and is_finished(config, world):
        if world.is_root:
            click.echo(f"nothing to do: the results of this simulation are in {config.output_dir}")
        return
    plan = CheckpointPlan(checkpoint_every, checkpoint_at_end)
    profiler = TimelineProfiler(world) if profile else Profiler()
    Simulation(config, world, profiler, plan, start).run()
    if world.is_root:
        ranks = "1 rank" if world.size == 1 else f"{world.size} ranks"
        click.echo(f"{config.run.tstop:g} ms computed on {ranks}; results in {config.output_dir}")
