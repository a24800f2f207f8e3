"""The script of a job, from a site's profile, the environment at hand and what the application needs."""

from __future__ import annotations

import math
import os
import re
import shlex
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib import resources
from pathlib import Path

import jinja2

from mpi_coupling.failure import UserError
from mpi_coupling.slurm.sites import Site
from mpi_coupling.slurm.time_limit import seconds_of

LAUNCHERS = {"srun": "srun --kill-on-bad-exit=1", "mpirun": 'mpirun -n "$SLURM_NTASKS" --bind-to none'}
"""What starts the ranks in the script, by the name in a profile."""


@dataclass(frozen=True)
class Job:
    """What an application wants to run.

    Attributes:
        name: of the job; characters that SLURM does not like are replaced.
        command: program and arguments; the folder of the simulation is added.
        ntasks: ranks that it needs where the site does not say how many.
        cpus_per_task: CPUs of a rank where the site does not say how many.
        starts_itself: it calls the launcher; otherwise the script does.
        keeps_checkpoints: on SIGUSR2 it writes a checkpoint and ends with exit code 143, and goes on from it when it
            is started again.
    """

    name: str
    command: Sequence[str]
    ntasks: int = 1
    cpus_per_task: int = 1
    starts_itself: bool = False
    keeps_checkpoints: bool = False


def job_script(job: Job, site: Site, environment: Mapping[str, str] = os.environ) -> str:
    """Write the script.

    Args:
        job: what to run.
        site: what the cluster asks for.
        environment: variables at hand, where loaded modules are looked up.

    Raises:
        UserError: the time limit leaves no time for the run, or the nodes have no room for the ranks.
    """
    _refuse_impossible(job, site)
    source = (resources.files(__package__) / "job.sbatch.jinja").read_text(encoding="utf-8")
    command = shlex.join(job.command)
    template = jinja2.Environment(trim_blocks=True, keep_trailing_newline=True).from_string(source)
    return template.render(
        directives=list(_directives(job, site)),
        preparation=list(_preparation(site, environment)),
        command=command if job.starts_itself else f"{LAUNCHERS[site.launcher]} {command}",
        keeps_checkpoints=job.keeps_checkpoints,
    )


def _refuse_impossible(job: Job, site: Site) -> None:
    limit = seconds_of(site.time)
    if job.keeps_checkpoints and limit is not None and limit <= site.warning_seconds:
        raise UserError(
            f"a time limit of {site.time} leaves no time for the run: the site's warning_seconds is "
            f"{site.warning_seconds}; ask for more time, or for a later warning in a profile of your own (--site)"
        )
    ranks = site.nodes * _ranks_per_node(job, site)
    if job.starts_itself and ranks < job.ntasks:
        raise UserError(
            f"the simulation has {job.ntasks} processes, and nodes = {site.nodes} with ntasks_per_node = "
            f"{site.ntasks_per_node} have room for {ranks}; raise --nodes or --ntasks-per-node"
        )


def _ranks_per_node(job: Job, site: Site) -> int:
    return site.ntasks_per_node or math.ceil(job.ntasks / site.nodes)


def _directives(job: Job, site: Site) -> Iterator[str]:
    """Options of sbatch."""
    yield f"--job-name={re.sub(r'[^A-Za-z0-9_.-]', '_', job.name)}"
    for name in ("account", "partition", "constraint"):
        if (value := getattr(site, name)) is not None:
            yield f"--{name}={value}"
    yield f"--nodes={site.nodes}"
    yield f"--ntasks-per-node={_ranks_per_node(job, site)}"
    yield f"--cpus-per-task={site.cpus_per_task or job.cpus_per_task}"
    yield f"--time={site.time}"
    if job.keeps_checkpoints:
        yield f"--signal=B:USR2@{site.warning_seconds}"
    # after a node has failed or another job went first SLURM starts it again, and the log goes on
    yield from ("--requeue", "--open-mode=append", "--output=%x-%j.log")
    yield from site.options


def _preparation(site: Site, environment: Mapping[str, str]) -> Iterator[str]:
    """Lines that bring the environment of this process back."""
    modules, paths = site.modules, site.module_paths
    if modules is None:
        modules = [name for name in environment.get("LOADEDMODULES", "").split(":") if name]
        known = [path for path in environment.get("MODULEPATH", "").split(":") if path]
        paths = [*paths, *known] if modules else paths
    if modules or paths:
        yield 'type module >/dev/null 2>&1 || source "${MODULESHOME:?this node has no module command}/init/bash"'
    if paths:
        yield f"module use --append {shlex.join(paths)}"
    for module in modules:
        yield f"module load {shlex.quote(module)} || exit 1"
    yield from site.setup
    yield _activation()
    yield "export OMP_NUM_THREADS=${SLURM_CPUS_PER_TASK:-1} SRUN_CPUS_PER_TASK=${SLURM_CPUS_PER_TASK:-1}"
    if site.mpi is not None:
        yield f"export SLURM_MPI_TYPE={shlex.quote(site.mpi)}"
    for name, value in site.environment.items():
        yield f"export {name}={shlex.quote(value)}"


def _activation() -> str:
    """The line that puts this Python and its programs first."""
    if sys.prefix != sys.base_prefix:
        return f"source {shlex.quote(str(Path(sys.prefix) / 'bin' / 'activate'))} || exit 1"
    return f'export PATH={shlex.quote(str(Path(sys.executable).parent))}:"$PATH"'
