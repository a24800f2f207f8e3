"""Runs that end before their time: killed, interrupted, a rank lost, the disk full. Finished steps stay readable."""

import resource
import signal
import time

import h5py
import numpy as np
import psutil
import pytest

LONG = 20_000.0
"""ms; far more than any of these runs may reach."""


@pytest.fixture
def running(tiny, tools, start):
    """Starts a long run in the background and returns once some steps are on disk."""

    def start_and_wait(ranks=1):
        folder = tiny(tools["duration"](LONG))
        process = start(folder, ranks)
        deadline = time.monotonic() + 120
        while process.poll() is None and time.monotonic() < deadline:
            if written(folder) > 150:
                return folder, process
            time.sleep(0.3)
        process.kill()
        raise AssertionError(process.communicate()[0])

    return start_and_wait


def written(folder):
    """Number of the last step on disk; -1 before there is any."""
    file = folder.results / "atpi.h5"
    try:
        with h5py.File(file) as opened:
            return int(opened["report/neurons/data"].attrs["last_written_step"])
    except (OSError, KeyError):
        return -1  # not there yet, or just being written


def assert_finished_steps_are_kept(folder):
    _, atp = folder.report("atpi")
    assert np.isfinite(atp[:150]).all()
    assert np.isnan(atp[-1]).all()
    assert len(folder.spikes()) > 0
    assert not (folder.results / ".SUCCESS").exists()
    shown = folder.command("stats", "--results")
    assert shown.returncode == 0
    assert "not finished: steps that were not reached are NaN" in shown.stdout


def test_killed(running):
    folder, process = running()
    process.send_signal(signal.SIGKILL)
    process.wait(timeout=30)
    assert_finished_steps_are_kept(folder)


def test_interrupted_by_ctrl_c(running):
    folder, process = running()
    process.send_signal(signal.SIGINT)
    output, _ = process.communicate(timeout=30)
    assert process.returncode == 130
    assert "Interrupted." in output and "Traceback" not in output
    assert_finished_steps_are_kept(folder)


def test_a_second_run_in_the_same_folder_is_refused(running):
    folder, _ = running()
    refused = folder.compute()
    assert refused.returncode == 2
    assert "another run is writing its results there" in refused.stdout
    assert written(folder) > 150


def test_a_lost_rank_ends_the_job(running):
    folder, process = running(ranks=2)
    ranks = [child for child in psutil.Process(process.pid).children() if "compute" in child.cmdline()]
    assert len(ranks) == 2
    ranks[1].send_signal(signal.SIGKILL)
    process.communicate(timeout=10)
    assert process.returncode != 0
    assert_finished_steps_are_kept(folder)


def test_full_disk(tiny, tools):
    """A limit on the size of files stands for the disk; reports reserve their room before the run begins."""
    folder = tiny(tools["duration"](LONG))
    limit = 20_000_000
    done = folder.compute(preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit)))
    assert done.returncode == 2, done.stdout
    assert str(folder.results) in done.stdout
    assert "Traceback" not in done.stdout


def test_results_folder_that_cannot_be_made(tiny):
    folder = tiny()
    folder.results.write_text("a file where the folder should be")
    done = folder.compute()
    assert done.returncode == 2, done.stdout
    assert str(folder.results) in done.stdout
    assert "Traceback" not in done.stdout
    assert folder.results.read_text() == "a file where the folder should be"
