"""The whole program with the real engines: modes, the same bits serially and in parallel, lost processes, errors."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import psutil
import pytest

pytestmark = pytest.mark.skipif(
    find_spec("nest") is None or find_spec("tvb_data") is None,
    reason="NEST or tvb-data is not installed: scripts/setup",
)

PROGRAM = [sys.executable, "-m", "tvb_nest"]
END = 100.0
DEADLINE = 10.0
"""s within which a job must end when one of its processes is lost."""


def launch(tools, *words, **options):
    """Run ``tvb-nest``; output and errors together."""
    clean = {k: v for k, v in os.environ.items() if not k.startswith(("OMPI_COMM_WORLD", "PMIX_", "PMI_"))}
    return subprocess.Popen(
        [*options.pop("launcher", []), *PROGRAM, *map(str, words)],
        env=clean | tools["mpi_environment"],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        **options,
    )


def completed(tools, *words, code=0, **options):
    process = launch(tools, *words, **options)
    output, _ = process.communicate(timeout=200)
    assert process.returncode == code, output
    return output


@pytest.fixture
def make(tools, tmp_path):
    """Writes the two-regions example, shortened, with other values at some places."""

    def write(name="simulation", **sections):
        folder = tmp_path / name
        completed(tools, "init", "--example", "two-regions", folder)
        file = folder / "parameter.json"
        document = json.loads(file.read_text()) | {"end": END}
        for section, values in sections.items():
            document.setdefault(section, {}).update(values)
        file.write_text(json.dumps(document))
        return folder

    return write


def contents(folder):
    """What a run wrote, by file; of the brain the arrays, as pickles hold more than those."""
    found = {path.name: path.read_text() for path in sorted((folder / "nest").glob("*"))}
    for path in sorted((folder / "tvb").glob("*.npy")):
        monitors = np.load(path, allow_pickle=True)
        found[path.name] = np.concatenate([np.append(state.ravel(), when) for when, state in monitors[0]])
    return found


def assert_same(one, other):
    expected, found = contents(one), contents(other)
    assert list(found) == list(expected)
    for name, content in expected.items():
        np.testing.assert_array_equal(found[name], content, err_msg=name)


@pytest.mark.parametrize("shared", [0.0, 0.2])
def test_in_turn_or_at_once_the_bits_are_the_same(tools, make, shared):
    """Both simulators run a window at the same time; nothing of the other side's window may be needed for that."""
    translation = {"param_TR_tvb_to_nest": {"percentage_shared": shared}}
    serial, overlapped, by_hand = (make(name, **translation) for name in ("serial", "overlapped", "by-hand"))
    completed(tools, "run", "--serial", serial)
    completed(tools, "run", overlapped)
    completed(tools, "run", by_hand, launcher=["mpirun", "-n", "2"])
    assert_same(serial, overlapped)
    assert_same(serial, by_hand)
    assert sum(len(text.splitlines()) for name, text in contents(serial).items() if name.startswith("pop_1_ex")) > 20


@pytest.mark.parametrize("shared", [0.0, 0.2])
@pytest.mark.parametrize("ranks", [1, 2])
def test_ranks_that_only_translate_change_no_bit(tools, make, ranks, shared):
    translation = {"param_TR_tvb_to_nest": {"percentage_shared": shared}}
    inline = make("inline", **translation)
    apart = make("apart", **translation, param_tvb_nest={"transform_ranks": ranks})
    completed(tools, "run", "--serial", inline)
    completed(tools, "run", apart)
    assert_same(inline, apart)
    roles = {"nest", "tvb", *(f"transform_{rank}" for rank in range(ranks))}
    logs = {path.stem: path.read_text() for path in (apart / "log").glob("*.log")}
    assert set(logs) == roles and all("co-simulation, window 5.7 ms" in text for text in logs.values())
    assert "NEST: regions [9, 47]" in logs["nest"] and "TVB: 76 regions of E, I" in logs["tvb"]
    phases = json.loads((apart / "profile.json").read_text())["phases"]
    assert phases["translation to rates"]["calls"]["maximum"] > 10
    assert ("translation to spikes" in phases) == (shared > 0)


