"""Runs that are stopped, killed or lost and go on from a checkpoint: the same bits as those of a run in one go."""

from __future__ import annotations

import itertools
import json
import random
import shutil
import signal
import subprocess
import time

import h5py
import numpy as np
import psutil
import pytest

MS = 400.0
EVERY = "--checkpoint-every=25"
KILLS = 20


def kill(process):
    """Kill every rank, without any warning."""
    ranks = [child for child in psutil.Process(process.pid).children() if "compute" in child.cmdline()]
    for rank in ranks or [process]:
        rank.send_signal(signal.SIGKILL)
    process.communicate(timeout=30)


def wait_for(condition, process, seconds=120):
    deadline = time.monotonic() + seconds
    while not condition():
        assert process.poll() is None, process.communicate()[0]
        assert time.monotonic() < deadline
        time.sleep(0.001)


@pytest.mark.slow
@pytest.mark.parametrize("ranks", [1, 2])
def test_killed_at_random_moments(tiny, tools, compare, start, ranks):
    began = time.monotonic()
    whole = tiny(tools["duration"](MS), name="whole").computed(ranks=ranks)
    longest_life = time.monotonic() - began
    chance, attempts = random.Random(ranks), itertools.count()
    kills, folder = 0, tiny(tools["duration"](MS), name=f"killed-{next(attempts)}")
    while kills < KILLS // 2:
        process = start(folder, ranks, EVERY, *(["--resume"] if folder.checkpoints() else []))
        try:
            process.communicate(timeout=chance.uniform(0.2, 1.0) * longest_life)
        except subprocess.TimeoutExpired:
            kill(process)
            kills += 1
            continue
        assert process.returncode == 0
        compare(whole, folder)
        folder = tiny(tools["duration"](MS), name=f"killed-{next(attempts)}")
    last = start(folder, ranks, EVERY, *(["--resume"] if folder.checkpoints() else []))
    output, _ = last.communicate(timeout=120)
    assert last.returncode == 0, output
    compare(whole, folder)


def test_killed_while_a_checkpoint_is_written(tiny, tools, compare, start):
    whole = tiny(tools["duration"](200.0), name="whole").computed()
    for attempt in range(5):
        folder = tiny(tools["duration"](200.0), name=f"killed-{attempt}")
        process = start(folder, 1, EVERY)
        wait_for(lambda folder=folder: folder.checkpoints(), process)
        wait_for(lambda folder=folder: list((folder.results / "checkpoints").glob("*.part")), process)
        kill(process)
        if list((folder.results / "checkpoints").glob("*.part")):
            break
    else:
        pytest.fail("no kill hit the writing of a checkpoint")
    done = folder.command("compute", "--resume", EVERY)
    assert done.returncode == 0, done.stdout
    compare(whole, folder)
    assert not list((folder.results / "checkpoints").glob("*.part"))


@pytest.mark.parametrize("stop", [signal.SIGTERM, signal.SIGUSR2])
def test_stopped_by_a_signal(tiny, tools, compare, start, stop):
    whole = tiny(tools["duration"](200.0), name="whole").computed()
    folder = tiny(tools["duration"](200.0), name="stopped")
    process = start(folder)
    wait_for(lambda: folder.has_begun(), process)
    process.send_signal(stop)
    output, _ = process.communicate(timeout=30)
    assert process.returncode == 128 + signal.SIGTERM, output
    assert f"by {stop.name}; continue with: multiscale-run compute --resume" in output
    assert "Traceback" not in output
    assert len(folder.checkpoints()) == 1
    assert not (folder.results / ".SUCCESS").exists()
    done = folder.command("compute", "--resume")
    assert done.returncode == 0, done.stdout
    compare(whole, folder)


def test_sigusr1_asks_for_a_checkpoint_of_all_ranks(tiny, tools, start):
    folder = tiny(tools["duration"](MS))
    process = start(folder, 2)
    wait_for(lambda: folder.has_begun(), process)
    process.send_signal(signal.SIGUSR1)  # mpirun passes it on
    output, _ = process.communicate(timeout=60)
    assert process.returncode == 0, output
    (name,) = folder.checkpoints()
    assert len(list((folder.results / "checkpoints" / name).glob("rank-*.npz"))) == 2


