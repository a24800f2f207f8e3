"""The folder of the results: one run at a time writes there, and it says when a run has come to its end."""

from __future__ import annotations

import errno
import hashlib
import json
import os
from pathlib import Path

from mpi_coupling.atomic import write_in_one_step
from mpi_coupling.failure import UserError
from mpi_coupling.locks import file_in_the_way, hold_folder, writing_results
from mpi_coupling.plugins import packages
from mpi_coupling.profile import Profiler, ProfileSummary
from mpi_coupling.timeline import TimelineProfiler
from mpi_coupling.world import World
from multiscale_run.config import SimulationConfig
from multiscale_run.config.schema.base import GROUP
from multiscale_run.input_files import digest, input_files
from multiscale_run.mechanisms import mechanism_library, mod_folder
from multiscale_run.reports import SUCCESS

PROFILE = "profile.json"
TIMELINE = "timeline.json"
CHECKPOINTS = "checkpoints"


def fingerprint(config: SimulationConfig, world: World) -> str:
    """What a resumed run must have in common with the first one: configuration, circuit and mechanisms. Collective."""

    def compute() -> str:
        library = mechanism_library(mod_folder(config.folder))
        parts = (
            json.dumps(config.raw, sort_keys=True, default=str),
            config.network.read_text(),
            str(library.library_path),
            digest(input_files(config)),
            json.dumps(packages(GROUP, config.external_simulators), sort_keys=True),
        )
        return hashlib.sha256("\0".join(parts).encode()).hexdigest()

    return world.on_root(compute)


def is_finished(config: SimulationConfig, world: World) -> bool:
    """Whether the results are there, of a run with this very configuration, circuit and mechanisms. Collective."""
    mark = fingerprint(config, world)

    def compare() -> bool:
        file = config.output_dir / SUCCESS
        return file.is_file() and file.read_text() == mark

    return world.on_root(compare)


def has_results(config: SimulationConfig) -> bool:
    """Whether a run has left reports or spikes.

    Raises:
        UserError: the folder cannot be read, or a file is in its place.
    """
    folder = config.output_dir
    if problem := place_problem(config):
        raise UserError(problem)
    try:
        if folder.exists() and not os.access(folder, os.R_OK | os.X_OK):
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
        return any(path.suffix == ".h5" for path in folder.iterdir())
    except FileNotFoundError:
        return False
    except OSError as error:
        raise UserError(f"{folder} cannot be read: {error.strerror}") from error


def place_problem(config: SimulationConfig) -> str:
    """Why there can be no folder of results where the configuration wants it; empty where there can."""
    file = file_in_the_way(config.output_dir)
    return f"{file} is a file, not a folder; remove it or change output.output_dir" if file else ""


class OutputFolder:
    """The output folder of a run, taken by it until its process ends. Collective, as are all methods.

    Args:
        world: the ranks.
        path: the folder; made if need be.

    Raises:
        UserError: the folder cannot be written, or another run is writing there.
    """

    def __init__(self, world: World, path: Path) -> None:
        self._world, self._path = world, path
        world.on_root(self._take)

    @property
    def checkpoints(self) -> Path:
        """Where the checkpoints of the run are."""
        return self._path / CHECKPOINTS

    def begin(self) -> None:
        """From now on the folder holds an unfinished run.

        Raises:
            UserError: on every rank, when what an earlier run left cannot be removed.
        """
        earlier = (SUCCESS, PROFILE, TIMELINE)

        def remove() -> None:
            with writing_results(self._path):
                for name in earlier:
                    (self._path / name).unlink(missing_ok=True)

        self._world.on_root(remove)

    def stop(self, profiler: Profiler) -> None:
        """Write where the time went of a run that ends before its time. Collective."""
        self._write_profile(profiler)

    def finish(self, profiler: Profiler, mark: str) -> None:
        """Write and show where the time went, and mark the run as finished: with its fingerprint. Collective."""
        summary = self._write_profile(profiler)

        def conclude() -> None:
            summary.print()
            with writing_results(self._path):
                write_in_one_step(self._path / SUCCESS, mark)

        self._world.on_root(conclude)

    def _write_profile(self, profiler: Profiler) -> ProfileSummary:
        summary = profiler.summary(self._world)
        if isinstance(profiler, TimelineProfiler):
            profiler.write_timeline(self._path / TIMELINE)
        self._world.on_root(lambda: summary.write(self._path / PROFILE))
        return summary

    def _take(self) -> None:
        self._lock = hold_folder(self._path)  # until this process ends