def test_more_ranks_for_the_translation_than_regions_are_refused(tools, make):
    output = completed(tools, "run", make(param_tvb_nest={"transform_ranks": 3}), code=2)
    assert "param_tvb_nest.transform_ranks" in output and "must be <= 2" in output


def test_a_shorter_window_gives_the_same_brain_until_the_first_spike(tools, make):
    """What is exchanged does not depend on when: independent input is drawn by NEST from the same stream."""
    longest, short = make("longest"), make("short", param_co_simulation={"synchronization": 2.0})
    for folder in (longest, short):
        completed(tools, "run", "--serial", folder)
    states = [contents(folder)["step_0.npy"][: 76 * 7 * 200] for folder in (longest, short)]
    np.testing.assert_array_equal(*states)


def test_the_rate_of_a_spiking_region_is_that_of_its_spikes(tools, make):
    """Raw at a proxy is the mean of the excitatory spikes of the last 20 ms, at its own time."""
    from tvb_nest.results import Results

    folder = make()
    completed(tools, "run", folder)
    results = Results.of(folder)
    assert results.is_finished
    times = results.recording("pop_1_ex")["time_ms"]
    raw = results.monitor("Raw")
    steps = np.rint(raw.time.values / 0.1).astype(int)
    counts = np.bincount(np.rint(times / 0.1).astype(int), minlength=steps[-1] + 1).cumsum()
    expected = (counts[steps] - counts[np.maximum(steps - 200, 0)]) / (160 * 20.0)
    np.testing.assert_allclose(raw.sel(variable="E", region=9).values, expected, atol=1e-12)
    assert np.isnan(raw.sel(variable="I", region=9)).all(), "what NEST does not say is not made up"
    assert results.summary["rate_excitatory_region_9_Hz"] == pytest.approx(1e3 * len(times) / (160 * END))


WONG_WANG = {
    "brain": "reference",
    "tvb_model": "ReducedWongWang",
    "tvb_coupling_parameters": {"a": 0.4},
    "tvb_initial_condition": {"S": [0.1, 0.4]},
    "tvb_integrator": "HeunStochastic",
    "tvb_noise": {"S": 1e-6},
    "tvb_proxy": {"scale": 0.1},
    "EEG": True,
}


def test_another_model_of_the_library_with_eeg(tools, make):
    """Its variable at a spiking region is the rate of the spikes by the scale, and electrodes see it."""
    from tvb_nest.results import Results

    serial, parallel = make("serial", param_tvb_nest=WONG_WANG), make("parallel", param_tvb_nest=WONG_WANG)
    completed(tools, "run", "--serial", serial)
    completed(tools, "run", parallel)
    assert_same(serial, parallel)
    one, other = (Results.of(folder) for folder in (serial, parallel))
    np.testing.assert_array_equal(one.monitor("EEG"), other.monitor("EEG"))
    assert one.monitor("EEG").notnull().all() and one.monitor("EEG").sizes["sensor"] == 63
    times, raw = one.recording("pop_1_ex")["time_ms"], one.monitor("Raw").sel(variable="S")
    assert len(times) > 10
    expected = np.sum((times > 80.05) & (times < 100.05)) / (160 * 20.0)
    assert raw.sel(region=9)[-1] == pytest.approx(expected / 0.1, abs=1e-12)
    assert 0.1 < one.summary["mean_S_brain"] < 1.0
    completed(tools, "post-processing", serial)
    assert (serial / "figures" / "summary.png").stat().st_size > 10_000