def test_continue_does_what_is_left(tiny, tools, compare):
    folder = tiny(tools["duration"](100.0), name="folder")
    both = folder.command("compute", "--resume", "--continue")
    assert both.returncode == 2 and "--resume and --continue exclude each other" in both.stdout
    first = folder.command("compute", "--continue", "--checkpoint-every", "50")
    assert first.returncode == 0 and "resuming" not in first.stdout
    again = folder.command("compute", "--continue")
    assert again.returncode == 0 and "nothing to do: the results of this simulation are in" in again.stdout
    (folder.results / ".SUCCESS").unlink()
    resumed = folder.command("compute", "--continue")
    assert resumed.returncode == 0 and "resuming at 50 ms" in resumed.stdout
    folder.configure(lambda settings: settings["run"].update(random_seed=77))
    changed = folder.command("compute", "--continue")
    assert changed.returncode == 2 and "another configuration, circuit or mechanisms" in changed.stdout
    shutil.rmtree(folder.results / "checkpoints")
    anew = folder.command("compute", "--continue")
    assert anew.returncode == 0 and "nothing to do" not in anew.stdout, "the results are those of the old configuration"


def test_the_end_is_kept_if_asked_for(tiny, tools):
    folder = tiny(tools["duration"](100.0))
    assert folder.command("compute", "--checkpoint-at-end").returncode == 0
    assert folder.checkpoints() == ["tick-000000004000"]
    again = folder.command("compute", "--resume")
    assert again.returncode == 0 and "resuming at 100 ms" in again.stdout
    assert (folder.results / ".SUCCESS").exists()


def test_excluded_neurons_stay_excluded(tiny, tools, compare, start):
    """The alive mask, its reasons and the masked reports are part of the state."""

    def some_fail(settings):
        check = {"name": "nai", "kwargs": {"hb": 10.02}, "response": "exclude_neuron"}
        settings["multiscale_run"]["metabolism"]["checks"] = {"vm": {"na_c_n": check}}

    changes = tools["duration"](300.0), some_fail
    whole = tiny(*changes, name="whole").computed()
    assert np.isnan(whole.report("metabolism_atp_after_sync")[1][-1]).any()
    folder = tiny(*changes, name="killed")
    process = start(folder, 1, "--checkpoint-every=100")
    wait_for(lambda: "tick-000000008000" in folder.checkpoints(), process)
    kill(process)
    assert folder.command("compute", "--resume").returncode == 0
    compare(whole, folder)


def test_what_cannot_be_resumed_is_explained(tiny, tools):
    folder = tiny(tools["duration"](100.0))
    nothing = folder.command("compute", "--resume")
    assert nothing.returncode == 2
    assert "there is no checkpoint to resume from; leave out --resume" in nothing.stdout
    assert folder.command("compute", "--checkpoint-every", "50").returncode == 0
    before = {path.name: path.stat().st_mtime_ns for path in folder.results.glob("*.h5")}

    ranks = tools["launch"]("compute", "--resume", folder.path, ranks=2)
    assert ranks.returncode == 2
    assert "written by 1 ranks and cannot be read by 2; resume with -n 1" in ranks.stdout

    seed = json.loads((folder.path / "simulation_config.json").read_text())["run"]["random_seed"]
    folder.configure(lambda settings: settings["run"].update(random_seed=77))
    other_seed = folder.command("compute", "--resume")
    folder.configure(lambda settings: settings["run"].update(random_seed=seed))
    assert "nothing to do" in folder.command("compute", "--continue").stdout, "it is the first run's again"
    with h5py.File(folder.path / "circuit" / "nodes" / "neurons.h5", "r+") as file:
        file["nodes/neurons/0/x"][0] += 0.5
    other_circuit = folder.command("compute", "--resume")
    for changed in (other_seed, other_circuit):
        assert changed.returncode == 2
        assert "another configuration, circuit or mechanisms" in changed.stdout
    assert before == {path.name: path.stat().st_mtime_ns for path in folder.results.glob("*.h5")}, "nothing is lost"


def test_a_damaged_checkpoint_gives_way_to_the_one_before(tiny, tools, compare):
    whole = tiny(tools["duration"](200.0), name="whole").computed()
    folder = tiny(tools["duration"](200.0), name="damaged")
    assert folder.command("compute", "--checkpoint-every", "50").returncode == 0
    newest = folder.results / "checkpoints" / folder.checkpoints()[-1]
    data = newest / "rank-00000.npz"
    data.write_bytes(data.read_bytes()[:1000])
    done = folder.command("compute", "--resume")
    assert done.returncode == 0, done.stdout
    assert "the checkpoint at tick 6000" in done.stdout and "resuming at 100 ms" in done.stdout
    compare(whole, folder)


def test_a_new_run_forgets_the_checkpoints_of_the_old_one(tiny, tools):
    folder = tiny(tools["duration"](100.0))
    assert folder.command("compute", "--checkpoint-at-end").returncode == 0
    assert folder.command("compute").returncode == 0
    assert not folder.checkpoints()
    manifest = json.dumps(sorted(path.name for path in folder.results.iterdir()))
    assert "checkpoints" not in manifest
