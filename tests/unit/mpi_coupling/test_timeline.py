"""The timeline holds every run of every phase, where it belongs and when it was."""

from __future__ import annotations

import json
import logging
import time
from pathlib import Path

import pytest

from mpi_coupling import TimelineProfiler, UserError, World, timeline


def run_phases(profiler: TimelineProfiler) -> None:
    for _ in range(2):
        with profiler.phase("neurons"):
            time.sleep(0.002)
            with profiler.phase("spikes"):
                time.sleep(0.001)


def events_of(path: Path) -> list[dict]:
    return [event for event in json.loads(path.read_text())["traceEvents"] if event["ph"] == "X"]


def test_events(world: World, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    profiler = TimelineProfiler(world)
    run_phases(profiler)
    with caplog.at_level(logging.INFO):
        profiler.write_timeline(tmp_path / "timeline.json")
    assert f"each rank's phases are in {tmp_path}/timeline.json" in caplog.text
    events = events_of(tmp_path / "timeline.json")
    assert sorted(event["cat"] for event in events) == ["neurons"] * 2 + ["neurons/spikes"] * 2
    outer, inner = ([e for e in events if e["name"] == name] for name in ("neurons", "spikes"))
    for around, within in zip(outer, inner, strict=True):
        assert around["ts"] <= within["ts"] and within["dur"] >= 1000
        assert within["ts"] + within["dur"] <= around["ts"] + around["dur"]
    assert outer[0]["ts"] + outer[0]["dur"] <= outer[1]["ts"]
    assert {event["pid"] for event in events} == {0}
    seconds = profiler.summary(world).phases["neurons"].seconds.mean
    assert sum(event["dur"] for event in outer) == pytest.approx(1e6 * seconds, rel=1e-3)


def test_a_very_long_run_says_what_it_leaves_out(world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(timeline, "MOST_EVENTS", 3)
    profiler = TimelineProfiler(world)
    run_phases(profiler)
    profiler.write_timeline(tmp_path / "timeline.json")
    assert len(events_of(tmp_path / "timeline.json")) == 3
    assert "1 later events left out" in (tmp_path / "timeline.json").read_text()


def test_a_folder_that_is_not_there(world: World, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="the timeline cannot be written"):
        TimelineProfiler(world).write_timeline(tmp_path / "missing" / "timeline.json")
