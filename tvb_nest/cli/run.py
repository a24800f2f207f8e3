"""``tvb-nest run``: run a simulation."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import click

from tvb_nest.cli import FOLDER

if TYPE_CHECKING:
    from tvb_nest.parameters import Parameters


@click.command("run")
@FOLDER
@click.option("--serial", is_flag=True, help="Both simulators in turn in one process, with the same results.")
@click.option("--resume", is_flag=True, help="TVB alone: continue from the newest checkpoint.")
@click.option(
    "--checkpoint-every",
    metavar="MS",
    type=click.FloatRange(min=0, min_open=True),
    help="TVB alone: biological time between two checkpoints, in ms.",
)
@click.option("--profile", is_flag=True, help="Write timeline.json: each rank's phases, for ui.perfetto.dev.")
def command(folder: Path, serial: bool, resume: bool, checkpoint_every: float | None, profile: bool) -> None:
    """Run the simulation in FOLDER (default: here).

    A co-simulation starts a process for NEST and one for TVB, and those of param_tvb_nest.transform_ranks, by mpirun
    or, inside SLURM, by srun. It may also be started so: mpirun -n 2 tvb-nest run FOLDER.
    """
    from mpi_coupling.settings.problems import ConfigError
    from tvb_nest.checkup import checkup
    from tvb_nest.parameters import Mode, read_parameters

    parameters = read_parameters(folder)
    problems = checkup(parameters).problems
    if problems:
        raise ConfigError(problems)
    asks = resume or checkpoint_every is not None  # refused below
    if parameters.mode == Mode.CO_SIMULATION and not (serial or asks or _is_in_a_job()):
        sys.exit(_launch(folder, parameters, profile))
    _run_here(parameters, checkpoint_every, resume, profile)


def _is_in_a_job() -> bool:
    """Whether a launcher has started this process as one of several, or given it a role."""
    from mpi_coupling.groups import ROLE_VARIABLE
    from mpi_coupling.world import World

    return bool(os.environ.get(ROLE_VARIABLE)) or World.start().size > 1


def _launch(folder: Path, parameters: Parameters, profile: bool) -> int:
    """Start all roles as one job; returns its exit code."""
    from mpi_coupling import Program, supervise
    from tvb_nest.orchestrator import plan

    words = [sys.executable, "-m", "tvb_nest", "run", str(folder), *(["--profile"] if profile else [])]
    with TemporaryDirectory() as scratch:
        return supervise([Program(role.name, words, role.minimum) for role in plan(parameters)], Path(scratch))


def _run_here(parameters: Parameters, checkpoint_every: float | None, resume: bool, profile: bool) -> None:
    """Play one role of the job, or all of them."""
    from mpi_coupling import Groups, Profiler, TimelineProfiler
    from mpi_coupling.console import setup_logging
    from mpi_coupling.keeping import CheckpointPlan
    from tvb_nest.orchestrator import plan, run

    groups = Groups.join(plan(parameters), one_program=True)
    setup_logging(groups.job.rank, groups.job.size)
    with groups.guard():
        profiler = TimelineProfiler(groups.job) if profile else Profiler()
        run(parameters, groups, profiler, CheckpointPlan(checkpoint_every), resume)
        if groups.job.is_root:
            click.echo(f"{parameters.resolved.end:g} ms computed; results in {parameters.result_folder}")