@pytest.mark.parametrize("mode", ["tvb", "nest", "nest-saved-rates"])
def test_one_simulator_alone(tools, make, mode):
    choices = {
        "tvb": {"nb_MPI_nest": 0},
        "nest": {"nb_MPI_nest": 1},
        "nest-saved-rates": {"nb_MPI_nest": 1, "record_MPI": True, "synchronization": 5.0},
    }[mode]
    alone = {"co-simulation": False, "id_region_nest": []} | choices
    topology = {} if mode == "tvb" else {"param_nest_topology": {"nb_region": 2}}
    folder = make(
        param_co_simulation=alone,
        **topology,
        param_nest_background={"rate_ex": 900.0},
        param_record_MPI={"save_step": 4},
    )
    completed(tools, "run", folder)
    assert (folder / "tvb" / "step_0.npy").exists() == (mode == "tvb")
    assert (folder / "nest" / "labels.csv").exists() == (mode != "tvb")
    saved = sorted((folder / "translation" / "save").glob("*.npy"))
    if mode == "nest-saved-rates":
        spikes = sum(len(np.loadtxt(path, skiprows=3)) for path in (folder / "nest").glob("pop_1_ex*"))
        assert sum(np.load(path).sum() for path in saved if path.name.startswith("0_")) == spikes > 20
        assert len(saved) == 10
    else:
        assert not saved
    assert "finished" in completed(tools, "stats", folder)


def test_the_reference_brain_is_the_same(tools, make):
    """tvb-library's simulator in the co-simulation; until spikes come, which depend on the last digits of input."""
    quiet = {
        "param_tvb_integrator": {"weights": [0.0] * 7},
        "param_tvb_model": {"initial_condition": {"E": [0.002, 0.001], "W_e": [5.0, 0.0]}},
    }
    folders = make("compiled", **quiet), make("reference", **quiet, param_tvb_nest={"brain": "reference"})
    for folder in folders:
        file = folder / "parameter.json"
        file.write_text(json.dumps(json.loads(file.read_text()) | {"end": 20.0}))
        completed(tools, "run", folder)
    one, other = (contents(folder)["step_0.npy"] for folder in folders)
    np.testing.assert_allclose(other, one, rtol=1e-5, atol=1e-7)
    assert np.nanmax(np.abs(one[76 * 7 :] - np.resize(one[: 76 * 7], len(one) - 76 * 7))) > 1e-3, "something happens"


def test_noise_that_the_reference_does_not_have_is_refused(tools, make):
    output = completed(tools, "run", make(param_tvb_nest={"brain": "reference"}), code=2)
    assert "param_tvb_integrator.weights" in output and "tvb-library has no such noise" in output


def test_the_figure(tools, make):
    folder = make()
    completed(tools, "run", folder)
    completed(tools, "post-processing", folder)
    assert (folder / "figures" / "summary.png").read_bytes().startswith(b"\x89PNG")
    assert "--output" in completed(tools, "post-processing", folder, "-o", folder / "figure.nothing", code=2)


def begun(tools, folder, *options):
    """A run without end whose first results are there."""
    file = folder / "parameter.json"
    file.write_text(json.dumps(json.loads(file.read_text()) | {"end": 100_000.0}))
    process = launch(tools, "run", *options, folder)
    deadline = time.monotonic() + 120
    while not (folder / "tvb" / "step_0.npy").exists():
        assert process.poll() is None and time.monotonic() < deadline
        time.sleep(0.1)
    return process


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGKILL])
def test_a_run_that_is_stopped_says_so_and_leaves_no_process(tools, make, number):
    folder = make()
    process = begun(tools, folder)
    family = psutil.Process(process.pid).children(recursive=True)
    ranks = sum("tvb_nest" in child.cmdline() and child.name() != "mpirun" for child in family)
    process.send_signal(number)
    output, _ = process.communicate(timeout=60)
    _, left = psutil.wait_procs(family, timeout=DEADLINE)
    assert ranks == 2 and not left
    if number == signal.SIGKILL:
        assert process.returncode == -number
    else:
        assert process.returncode == 128 + number
        assert f"Error: the job was stopped by {number.name}\n" in output
    assert not (folder / ".SUCCESS").exists()


