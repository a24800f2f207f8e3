"""``tvb-nest run``: run a simulation."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import click

from mpi_coupling.launch import LAUNCHERS
from tvb_nest.cli import FOLDER

if TYPE_CHECKING:
    from mpi_coupling.keeping import CheckpointPlan, Start
    from tvb_nest.parameters import Parameters


@click.command("run")
@FOLDER
@click.option("--serial", is_flag=True, help="Both simulators in turn in one process, with the same results.")
@click.option("--launcher", type=click.Choice(LAUNCHERS), help="What starts the processes [srun inside SLURM].")
@click.option("--resume", is_flag=True, help="TVB alone: continue from the newest checkpoint.")
@click.option("--continue", "go_on", is_flag=True, help="Resume where that is possible; nothing if results are there.")
@click.option(
    "--checkpoint-every",
    metavar="MS",
    type=click.FloatRange(min=0, min_open=True),
    help="TVB alone: biological time between two checkpoints, in ms.",
)
@click.option("--profile", is_flag=True, help="Write timeline.json: each rank's phases, for ui.perfetto.dev.")
def command(
    folder: Path,
    serial: bool,
    launcher: str | None,
    resume: bool,
    go_on: bool,
    checkpoint_every: float | None,
    profile: bool,
) -> None:
    """Run the simulation in FOLDER (default: here).

    A co-simulation starts a process for NEST and one for TVB, and those of param_tvb_nest.transform_ranks, by mpirun
    or, inside SLURM, by srun. It may also be started so: mpirun -n 2 tvb-nest run FOLDER.

    A brain without spiking regions writes a checkpoint when it gets SIGUSR1, and ends with one, and exit code 143, when
    it gets SIGTERM or SIGUSR2. --continue is for scripts that may run several times, such as those of a queue.
    """
    from mpi_coupling.keeping import CheckpointPlan, Start
    from mpi_coupling.settings.problems import ConfigError
    from tvb_nest.checkup import checkup
    from tvb_nest.parameters import Mode, read_parameters
    from tvb_nest.recording import is_finished

    start = Start.of(resume, go_on)
    parameters = read_parameters(folder)
    problems = checkup(parameters).problems
    if problems:
        raise ConfigError(problems)
    if go_on and is_finished(parameters):
        click.echo(f"nothing to do: the results of this simulation are in {parameters.result_folder}")
        return
    asks = resume or checkpoint_every is not None  # refused below
    if parameters.mode == Mode.CO_SIMULATION and not (serial or asks or _is_in_a_job()):
        sys.exit(_launch(folder, parameters, launcher, profile))
    _run_here(parameters, CheckpointPlan(checkpoint_every), start, profile)


def _is_in_a_job() -> bool:
    """Whether a launcher has started this process as one of several, or given it a role."""
    from mpi_coupling.groups import ROLE_VARIABLE
    from mpi_coupling.world import World

    return bool(os.environ.get(ROLE_VARIABLE)) or World.start().size > 1


def _launch(folder: Path, parameters: Parameters, launcher: str | None, profile: bool) -> int:
    """Start all roles as one job; returns its exit code."""
    from mpi_coupling import Program, supervise
    from mpi_coupling.locks import make_folder
    from tvb_nest.orchestrator import plan

    words = [sys.executable, "-m", "tvb_nest", "run", str(folder), *(["--profile"] if profile else [])]
    programs = [Program(role.name, words, role.minimum) for role in plan(parameters)]
    make_folder(parameters.result_folder)
    # there, because all nodes of a cluster see it
    with TemporaryDirectory(dir=parameters.result_folder, prefix=".job-") as scratch:
        return supervise(programs, Path(scratch), launcher)


def _run_here(parameters: Parameters, checkpoints: CheckpointPlan, start: Start, profile: bool) -> None:
    """Play one role of the job, or all of them."""
    from mpi_coupling import Groups, Profiler, TimelineProfiler
    from mpi_coupling.console import setup_logging
    from tvb_nest.orchestrator import plan, run

    groups = Groups.join(plan(parameters), one_program=True)
    setup_logging(groups.job.rank, groups.job.size)
    with groups.guard():
        profiler = TimelineProfiler(groups.job) if profile else Profiler()
        run(parameters, groups, profiler, checkpoints, start)
        if groups.job.is_root:
            click.echo(f"{parameters.resolved.end:g} ms computed; results in {parameters.result_folder}")
