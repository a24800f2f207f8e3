"""The second exchange path: NEST in processes of its own, through its MPI backends.

Needs scripts/setup --with-nest-mpi. Whole co-simulations are in test_co_simulation.py.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import psutil
import pytest
from numpy.testing import assert_array_equal

pytestmark = [pytest.mark.nest_mpi, pytest.mark.timeout(120)]

MATRIX = Path(__file__).with_name("backend_matrix.py")
RANKS = pytest.mark.parametrize("ranks", [1, 2])


@pytest.fixture
def processes(environment):
    """Starts programs, of which nothing is left behind: ``processes(*words)``."""
    started = []

    def start(*words):
        pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "text": True}
        started.append(subprocess.Popen([sys.executable, *map(str, words)], env=environment, **pipes))
        return started[-1]

    yield start
    for process in started:
        family = []
        if process.poll() is None:
            family = [process, *psutil.Process(process.pid).children(recursive=True)]
        for member in family:
            member.kill()
        process.communicate()


@pytest.fixture
def matrix(tmp_path, processes):
    """``matrix(name, **arguments)`` returns what the program found."""

    def run(name, **arguments):
        result = tmp_path / f"{name}.npz"
        process = processes(MATRIX, name, result, json.dumps(arguments))
        output, _ = process.communicate(timeout=60)
        assert process.returncode == 0, output
        with np.load(result) as found:
            return dict(found)

    return run


@RANKS
def test_currents_and_spikes_in_and_out(matrix, ranks):
    """Tests 1.1 to 1.9 of the original, with values: every device beside one that has the same data in memory."""
    found = matrix("matrix", ranks=ranks)
    for what, least in (("spikes", 300), ("potentials", 6 * 5990)):
        through_mpi, in_memory = found[f"mpi {what}"], found[f"memory {what}"]
        assert in_memory.shape[1] >= least
        assert_array_equal(through_mpi, in_memory)
    parrots = found["mpi spikes"][:, found["mpi spikes"][0] >= 6]
    assert parrots.shape[1] > 6 * 3 * 20
    # the currents are felt, too: the potentials differ between generators and in time
    assert np.ptp(found["mpi potentials"][2]) > 5.0


def test_with_threads_nest_feeds_the_first_only(matrix):
    """Why a process has one thread. If this fails NEST has corrected it."""
    found = matrix("matrix", ranks=1, threads=2)
    assert found["memory spikes"].shape[1] > 300
    assert found["mpi spikes"].shape[1] < found["memory spikes"].shape[1]


def test_nest_prepares_its_recorder_once(matrix):
    """Why recordings for files go to files. If this fails NEST has corrected it."""
    assert "Backend RecordingBackendMPI may not be prepare()'d multiple times" in str(
        matrix("second_prepare")["refused"]
    )


def test_rates_go_through_the_backend_once(processes, tmp_path):
    """Why rates come with the order to run. If this fails NEST has corrected it."""
    process = processes(MATRIX, "second_rates", tmp_path / "nothing.npz", "{}")
    output, _ = process.communicate(timeout=60)
    assert process.returncode != 0
    assert int(output.split("first window:")[1].split()[0]) > 15_000
    # NEST throws where nobody can catch it, and the process is gone
    assert "Time points must lie strictly in the future" in output
    assert "process 0 of NEST" in output


def test_wrong_order_of_farewell_never_ends(processes, tmp_path):
    """To disconnect is collective: the recorder's port comes first. If this fails NEST has changed its order."""
    process = processes(MATRIX, "wrong_farewell", tmp_path / "nothing.npz", "{}")
    assert process.stdout.readline() == "leaving\n"
    with pytest.raises(subprocess.TimeoutExpired):
        process.wait(5)


def same_as_in_memory(scenario, tmp_path, name, ranks, **arguments):
    """Run in memory with threads and through MPI with processes; both must give the same spikes and files."""
    runs = []
    for where in ({"threads": ranks}, {"ranks": ranks}):
        folder = tmp_path / next(iter(where))
        found = scenario(name, folder=str(folder), **where, **arguments)
        runs.append((found, {file.name: file.read_text() for file in sorted(folder.iterdir())}))
    (in_memory, memory_files), (through_mpi, mpi_files) = runs
    assert len(in_memory["times"]) > 50
    assert sum(len(text.splitlines()) for text in memory_files.values()) > 300
    for key, values in in_memory.items():
        assert_array_equal(through_mpi[key], values, err_msg=key)
    assert mpi_files == memory_files


@RANKS
def test_rates_give_the_spikes_of_the_other_path(scenario, tmp_path, ranks):
    """Bit for bit, files too, with everything random that NEST has; windows of different length."""
    same_as_in_memory(scenario, tmp_path, "windows", ranks, windows=[20] * 15 + [7, 35, 3])


@RANKS
def test_spikes_give_the_spikes_of_the_other_path(scenario, tmp_path, ranks):
    """The generators are cleared every 50 windows, so there are more."""
    same_as_in_memory(scenario, tmp_path, "spikes_into_neurons", ranks, windows=[10] * 60)


@RANKS
def test_given_spikes_arrive_one_by_one(scenario, ranks):
    found = scenario("spikes_in", ranks=ranks)
    sent = found["sent_steps"] + 4 <= 500
    assert sent.sum() > 1000
    assert_array_equal(np.rint(found["times"] / 0.1), found["sent_steps"][sent] + 4)
    assert_array_equal(found["neurons"], found["sent_neurons"][sent])
    assert_array_equal(found["regions"], found["sent_regions"][sent])


@RANKS
def test_errors_of_the_workers_are_ours(scenario, tmp_path, ranks):
    errors = json.loads(str(scenario("spawned_errors", ranks=ranks, folder=str(tmp_path))["errors"]))
    expected = {
        "model": "UserError: neuron_type: NEST has no model 'aeif_cnd'; did you mean aeif_cond_",
        "value": "UserError: excitatory parameters: NEST refuses them: ",
        "own threads": f"UserError: own model {tmp_path}/own.py: kernel() set 2 threads, but NEST's MPI",
        "own simulate": f"UserError: own model {tmp_path}/own.py, line 3: simulate() failed: ZeroDivisionError",
        "no rates": "RuntimeError: there are input rates up to step 0 only, not up to 10",
        "negative": "UserError: the brain's input to region 3 is -2.0 Hz at 0.2 ms",
        "inside a slice": "UserError: a window ended at 0.7 ms, but only the last one may be no multiple of NEST's ",
    }
    assert set(errors) == set(expected)
    for name, start in expected.items():
        assert errors[name].startswith(start), errors[name]
