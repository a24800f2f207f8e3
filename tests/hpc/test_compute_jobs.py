"""simulation.sbatch of multiscale-run on a real SLURM: to its end, out of time, cancelled, requeued, on two nodes."""

from __future__ import annotations

import shutil
import signal
import subprocess
import time
from pathlib import Path

import pytest

MS = 400.0
RANKS = 2


@pytest.fixture(scope="module")
def made(tiny_template, tools, tmp_path_factory):
    """Makes small simulations, each with the job script that `init` writes for some options."""

    def make(name, *options):
        folder = tmp_path_factory.mktemp("jobs") / name
        if options:
            done = tools["launch"]("init", "--no-check", *options, folder)
            assert done.returncode == 0, done.stdout
        else:
            shutil.copytree(tiny_template, folder)
        return tools["SimulationFolder"](folder).configure(small(tools))

    return make


def small(tools):
    """Neurons and metabolism, which exchange every 25 ms."""

    def change(settings):
        tools["duration"](MS)(settings)
        settings["multiscale_run"] |= {"with_steps": False, "with_bloodflow": False}
        settings["multiscale_run"]["metabolism"]["ndts"] = 1000

    return change


@pytest.fixture(scope="module")
def whole(made):
    """A run in one go, by mpirun."""
    return made("whole").computed(ranks=RANKS)


@pytest.fixture
def held(wait_for):
    """Waits until a job computes and stops its processes there, so that what follows meets it on its way."""

    def hold(job, folder, ready=lambda folder: folder.has_begun()):
        wait_for(lambda: len(job.ranks()) == RANKS, "the ranks run", job.describe)
        ranks = job.ranks()
        wait_for(lambda: ready(folder), "the run has begun", job.describe)
        for rank in ranks:
            rank.suspend()
        assert not (folder.results / ".SUCCESS").exists(), "too late"
        return ranks

    return hold


def go_on(ranks):
    for rank in ranks:
        rank.resume()


def has_pending(process, number):
    """Whether a signal waits for a process that is stopped."""
    status = Path(f"/proc/{process.pid}/status").read_text()
    masks = [int(line.split()[1], 16) for line in status.splitlines() if line.startswith(("SigPnd", "ShdPnd"))]
    return any(mask >> (number - 1) & 1 for mask in masks)


def test_to_the_end_and_not_again(cluster, made, whole, compare):
    folder = made("plain")
    job = cluster.submit(folder.path)
    job.succeed()
    assert (folder.results / ".SUCCESS").exists() and len(folder.spikes()) > 0
    compare(whole, folder)
    before = {path.name: path.stat().st_mtime_ns for path in folder.results.glob("*.h5")}
    again = cluster.submit(folder.path)
    again.succeed()
    assert "nothing to do: the results of this simulation are in" in again.log
    assert before == {path.name: path.stat().st_mtime_ns for path in folder.results.glob("*.h5")}


def test_watched_from_the_queue_to_its_end(cluster, made, tools, whole, compare):
    folder = made("watched")
    job = cluster.submit(folder.path, "--hold")
    command = [tools["program"], "watch", "--every", "0.2", folder.path]
    follower = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    try:
        time.sleep(3)
        assert follower.poll() is None, "it waits"
        cluster.run("scontrol", "release", job.number)
        job.succeed()
        printed, _ = follower.communicate(timeout=60)
    finally:
        follower.kill()
    assert follower.returncode == 0, printed
    assert printed.startswith("waiting: there are no results yet\n") and "running" in printed
    assert printed.splitlines()[-1].startswith(f"finished: {MS:g} ms; ")
    compare(whole, folder)


def test_out_of_time(cluster, made, whole, compare, held, wait_for):
    """SLURM's own warning: checkpoint, back into the queue, on from there."""
    folder = made("short", "--site", "loopback")
    job = cluster.submit(folder.path)
    ranks = held(job, folder)
    job.update(TimeLimit=1)
    waiting = lambda: all(has_pending(rank, signal.SIGUSR2) for rank in ranks)  # noqa: E731
    wait_for(waiting, "SLURM's warning has come", job.describe)
    go_on(ranks)
    job.wait_for_restart()
    assert len(folder.checkpoints()) == 1 and not (folder.results / ".SUCCESS").exists()
    job.succeed()
    assert "stopped at" in job.log and "by SIGUSR2" in job.log
    assert "start 2" in job.log and "resuming at" in job.log
    compare(whole, folder)


def test_cancelled(cluster, made, whole, compare, held):
    folder = made("cancelled")
    job = cluster.submit(folder.path)
    ranks = held(job, folder)
    cluster.run("scancel", job.number)
    go_on(ranks)
    assert job.wait() == "CANCELLED"
    assert job["Restarts"] == "0", "what a user cancels must not come back"
    assert len(folder.checkpoints()) == 1 and not (folder.results / ".SUCCESS").exists()
    second = cluster.submit(folder.path)
    second.succeed()
    assert "resuming at" in second.log
    compare(whole, folder)


def test_a_node_fails(cluster, made, whole, compare, held):
    """No time for a checkpoint; the last regular one counts."""
    folder = made("node", "--checkpoint-every", "25")
    job = cluster.submit(folder.path)
    ranks = held(job, folder, ready=lambda folder: folder.checkpoints())
    kept = folder.checkpoints()
    # SLURM takes the job from the node, and the node back when it hears that its slurmd is alive
    cluster.run("scontrol", "update", f"NodeName={job['NodeList']}", "State=DOWN", "Reason=test")
    for rank in ranks:
        rank.kill()
    job.wait_for_restart()
    assert folder.checkpoints() == kept
    job.succeed()
    assert "start 2" in job.log and "resuming at" in job.log
    compare(whole, folder)


def test_another_job_goes_first(cluster, made, whole, compare, held):
    """What preemption does: SLURM ends the job and puts it back itself."""
    folder = made("preempted")
    job = cluster.submit(folder.path)
    ranks = held(job, folder)
    cluster.run("scontrol", "requeue", job.number)
    go_on(ranks)
    job.wait_for_restart()
    assert len(folder.checkpoints()) == 1
    job.succeed()
    assert "resuming at" in job.log
    compare(whole, folder)


def test_two_nodes(cluster, made, whole, compare):
    folder = made("nodes", "--nodes", "2", "--ntasks-per-node", "1")
    job = cluster.submit(folder.path)
    job.succeed()
    assert job["NodeList"] == "n[1-2]" and "on n[1-2], start 1" in job.log
    compare(whole, folder)


def test_mpirun_in_the_allocation(cluster, made, whole, compare, held, tmp_path):
    """A site of one's own, whose MPI srun cannot start."""
    site = tmp_path / "mpirun.toml"
    loopback = (Path(__file__).parents[2] / "mpi_coupling" / "slurm" / "sites" / "loopback.toml").read_text()
    site.write_text(f'launcher = "mpirun"\n{loopback}')
    folder = made("mpirun", "--site", str(site))
    job = cluster.submit(folder.path)
    ranks = held(job, folder)
    cluster.run("scancel", "--batch", "--signal=USR2", job.number)
    go_on(ranks)
    job.wait_for_restart()
    assert len(folder.checkpoints()) == 1
    job.succeed()
    compare(whole, folder)


def test_failure_is_the_jobs(cluster, made):
    folder = made("wrong").configure(lambda settings: settings["multiscale_run"].update(with_stepps=True))
    job = cluster.submit(folder.path)
    assert job.wait() == "FAILED"
    assert job["ExitCode"] == "2:0" and job["Restarts"] == "0"
    assert 'did you mean "with_steps"?' in job.log
