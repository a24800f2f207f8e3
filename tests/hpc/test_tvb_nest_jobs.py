"""tvb-nest on a real SLURM: two programs as one step, by srun --multi-prog, and explorations as arrays of jobs."""

from __future__ import annotations

import csv
import json
import os
import subprocess
import sys

import numpy as np
import pytest

END_MS = 50.0


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """Makes short co-simulations, each with the job script that `init` writes for some options."""

    def make(name, *options):
        folder = tmp_path_factory.mktemp("jobs") / name
        command = [sys.executable, "-m", "tvb_nest", "init", "--example", "two-regions", *options, folder]
        done = subprocess.run(command, capture_output=True, text=True, timeout=300)
        assert done.returncode == 0, done.stderr
        file = folder / "parameter.json"
        parameters = json.loads(file.read_text())
        file.write_text(json.dumps(parameters | {"end": END_MS}))
        return folder

    return make


@pytest.fixture(scope="module")
def whole(made, tools):
    """A run by mpirun."""
    folder = made("whole")
    command = [sys.executable, "-m", "tvb_nest", "run", "--launcher", "mpirun", folder]
    environment = os.environ | tools["mpi_environment"]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=600)
    assert done.returncode == 0, done.stderr
    return folder


def content(folder):
    """What a run has computed, by file."""
    found = {path.name: path.read_bytes() for path in sorted((folder / "nest").glob("*.dat"))}
    for path in sorted((folder / "tvb").glob("step_*.npy")):
        for number, monitor in enumerate(np.load(path, allow_pickle=True)):
            rows = [(time, *np.ravel(state)) for time, state in monitor]
            found[f"{path.name}:{number}"] = np.array(rows, dtype=float).tobytes()
    return found


def assert_same(one, other):
    expected, found = content(one), content(other)
    assert len(expected) > 2 and list(found) == list(expected)
    for name, values in expected.items():
        assert found[name] == values, name


def test_the_same_bits_as_by_mpirun_and_not_again(cluster, made, whole):
    folder = made("job", "--site", "loopback")
    job = cluster.submit(folder)
    job.succeed()
    assert (folder / ".SUCCESS").exists()
    assert not list(folder.glob(".job-*")), "files of srun are removed"
    assert_same(whole, folder)
    again = cluster.submit(folder)
    again.succeed()
    assert "nothing to do: the results of this simulation are in" in again.log
    parameters = json.loads((folder / "parameter.json").read_text())
    (folder / "parameter.json").write_text(json.dumps(parameters | {"end": END_MS + 10}))
    changed = cluster.submit(folder)
    changed.succeed()
    assert "60 ms computed" in changed.log


def test_a_side_on_each_of_two_nodes(cluster, made, whole):
    folder = made("nodes", "--nodes", "2", "--ntasks-per-node", "1")
    job = cluster.submit(folder)
    job.succeed()
    assert job["NodeList"] == "n[1-2]"
    assert_same(whole, folder)


def test_cancelled(cluster, made, wait_for):
    folder = made("long")
    parameters = json.loads((folder / "parameter.json").read_text())
    (folder / "parameter.json").write_text(json.dumps(parameters | {"end": 1e6}))
    job = cluster.submit(folder)
    wait_for(lambda: (folder / "nest").is_dir(), "the run has begun", job.describe)
    cluster.run("scancel", job.number)
    assert job.wait() == "CANCELLED"
    assert not (folder / ".SUCCESS").exists()


def test_an_exploration_as_an_array_of_jobs(cluster, made):
    folder = made("grid")
    options = ["timeout_min=10", "cpus_per_task=2", "mem_gb=1"]
    command = [sys.executable, "-m", "tvb_nest", "explore", folder, "--vary", "param_nest_connection.g=8,10", "--slurm"]
    cluster.run(*command, *(word for option in options for word in ("--slurm-option", option)))
    with (folder / "exploration" / "summary.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 2
    for row in rows:
        assert float(row["rate_excitatory_brain_Hz"]) > 0, row
    assert len(list((folder / "exploration" / "slurm").glob("*_submission.sh"))) == 1
