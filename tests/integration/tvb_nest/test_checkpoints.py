"""A whole brain that was stopped or killed goes on with the same bits; what cannot be continued is refused."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time

import numpy as np
import pytest

PROGRAM = [sys.executable, "-m", "tvb_nest"]
ALONE = {"co-simulation": False, "id_region_nest": [], "nb_MPI_nest": 0}
MONITORS = {
    "save_time": 35.0,
    "Raw": False,
    "TemporalAverage": True,
    "Bold": True,
}
LONG, SHORT = 100_000.0, 400.0


def start(*words):
    return subprocess.Popen([*PROGRAM, *map(str, words)], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)


def finish(process, code=0):
    output, _ = process.communicate(timeout=200)
    assert process.returncode == code, output
    return output


@pytest.fixture
def make(tmp_path):
    def write(name, end, **co_simulation):
        folder = tmp_path / name
        finish(start("init", "--example", "two-regions", folder))
        file = folder / "parameter.json"
        document = json.loads(file.read_text()) | {"end": end}
        document["param_co_simulation"].update(ALONE | co_simulation)
        document["param_tvb_monitor"] = MONITORS
        file.write_text(json.dumps(document))
        return folder

    return write


def wait_for(path, process):
    deadline = time.monotonic() + 120
    while not path.exists():
        assert process.poll() is None and time.monotonic() < deadline
        time.sleep(0.02)


def assert_same(one, other):
    files = sorted(path.name for path in (one / "tvb").glob("*.npy"))
    assert files == sorted(path.name for path in (other / "tvb").glob("*.npy")) and len(files) > 5
    for name in files:
        expected, found = (np.load(folder / "tvb" / name, allow_pickle=True) for folder in (one, other))
        for monitor, same in zip(expected, found, strict=True):
            assert [row[0] for row in monitor] == [row[0] for row in same]
            for row, twin in zip(monitor, same, strict=True):
                np.testing.assert_array_equal(row[1], twin[1])
    summaries = [json.loads((folder / "summary.json").read_text()) for folder in (one, other)]
    assert summaries[0]["rate_excitatory_brain_Hz"] == summaries[1]["rate_excitatory_brain_Hz"]


def test_a_killed_brain_goes_on_with_the_same_bits(make):
    whole, killed = make("whole", 4100.0), make("killed", 4100.0)
    finish(start("run", whole))
    process = start("run", "--checkpoint-every", 40, killed)
    wait_for(killed / "checkpoints" / "tick-000000000800", process)  # 80 ms
    process.send_signal(signal.SIGKILL)
    process.communicate(timeout=60)
    assert not (killed / ".SUCCESS").exists()
    output = finish(start("run", "--resume", killed))
    assert "resuming at" in output and "4100 ms computed" in output
    assert_same(whole, killed)


def test_another_model_and_its_sensors_go_on_with_the_same_bits(make):
    """The second run is continued from before its end, with the noise of the model and that of the sensors."""
    own = {"brain": "reference", "tvb_model": "WilsonCowan", "tvb_coupling_parameters": {"a": 0.4}, "EEG": True}
    noise = {"tvb_integrator": "HeunStochastic", "tvb_noise": {"E": 1e-5}, "tvb_noise_correlation": 3.0}
    folders = make("whole", 300.0), make("continued", 300.0)
    for folder in folders:
        file = folder / "parameter.json"
        document = json.loads(file.read_text())
        document["param_tvb_nest"].update({**own, **noise, "parameter_EEG": {"sigma_noise": 1.0}})
        document["param_tvb_monitor"] = {"Raw": True, "save_time": 35.0}
        file.write_text(json.dumps(document))
    finish(start("run", folders[0]))
    finish(start("run", "--checkpoint-every", 140, folders[1]))
    (folders[1] / "tvb" / "step_8.npy").unlink()  # from 280 ms on
    assert "resuming at 280 ms" in finish(start("run", "--resume", folders[1]))
    samples = [load(folder / "tvb" / "step_8.npy") for folder in folders]
    assert len(samples[0]) > 100
    for row, twin in zip(*samples, strict=True):
        np.testing.assert_array_equal(row, twin)


def load(path):
    """The states of all monitors in a file, one after the other."""
    return [np.asarray(state) for monitor in np.load(path, allow_pickle=True) for _, state in monitor]


def test_sigterm_stops_with_a_checkpoint_and_sigusr1_only_writes_one(make):
    folder = make("stopped", LONG)
    process = start("run", folder)
    wait_for(folder / "tvb" / "step_0.npy", process)
    process.send_signal(signal.SIGUSR1)
    wait_for(folder / "checkpoints", process)
    process.send_signal(signal.SIGTERM)
    output = finish(process, code=128 + signal.SIGTERM)
    assert f"continue with: tvb-nest run --resume {folder}" in output and "Traceback" not in output
    assert sorted((folder / "checkpoints").glob("tick-*[0-9]"))


def test_a_second_run_in_the_same_folder_is_refused(make):
    folder = make("shared", LONG)
    first = start("run", folder)
    wait_for(folder / "tvb" / "step_0.npy", first)
    output = finish(start("run", folder), code=2)
    assert f"{folder}: another run is writing its results there; wait for it or stop it" in output
    assert first.poll() is None and (folder / "tvb" / "step_0.npy").exists(), "the first is not disturbed"
    first.kill()
    first.communicate(timeout=60)


def test_a_checkpoint_of_other_parameters_is_refused(make):
    folder = make("changed", SHORT)
    finish(start("run", "--checkpoint-every", 100, folder))
    file = folder / "parameter.json"
    document = json.loads(file.read_text())
    document["param_tvb_integrator"]["tau_OU"] = 7.0
    file.write_text(json.dumps(document))
    output = finish(start("run", "--resume", folder), code=2)
    assert "checkpoints" in output and "Traceback" not in output
    assert (folder / "tvb" / "step_0.npy").exists(), "nothing is lost"


def test_without_a_checkpoint_nothing_is_resumed(make):
    assert "there is no checkpoint to resume from" in finish(start("run", "--resume", make("new", SHORT)), code=2)


@pytest.mark.parametrize("option", [["--resume"], ["--checkpoint-every", "50"]])
def test_a_co_simulation_has_no_checkpoints(make, option):
    folder = make("both", SHORT, **{"co-simulation": True, "id_region_nest": [9, 47], "nb_MPI_nest": 1})
    output = finish(start("run", *option, folder), code=2)
    assert "NEST cannot save its state, so co-simulation has no checkpoints" in output
    assert not (folder / "nest").exists()


def test_a_new_run_removes_the_checkpoints_of_the_last_one(make):
    folder = make("again", SHORT)
    finish(start("run", "--checkpoint-every", 100, folder))
    assert (folder / "checkpoints").exists()
    finish(start("run", folder))
    assert not (folder / "checkpoints").exists()
