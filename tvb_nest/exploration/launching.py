"""Where points run: some at a time on this machine, or as an array of SLURM jobs."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path
from typing import Any, TypeAlias

from mpi_coupling.failure import UserError

Work: TypeAlias = Callable[[Path], None]
"""Runs the point of a folder and records how it went; raises nothing."""

Launch: TypeAlias = Callable[[Work, Sequence[Path]], Iterator[Path]]
"""Does the work for all folders; gives each one back when it is done."""

SLURM_LOGS = "slurm"


def in_this_machine(jobs: int = 1) -> Launch:
    """Points on this machine.

    The threads only wait for the processes of the points; forking would copy an MPI that is running.

    Args:
        jobs: points at a time.
    """

    def launch(work: Work, folders: Sequence[Path]) -> Iterator[Path]:
        with ThreadPoolExecutor(max_workers=jobs) as pool:
            waiting = {pool.submit(work, folder): folder for folder in folders}
            try:
                for done in as_completed(waiting):
                    done.result()
                    yield waiting[done]
            except BaseException:
                pool.shutdown(wait=False, cancel_futures=True)
                raise

    return launch


def in_slurm(folder: Path, options: Mapping[str, Any], cluster: str | None = None) -> Launch:
    """Points as one array of SLURM jobs, by submitit.

    Args:
        folder: of the exploration; the jobs' logs go into a folder in it.
        options: submitit's, such as ``timeout_min``, ``slurm_partition``, ``slurm_array_parallelism``.
        cluster: submitit's name of the executor; None: SLURM where there is one.

    Raises:
        UserError: submitit is not installed, or an option is wrong.
    """
    try:
        import submitit
    except ImportError as error:
        raise UserError("submitit is not installed; install it with: pip install 'multiscale-run[slurm]'") from error
    executor = submitit.AutoExecutor(folder=folder / SLURM_LOGS, cluster=cluster)
    try:
        executor.update_parameters(**options)
    except (NameError, TypeError, ValueError) as error:
        raise UserError(f"wrong SLURM option: {error}") from error

    def launch(work: Work, folders: Sequence[Path]) -> Iterator[Path]:
        jobs = executor.map_array(work, folders)
        waiting = dict(zip(jobs, folders, strict=True))
        for job in submitit.helpers.as_completed(jobs):
            yield waiting[job]  # a job that SLURM killed has left no record of its end; that tells

    return launch