@pytest.mark.parametrize("lost", ["nest", "tvb", "transform"])
def test_a_lost_process_ends_the_job_and_is_named(tools, make, lost):
    folder = make(param_tvb_nest={"transform_ranks": int(lost == "transform")})
    process = begun(tools, folder)
    workers = {
        child.environ()["MPI_COUPLING_ROLE"]: child
        for child in psutil.Process(process.pid).children(recursive=True)
        if "MPI_COUPLING_ROLE" in child.environ() and "tvb_nest" in child.cmdline()
    }
    workers[lost].send_signal(signal.SIGKILL)
    killed = time.monotonic()
    output, _ = process.communicate(timeout=60)
    assert time.monotonic() - killed < DEADLINE
    assert process.returncode != 0
    assert f"because {lost} " in output, output
    assert not (folder / ".SUCCESS").exists()


def test_a_window_longer_than_the_delays_is_refused(tools, make):
    folder = make(param_co_simulation={"synchronization": 50.0})
    output = completed(tools, "run", folder, code=2)
    assert "param_co_simulation.synchronization" in output and "must be <= 5.7 ms" in output
    assert not (folder / "nest").exists()


def test_nothing_computed_yet(tools, make):
    assert "no results in" in completed(tools, "stats", make(), code=2)


def test_a_folder_that_cannot_be_written(tools, make):
    folder = make()
    file = folder / "parameter.json"
    (folder / "taken").write_text("a file where the folder should be")
    file.write_text(json.dumps(json.loads(file.read_text()) | {"result_path": str(Path(folder / "taken"))}))
    output = completed(tools, "run", folder, code=2)
    assert "taken is a file, not a folder; remove it or name another folder" in output and "Traceback" not in output


THROUGH_MPI = {"param_tvb_nest": {"exchange": "mpi"}, "param_co_simulation": {"nb_MPI_nest": 2}}


@pytest.mark.nest_mpi
@pytest.mark.timeout(120)
@pytest.mark.parametrize("shared", [0.0, 0.3], ids=["rates", "spikes"])
def test_nest_in_other_processes_gives_the_same_bits(tools, make, shared):
    """As many processes as threads; as a job and in turn, where this process starts them itself."""
    common = {"param_TR_tvb_to_nest": {"percentage_shared": shared}, "param_nest": {"total_num_virtual_procs": 2}}
    in_memory, job, serial = make("memory", **common), make("job", **common, **THROUGH_MPI), make("serial", **common)
    completed(tools, "run", in_memory)
    completed(tools, "run", job)
    serial.joinpath("parameter.json").write_text(job.joinpath("parameter.json").read_text())
    completed(tools, "run", "--serial", serial)
    assert_same(in_memory, job)
    assert_same(in_memory, serial)


@pytest.mark.nest_mpi
@pytest.mark.timeout(120)
@pytest.mark.parametrize("options", [[], ["--serial"]], ids=["job", "serial"])
def test_a_lost_worker_ends_the_job_with_a_message(tools, make, options):
    folder = make(**THROUGH_MPI)
    process = begun(tools, folder, *options)
    family = psutil.Process(process.pid).children(recursive=True)
    workers = [child for child in family if "tvb_nest.nest_side.mpi_worker" in child.cmdline()]
    assert len(workers) == 2
    workers[1].send_signal(signal.SIGKILL)
    killed = time.monotonic()
    output, _ = process.communicate(timeout=60)
    assert time.monotonic() - killed < DEADLINE
    assert process.returncode != 0
    # of two that are ended at once either may be found first, and mpirun may be faster than the rank that started them
    found = r"process [01] of NEST .* is gone: it was killed|because a process that one of its ranks had started died"
    assert re.search(found, output), output
    _, left = psutil.wait_procs(workers, timeout=10)
    assert not left


@pytest.mark.nest_mpi
def test_without_a_nest_with_mpi_check_and_run_say_so(tools, make, monkeypatch):
    monkeypatch.setenv("MULTISCALE_RUN_NEST_MPI", sys.executable)
    folder = make(**THROUGH_MPI)
    for command in ("check", "run"):
        output = completed(tools, command, folder, code=2)
        assert 'param_tvb_nest.exchange = "mpi": a NEST that was built with MPI is needed' in output
        assert "its NEST was built without MPI" in output and "scripts/setup --with-nest-mpi" in output
    assert not (folder / "nest").exists()
