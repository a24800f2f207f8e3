"""Command lines that start several programs as one job: `mpirun a : b`, or `srun --multi-prog` inside SLURM.

Environment and role of each program are set by `env`, which every launcher can start. `mpi_coupling.supervision` runs
such a job and says who died.
"""

from __future__ import annotations

import os
import re
import shlex
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from mpi_coupling.failure import UserError
from mpi_coupling.groups import ROLE_VARIABLE

LAUNCHERS = ("mpirun", "srun")

DEFAULTS = {
    "OMPI_MCA_mpi_yield_when_idle": "1",
    "OMPI_MCA_rmaps_base_oversubscribe": "1",
    "OMP_WAIT_POLICY": "passive",
}
"""Set in a job unless the user set it: processes that wait leave their core to others, and may be more than cores."""

PARENT_JOB = re.compile(r"OMPI_COMM_WORLD|PMIX_|PMI_|SLURM_STEP|SLURM_(PROCID|LOCALID|NODEID|GTIDS|TASK_PID)$")
"""Variables of the job that the caller may itself be in. A launcher that inherits them ends without a word."""

PARENT_STEP = re.compile(r"SLURM_(NTASKS|NPROCS|NTASKS_PER_NODE|CPUS_PER_TASK)$|SRUN_CPUS_PER_TASK$|SLURM_CPU_BIND")
"""Variables by which srun would give a step within a step the shape of the outer one."""

LAUNCHER_PREFIXES = ("OMPI_", "PMIX_", "PMI_", "SLURM_")
"""Variables of MPI launchers and of SLURM begin so."""


@dataclass(frozen=True)
class Program:
    """One of the programs of a job.

    Attributes:
        role: what its processes are, see `mpi_coupling.groups`.
        command: program and arguments.
        ranks: number of processes.
        environment: variables of these processes only, such as OMP_NUM_THREADS.
    """

    role: str
    command: Sequence[str]
    ranks: int = 1
    environment: Mapping[str, str] = field(default_factory=dict)

    def words(self) -> list[str]:
        """The command with its environment."""
        variables = {ROLE_VARIABLE: self.role, **self.environment}
        return ["env", *(f"{name}={value}" for name, value in variables.items()), *map(str, self.command)]


def role_of(programs: Sequence[Program], rank: int) -> str | None:
    """The role of a rank of the job; None beyond its end."""
    for program in programs:
        if rank < program.ranks:
            return program.role
        rank -= program.ranks
    return None


def choose_launcher(environment: Mapping[str, str] = os.environ) -> str:
    """`srun` inside a SLURM allocation, else `mpirun`.

    Raises:
        UserError: there is no launcher.
    """
    if "SLURM_JOB_ID" in environment and shutil.which("srun", path=environment.get("PATH")):
        return "srun"
    if shutil.which("mpirun", path=environment.get("PATH")):
        return "mpirun"
    raise UserError("no launcher was found: neither mpirun (`apt-get install openmpi-bin`) nor, in a SLURM job, srun")


def command_line(programs: Sequence[Program], folder: Path, launcher: str | None = None) -> list[str]:
    """The command that starts the programs as one job.

    Args:
        programs: what to start; ranks are numbered in this order.
        folder: where srun's files go; all nodes must see it.
        launcher: `mpirun` or `srun`; chosen by the surroundings if None.

    Raises:
        UserError: there is no launcher, or the folder cannot be written.
        ValueError: no programs, a program without ranks, or an unknown launcher.
    """
    if not programs or any(program.ranks < 1 for program in programs):
        raise ValueError("a job needs at least one program, and each program at least one rank")
    match launcher or choose_launcher():
        case "mpirun":
            return mpirun_line(programs)
        case "srun":
            return srun_line(programs, folder)
        case unknown:
            raise ValueError(f"unknown launcher '{unknown}'; known: {', '.join(LAUNCHERS)}")


def mpirun_line(programs: Sequence[Program]) -> list[str]:
    """`mpirun -n 1 a : -n 2 b`, without binding: it would put the first ranks of two jobs on the same core."""
    parts = [["-n", str(program.ranks), *program.words()] for program in programs]
    return ["mpirun", "--bind-to", "none", *parts[0], *(word for part in parts[1:] for word in (":", *part))]


def srun_line(programs: Sequence[Program], folder: Path) -> list[str]:
    """`srun --multi-prog FILE`; writes the file and a script per program, because the file knows no quotes.

    Raises:
        UserError: the files cannot be written, or their folder has a name that the file cannot hold.
    """
    folder = folder.absolute()
    if re.search(r"[\s'\"\\%]", str(folder)):
        raise UserError(f"{folder}: srun --multi-prog needs a folder without spaces, quotes, backslashes and % signs")
    lines = []
    first = 0
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for index, program in enumerate(programs):
            script = folder / f"program_{index}.sh"
            script.write_text(f"exec {shlex.join(program.words())}\n")
            last = first + program.ranks - 1
            lines.append(f"{first}-{last} /bin/sh {script}\n" if last > first else f"{first} /bin/sh {script}\n")
            first = last + 1
        (folder / "programs.conf").write_text("".join(lines))
    except OSError as error:
        raise UserError(f"{folder}: the files of the job cannot be written ({error.strerror})") from error
    # the step may share CPUs with the one that we are in, if any
    options = ["--ntasks", str(first), "--overlap", "--kill-on-bad-exit=1", "--cpu-bind=none"]
    return ["srun", *options, "--multi-prog", str(folder / "programs.conf")]


def outside_of_jobs(environment: Mapping[str, str] = os.environ) -> dict[str, str]:
    """An environment without traces of the MPI job or SLURM step that the caller is in; its SLURM allocation stays."""
    left = {name: value for name, value in environment.items() if not PARENT_JOB.match(name)}
    if "SLURM_STEP_ID" in environment:
        left = {name: value for name, value in left.items() if not PARENT_STEP.match(name)}
    return left


def without_launchers(environment: Mapping[str, str] = os.environ) -> dict[str, str]:
    """An environment for a process that is to know of no job and no allocation."""
    return {name: value for name, value in environment.items() if not name.startswith(LAUNCHER_PREFIXES)}


def job_environment(environment: Mapping[str, str] = os.environ) -> dict[str, str]:
    """The environment of a launcher: that outside of jobs, and `DEFAULTS`."""
    return DEFAULTS | outside_of_jobs(environment)
