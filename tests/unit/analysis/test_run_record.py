"""The record that a run leaves: warnings of all loggers, cut off where a run is resumed, readable after a crash."""

from __future__ import annotations

import json

import pytest

from mpi_coupling.console import get_logger
from mpi_coupling.world import World
from multiscale_run.config import load_config
from multiscale_run.coupling.domains import EXCLUDED_NEURON
from multiscale_run.run_record import EVENTS, RUN, Event, RunRecord, read_description, read_events

log = get_logger("multiscale_run.test")


def record(folder, resumed_from_ms=None):
    return RunRecord(World.start(), folder.results, load_config(folder.path), resumed_from_ms)


def test_events_are_kept_with_the_time_of_their_step(folder):
    kept = record(folder)
    log.warning("the mesh is %s", "coarse")
    kept.flush_step(None)
    log.info("not kept")
    log.warning("neuron 3 is excluded at 100 ms: x", extra={EXCLUDED_NEURON: 3})
    kept.flush_step(100.0)
    kept.flush_step(200.0)
    kept.end("stopped by a check")
    kept.close()
    log.warning("after the end")
    assert read_events(folder.results) == [
        Event("warning", "the mesh is coarse"),
        Event("exclusion", "neuron 3 is excluded at 100 ms: x", 100.0, 3),
        Event("end", "stopped by a check"),
    ]


def test_a_resumed_run_keeps_what_came_before(folder):
    first = record(folder)
    log.warning("while building")
    first.flush_step(None)
    for time in (100.0, 200.0, 300.0):
        log.warning("at %g", time)
        first.flush_step(time)
    first.end("asked to")
    first.close()
    resumed = record(folder, resumed_from_ms=200.0)
    log.warning("while building")
    resumed.flush_step(None)
    resumed.close()
    assert [event.message for event in read_events(folder.results)] == ["at 100", "at 200", "while building"]
    assert read_description(folder.results).resumed_from_ms == 200.0
    record(folder).close()
    assert read_events(folder.results) == []


def test_what_a_crash_leaves_half_written_is_left_out(folder):
    record(folder).close()
    line = json.dumps({"kind": "warning", "message": "whole", "time_ms": 1.0, "neuron": None})
    (folder.results / EVENTS).write_text(f'{line}\n{{"kind": "warn')
    assert [event.message for event in read_events(folder.results)] == ["whole"]
    (folder.results / RUN).write_text('{"started": ')
    assert read_description(folder.results) is None


def test_the_description_says_what_was_run(folder):
    record(folder).close()
    found = read_description(folder.results)
    assert found.ranks == 1 and found.versions["numpy"] and found.versions["python"]
    assert found.configuration["run"]["tstop"] == 1000.0


@pytest.mark.parametrize(
    "damage",
    [
        b"rubbish\n",
        b"\xff\xfe\x00\n",
        b"[]\n",
        b'{"kind": "warning"}\n',
        b'{"kind": "joke", "message": "x"}\n',
        b'{"kind": "warning", "message": "x", "time_ms": "soon"}\n',
    ],
)
def test_damaged_lines_are_left_out_and_a_warning_says_so(folder, damage):
    whole = json.dumps({"kind": "warning", "message": "whole", "time_ms": 1.0, "neuron": None}).encode() + b"\n"
    (folder.results / EVENTS).write_bytes(damage + whole)
    first, told = read_events(folder.results)
    assert first == Event("warning", "whole", 1.0)
    assert told.message.endswith("events.jsonl cannot be read in full: 1 of 2 lines are damaged")


def test_records_that_the_system_does_not_give(folder):
    for name in (EVENTS, RUN):
        (folder.results / name).mkdir()
    assert read_description(folder.results) is None
    (told,) = read_events(folder.results)
    assert told.message.endswith("events.jsonl cannot be read: Is a directory")


@pytest.mark.parametrize("text", ["", "{", "[]", '{"started": 3}', "\xff"])
def test_a_damaged_description_is_none(folder, text):
    (folder.results / RUN).write_bytes(text.encode("latin-1"))
    assert read_description(folder.results) is None
