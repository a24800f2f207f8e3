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
    from tvb_nest.parameters import Parameters


@click.command("run")
@FOLDER
@click.option("--serial", is_flag=True, help="Both simulators in turn in one process, with the same results.")
@click.option("--launcher", type=click.Choice(LAUNCHERS), help="What starts the processes [srun inside SLURM].")
@click.option("--continue", "go_on", is_flag=True, help="Do nothing when the results are there.")
def command(folder: Path, serial: bool, launcher: str | None, go_on: bool) -> None:
    """Run the simulation in FOLDER (default: here).

    A co-simulation starts a process for NEST and one for TVB, and those of param_tvb_nest.transform_ranks, by mpirun
    or, inside SLURM, by srun. It may also be started so: mpirun -n 2 tvb-nest run FOLDER.
    """
    from mpi_coupling.settings.problems import ConfigError
    from tvb_nest.checkup import checkup
    from tvb_nest.parameters import Mode, read_parameters
    from tvb_nest.recording import is_finished

    parameters = read_parameters(folder)
    problems = checkup(parameters).problems
    if problems:
        raise ConfigError(problems)
    if go_on and is_finished(parameters):
        click.echo(f"nothing to do: the results of this simulation are in {parameters.result_folder}")
        return
    if parameters.mode == Mode.CO_SIMULATION and not serial and not _is_in_a_job():
        sys.exit(_launch(folder, parameters, launcher))
    _run_here(parameters)


def _is_in_a_job() -> bool:
    """Whether a launcher has started this process as one of several, or given it a role."""
    from mpi_coupling.groups import ROLE_VARIABLE
    from mpi_coupling.world import World

    return bool(os.environ.get(ROLE_VARIABLE)) or World.start().size > 1


def _launch(folder: Path, parameters: Parameters, launcher: str | None) -> int:
    """Start all roles as one job; returns its exit code."""
    from mpi_coupling import Program, supervise
    from tvb_nest.orchestrator import plan

    words = [sys.executable, "-m", "tvb_nest", "run", str(folder)]
    programs = [Program(role.name, words, role.minimum) for role in plan(parameters)]
    parameters.result_folder.mkdir(parents=True, exist_ok=True)
    # there, because all nodes of a cluster see it
    with TemporaryDirectory(dir=parameters.result_folder, prefix=".job-") as scratch:
        return supervise(programs, Path(scratch), launcher)


def _run_here(parameters: Parameters) -> None:
    """Play one role of the job, or all of them."""
    from mpi_coupling import Groups
    from mpi_coupling.console import setup_logging
    from tvb_nest.orchestrator import plan, run

    groups = Groups.join(plan(parameters), one_program=True)
    setup_logging(groups.job.rank, groups.job.size)
    with groups.guard():
        run(parameters, groups)
        if groups.job.is_root:
            click.echo(f"{parameters.resolved.end:g} ms computed; results in {parameters.result_folder}")
