"""What ``multiscale-run watch`` sees of a run, by the files alone."""

from __future__ import annotations

import errno
import fcntl
import json
import os
import threading
import time
from contextlib import contextmanager

import numpy as np
import pytest

from mpi_coupling.failure import UserError
from mpi_coupling.locks import FOLDER_LOCK
from mpi_coupling.world import World
from multiscale_run.config import load_config
from multiscale_run.output_folder import OutputFolder
from multiscale_run.reports import SUCCESS
from multiscale_run.watching import follow, look


@contextmanager
def held(folder, kind=fcntl.LOCK_EX):
    """The lock of a run that goes on."""
    with (folder / FOLDER_LOCK).open("w") as file:
        fcntl.flock(file, kind)
        yield


def record(folder, machine="elsewhere", age_seconds=0.0, **changes):
    """The description of a run, as if it had begun some seconds ago."""
    config = load_config(folder.path)
    description = {
        "started": time.strftime("%Y-%m-%dT%H:%M:%S+00:00", time.gmtime(time.time() - age_seconds)),
        "ranks": 1,
        "machine": machine,
        "versions": {},
        "configuration": config.document.data,
    }
    file = folder.results / "run.json"
    file.write_text(json.dumps(description | changes))
    os.utime(file, (time.time() - age_seconds,) * 2)
    return config


def events(folder, *lines):
    (folder.results / "events.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))


def test_numbers_are_those_of_the_last_row(folder, rows):
    rows[-1, :4] = np.nan  # an excluded neuron
    folder.compartments("atpi", rows).spikes([100.0, 850.0, 870.0], [1, 2, 2])
    config = record(folder, age_seconds=10.0)
    with held(folder.results):
        moment = look(config)
    (atp,) = moment.spreads
    last = rows[-1, 4:].astype("f4")
    assert (atp.label, atp.unit) == ("ATP in neurons", "mM")
    np.testing.assert_allclose([atp.mean, atp.lowest, atp.highest], [last.mean(), last.min(), last.max()], rtol=1e-6)
    assert (moment.state, moment.reached_ms, moment.planned_ms) == ("running", 900.0, 1000.0)
    assert moment.spikes == 3 and moment.rate == pytest.approx(3 / 10 / 0.9)
    assert moment.present_rate == pytest.approx(2 / 10 / 0.1)
    assert moment.speed == pytest.approx(0.09, rel=0.3) and moment.seconds_left == pytest.approx(0.1 / moment.speed)


def test_reports_of_an_earlier_run_are_not_taken_for_those_of_one_that_is_built(folder, rows):
    folder.compartments("atpi", rows)
    past = time.time() - 100
    os.utime(folder.results / "atpi.h5", (past, past))
    config = record(folder)
    with held(folder.results):
        assert look(config).state == "building"
        os.utime(folder.results / "atpi.h5")
        assert look(config).state == "running"
    config = record(folder, resumed_from_ms=500.0)
    os.utime(folder.results / "atpi.h5", (past, past))
    with held(folder.results):
        assert look(config).reached_ms == 900.0, "a run that goes on keeps its reports"


def test_a_run_of_which_the_lock_cannot_be_seen(folder, rows, monkeypatch):
    folder.compartments("atpi", rows)
    assert look(record(folder, "elsewhere", 10.0)).state == "running", "it wrote just now"
    here = record(folder, os.uname().nodename, 10.0)
    assert look(here).state == "unfinished"

    def refuse(*_):
        raise OSError(errno.ENOLCK, "no locks available")

    with monkeypatch.context() as patch, held(folder.results):
        patch.setattr(fcntl, "flock", refuse)
        assert look(here).state == "running", "a file system without locks"
    past = time.time() - 1000
    os.utime(folder.results / "atpi.h5", (past, past))
    assert look(record(folder, "elsewhere", 10.0)).state == "unfinished"


def test_how_a_run_ended(folder, rows):
    config = load_config(folder.path)
    assert look(config).outcome == "waiting: there are no results yet"
    with held(folder.results):
        assert look(config).outcome == "running: the model is being built"
    folder.compartments("atpi", rows)
    ended = "ended at 900 of 1000 ms, as a run that was killed or crashed"
    assert look(config).outcome == f"{ended}; to begin anew: multiscale-run compute {folder.path}"
    (folder.results / "checkpoints" / "tick-000000000100.part").mkdir(parents=True)  # killed while it was written
    assert "to begin anew" in look(config).outcome
    (folder.results / "checkpoints" / "tick-000000000100").mkdir()
    assert look(config).outcome == f"{ended}; to go on: multiscale-run compute --continue {folder.path}"
    warnings = [{"kind": "warning", "message": f"number {n}", "time_ms": 100.0 * n} for n in range(5)]
    events(folder, *warnings, {"kind": "end", "message": "no neuron is left"})
    moment = look(config)
    assert moment.outcome == "stopped at 900 of 1000 ms: no neuron is left"
    assert moment.warnings == ("200 ms: number 2", "300 ms: number 3", "400 ms: number 4") and moment.n_warnings == 5
    events(folder, {"kind": "end", "message": "stopped at 900 ms by SIGTERM; continue with: this"})
    assert look(config).outcome == "stopped at 900 of 1000 ms by SIGTERM; continue with: this"
    (folder.results / SUCCESS).write_text("")
    assert [m.outcome for m in follow(folder.path, 0.1)] == ["finished: 1000 ms"]


def test_files_that_cannot_be_read_are_warnings(folder, rows):
    folder.compartments("nai", rows)
    for name in ("atpi.h5", "out.h5", "profile.json"):
        (folder.results / name).write_bytes(b"rubbish")
    (folder.results / "events.jsonl").write_bytes(b"\xffrubbish\n")
    moment = look(load_config(folder.path))
    assert (moment.reached_ms, moment.spikes, [s.label for s in moment.spreads]) == (900.0, None, ["sodium in neurons"])
    assert moment.n_warnings == 4
    told = [warning.split(" cannot be read")[0].rpartition("/")[2] for warning in moment.warnings]
    assert told == ["atpi.h5", "out.h5", "profile.json"]


def test_speed_is_that_of_the_last_looks(folder, rows):
    folder.compartments("atpi", rows[:5])
    record(folder, age_seconds=1000.0)
    with held(folder.results):
        moments = follow(folder.path, 0.5)
        first = next(moments)
        assert first.speed == pytest.approx(0.4 / 1000, rel=0.1)
        folder.compartments("atpi", rows)
        second = next(moments)
    assert second.reached_ms == 900.0 and 0.02 < second.speed < 1.0


def test_a_run_that_starts_is_not_refused_because_somebody_looks(folder):
    ready = threading.Event()

    def look_for_a_moment():
        with held(folder.results, fcntl.LOCK_SH):
            ready.set()
            time.sleep(0.3)

    thread = threading.Thread(target=look_for_a_moment)
    thread.start()
    ready.wait()
    OutputFolder(World.start(), folder.results)
    thread.join()
    with (
        held(folder.results),
        pytest.raises(UserError, match="another run is writing its results there"),
    ):
        OutputFolder(World.start(), folder.results)
