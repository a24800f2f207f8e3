"""Fixtures that run the suite as a user does: by its commands, in processes of their own."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from mpi_coupling.world import World

World.start()  # before any test module imports NEURON or STEPS, which would start MPI their own way

PROGRAM = Path(sys.executable).parent / "multiscale-run"
MPI_ENVIRONMENT = {
    "OMPI_ALLOW_RUN_AS_ROOT": "1",
    "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM": "1",
    "OMPI_MCA_mpi_yield_when_idle": "1",
    "OMPI_MCA_rmaps_base_oversubscribe": "1",
    "OMPI_MCA_hwloc_base_binding_policy": "none",
    "OMP_NUM_THREADS": "1",
}
RUN_TIMEOUT = 900


def launch(
    *arguments: Any, ranks: int = 1, timeout: float = RUN_TIMEOUT, **options: Any
) -> subprocess.CompletedProcess:
    """Run ``multiscale-run`` with the given arguments; output is captured as text, errors and output together."""
    command = [str(PROGRAM), *map(str, arguments)]
    if ranks > 1:
        command = ["mpirun", "-n", str(ranks), *command]
    # a job inside pytest must not believe that it is a rank of pytest's own job
    clean = {k: v for k, v in os.environ.items() if not k.startswith(("OMPI_COMM_WORLD", "PMIX_", "PMI_"))}
    return subprocess.run(
        command,
        env=clean | MPI_ENVIRONMENT,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=timeout,
        **options,
    )


@dataclass
class SimulationFolder:
    """A simulation folder of a test."""

    path: Path

    @property
    def results(self) -> Path:
        return self.path / "RESULTS"

    def configure(self, change: Callable[[dict[str, Any]], None]) -> SimulationFolder:
        """Edit simulation_config.json."""
        file = self.path / "simulation_config.json"
        settings = json.loads(file.read_text())
        change(settings)
        file.write_text(json.dumps(settings, indent=2))
        return self

    def command(self, name: str, *options: str) -> subprocess.CompletedProcess:
        """Run a command on this folder."""
        return launch(name, *options, self.path)

    def compute(self, ranks: int = 1, **options: Any) -> subprocess.CompletedProcess:
        return launch("compute", self.path, ranks=ranks, **options)

    def computed(self, ranks: int = 1) -> SimulationFolder:
        """Compute and insist on success."""
        done = self.compute(ranks)
        assert done.returncode == 0, done.stdout
        return self

    def has_begun(self) -> bool:
        """Whether the first row is on disk."""
        try:
            with h5py.File(self.results / "atpi.h5") as file:
                return file["report/neurons/data"].attrs["last_written_step"] >= 0
        except (OSError, KeyError):
            return False  # not there yet, or just being written

    def checkpoints(self) -> list[str]:
        """Names of the checkpoints in place, the oldest first."""
        return sorted(path.name for path in (self.results / "checkpoints").glob("tick-*[0-9]"))

    def report(self, name: str) -> tuple[np.ndarray, np.ndarray]:
        """Times (ms) and data, shape (times, elements), of a report."""
        with h5py.File(self.results / f"{name}.h5") as file:
            group = next(iter(file["report"].values()))
            start, _, step = group["mapping/time"][:]
            data = group["data"][:]
        return start + step * np.arange(len(data)), data

    def spikes(self) -> np.ndarray:
        """Rows of (time in ms, neuron)."""
        with h5py.File(self.results / "out.h5") as file:
            group = file["spikes/neurons"]
            return np.stack([group["timestamps"][:], group["node_ids"][:]], axis=1)


def quiet(settings: dict[str, Any]) -> None:
    """Take the stimuli away."""
    settings["inputs"] = {}


def duration(tstop: float) -> Callable[[dict[str, Any]], None]:
    """Set the end of the run and of everything in it."""

    def change(settings: dict[str, Any]) -> None:
        settings["run"]["tstop"] = tstop
        for block in settings["reports"].values():
            block["end_time"] = tstop

    return change


def metabolism(**changes: Any) -> Callable[[dict[str, Any]], None]:
    """Change keys of the metabolism section."""
    return lambda settings: settings["multiscale_run"]["metabolism"].update(changes)


@pytest.fixture(autouse=True)
def _environment() -> Iterator[None]:
    """What a test does to the environment ends with it: later tests start programs that read it."""
    before = dict(os.environ)
    yield
    os.environ.clear()
    os.environ.update(before)


@pytest.fixture(scope="session")
def tools() -> Mapping[str, Any]:
    """Helpers for tests, by name."""
    return {
        "launch": launch,
        "program": PROGRAM,
        "mpi_environment": MPI_ENVIRONMENT,
        "quiet": quiet,
        "duration": duration,
        "metabolism": metabolism,
        "SimulationFolder": SimulationFolder,
    }


@pytest.fixture(scope="session")
def package_of_simulators() -> Callable[..., Path]:
    """Writes a package that offers simulators, as pip installs it; returns the file with its version."""

    def write(folder: Path, name: str, text: str, entries: Mapping[str, str]) -> Path:
        about = folder / f"{name}-1.0.dist-info"
        about.mkdir(parents=True)
        (folder / f"{name}.py").write_text(text)
        lines = [f"{entry} = {name}:{cls}" for entry, cls in entries.items()]
        (about / "entry_points.txt").write_text("\n".join(["[multiscale_run.simulators]", *lines, ""]))
        metadata = about / "METADATA"
        metadata.write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
        return metadata

    return write


@pytest.fixture(scope="session")
def bits() -> Callable[[SimulationFolder], dict[str, np.ndarray]]:
    """Everything a run has written, by file and dataset."""

    def read(folder: SimulationFolder) -> dict[str, np.ndarray]:
        found: dict[str, np.ndarray] = {}
        for path in sorted(folder.results.glob("*.h5")):
            with h5py.File(path) as file:
                file.visititems(
                    lambda name, item, path=path: (
                        found.update({f"{path.name}/{name}": item[:]}) if isinstance(item, h5py.Dataset) else None
                    )
                )
        return found

    return read


@pytest.fixture(scope="session")
def compare(bits: Callable) -> Callable[[SimulationFolder, SimulationFolder], None]:
    """Insists that two runs have written the same bits."""

    def equal(one: SimulationFolder, other: SimulationFolder) -> None:
        expected, found = bits(one), bits(other)
        assert expected and list(found) == list(expected)
        for name, values in expected.items():
            np.testing.assert_array_equal(found[name], values, err_msg=name)

    return equal


@pytest.fixture
def start() -> Iterator[Callable[..., subprocess.Popen]]:
    """Starts computing a simulation folder in the background: ``start(folder, ranks, *options)``."""
    started = []

    def launch_in_background(folder: SimulationFolder, ranks: int = 1, *options: str) -> subprocess.Popen:
        command = [str(PROGRAM), "compute", *options, str(folder.path)]
        if ranks > 1:
            command = ["mpirun", "-n", str(ranks), *command]
        pipes: dict[str, Any] = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "text": True}
        started.append(subprocess.Popen(command, env=os.environ | MPI_ENVIRONMENT, **pipes))
        return started[-1]

    yield launch_in_background
    for process in started:
        process.kill()
        process.communicate()


@pytest.fixture(scope="session")
def tiny_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What ``multiscale-run init --circuit tiny`` writes; do not change it."""
    folder = tmp_path_factory.mktemp("template") / "tiny"
    done = launch("init", "--circuit", "tiny", folder)
    assert done.returncode == 0, done.stdout
    return folder


@pytest.fixture
def tiny(tiny_template: Path, tmp_path: Path) -> Callable[..., SimulationFolder]:
    """Makes copies of the tiny simulation, each with the given changes to its configuration."""

    def make(*changes: Callable[[dict[str, Any]], None], name: str = "simulation") -> SimulationFolder:
        folder = SimulationFolder(Path(shutil.copytree(tiny_template, tmp_path / name)))
        for change in changes:
            folder.configure(change)
        return folder

    return make
