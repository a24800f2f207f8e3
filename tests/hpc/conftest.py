"""A SLURM on loopback for each module, and what tests ask of it."""

from __future__ import annotations

import os
import re
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

SCRIPTS = Path(__file__).parents[2] / "ci" / "slurm"
LAUNCHERS = ("srun", "mpirun", "orterun")
"""Their command lines end with the words of the application."""

PATIENCE = 400
"""Seconds for anything; the machine may be busy with other things."""


def wait_for(condition: Callable[[], Any], what: str, explain: Callable[[], str] = str) -> Any:
    """Wait until a condition holds; returns what it gave."""
    deadline = time.monotonic() + PATIENCE
    while not (found := condition()):
        assert time.monotonic() < deadline, f"{what}: not in {PATIENCE} s\n{explain()}"
        time.sleep(0.02)
    return found


class Cluster:
    """A running cluster."""

    def __init__(self, folder: Path, environment: dict[str, str]) -> None:
        self.folder, self.environment = folder, environment

    def run(self, *command: Any, **options: Any) -> str:
        """Run a program that must succeed; returns what it said."""
        pipes: dict[str, Any] = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "text": True}
        done = subprocess.run([*map(str, command)], env=self.environment, timeout=PATIENCE, **pipes, **options)
        assert done.returncode == 0, done.stdout
        return done.stdout.strip()

    def submit(self, folder: Path, *options: str) -> Job:
        """Submit the job script of a simulation as a user does."""
        number = self.run("sbatch", "--parsable", *options, "simulation.sbatch", cwd=folder)
        return Job(self, number, folder)


class Job:
    """A job that was submitted."""

    def __init__(self, cluster: Cluster, number: str, folder: Path) -> None:
        self.cluster, self.number, self.folder = cluster, number, folder

    def __getitem__(self, key: str) -> str:
        shown = self.cluster.run("scontrol", "show", "job", "--oneliner", self.number)
        return re.search(rf"(?:^|\s){key}=(\S*)", shown)[1]

    @property
    def log(self) -> str:
        (file,) = self.folder.glob(f"*-{self.number}.log")
        return file.read_text()

    def update(self, **changes: Any) -> None:
        self.cluster.run("scontrol", "update", f"JobId={self.number}", *(f"{k}={v}" for k, v in changes.items()))

    def wait(self, *states: str) -> str:
        """Wait for one of the states, a final one by default; returns it."""
        wanted = states or ("COMPLETED", "FAILED", "CANCELLED", "TIMEOUT", "NODE_FAIL", "OUT_OF_MEMORY")
        wait_for(lambda: self["JobState"] in wanted, f"job {self.number} is {' or '.join(wanted)}", self.describe)
        return self["JobState"]

    def succeed(self) -> None:
        """Wait for the end and insist on success."""
        assert self.wait() == "COMPLETED", self.describe()

    def wait_for_restart(self) -> None:
        """Wait until it is back in the queue, then let it start soon.

        SLURM would take two minutes: a node refuses a start in the second in which it has ended the one before.
        """
        wait_for(lambda: self["Restarts"] == "1" and self["JobState"] == "PENDING", "back in the queue", self.describe)
        self.update(StartTime="now+5seconds", TimeLimit=10)

    def ranks(self) -> list[psutil.Process]:
        """Processes of the application."""
        found = []
        for process in psutil.process_iter():
            try:
                ours = process.environ().get("SLURM_JOB_ID") == self.number
                if ours and process.name() not in LAUNCHERS and "compute" in process.cmdline():
                    found.append(process)
            except (psutil.NoSuchProcess, psutil.AccessDenied):
                continue
        return found

    def describe(self) -> str:
        shown = self.cluster.run("scontrol", "show", "job", self.number)
        daemons = [(self.cluster.folder / "log" / name).read_text()[-2000:] for name in ("slurmctld.log",)]
        logs = [file.read_text()[-4000:] for file in self.folder.glob(f"*-{self.number}.log")]
        return "\n".join([shown, *logs, *daemons])


@pytest.fixture(scope="session", name="wait_for")
def wait_for_fixture() -> Callable[..., Any]:
    """Waits until a condition holds."""
    return wait_for


@pytest.fixture(scope="module")
def cluster() -> Iterator[Cluster]:
    """Two nodes of four CPUs."""
    scrubbed = ("OMPI_COMM_WORLD", "PMIX_", "PMI_", "SLURM")
    environment = {name: value for name, value in os.environ.items() if not name.startswith(scrubbed)}
    with tempfile.TemporaryDirectory(prefix="slurm-") as scratch:
        folder = Path(scratch) / "cluster"
        up = subprocess.run([SCRIPTS / "up", "--nodes", "2", folder], stdout=subprocess.PIPE, text=True, timeout=120)
        assert up.returncode == 0
        assert up.stdout == f"export SLURM_CONF={folder}/slurm.conf\n"
        try:
            yield Cluster(folder, environment | {"SLURM_CONF": f"{folder}/slurm.conf"})
        finally:
            subprocess.run([SCRIPTS / "down", folder], check=True, timeout=120)
