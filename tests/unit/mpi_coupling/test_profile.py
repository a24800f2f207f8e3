"""The profiler counts what was run, nests by where it was run, and its figures survive the way to a file."""

from __future__ import annotations

import json
import time
from pathlib import Path

import numpy as np
import pytest

from mpi_coupling import Profiler, UserError, World
from mpi_coupling.profile import Spread


def run_phases(profiler: Profiler) -> None:
    for _ in range(3):
        with profiler.phase("metabolism"):
            with profiler.phase("advance"):
                time.sleep(0.002)
            with profiler.phase("advance"):
                pass
    with profiler.phase("advance"):
        pass


def test_phases_are_nested_by_where_they_run(world: World) -> None:
    profiler = Profiler()
    run_phases(profiler)
    phases = profiler.summary(world).phases
    assert {path: phase.calls.mean for path, phase in phases.items()} == {
        "metabolism": 3,
        "metabolism/advance": 6,
        "advance": 1,
    }
    assert phases["metabolism"].seconds.mean >= phases["metabolism/advance"].seconds.mean >= 0.006
    assert phases["metabolism/advance"].cpu_seconds.mean < phases["metabolism/advance"].seconds.mean


def test_shares_are_parts_of_the_whole(world: World) -> None:
    profiler = Profiler()
    run_phases(profiler)
    summary = profiler.summary(world)
    assert 0 < summary.share("metabolism/advance") <= summary.share("metabolism") <= 1
    assert summary.share("never run") == 0


def test_an_exception_ends_its_phases(world: World) -> None:
    profiler = Profiler()
    with pytest.raises(ZeroDivisionError), profiler.phase("outer"), profiler.phase("inner"):
        raise ZeroDivisionError
    with profiler.phase("next"):
        pass
    assert list(profiler.summary(world).phases) == ["outer", "outer/inner", "next"]


def test_memory_is_that_of_the_process(world: World) -> None:
    before = Profiler().summary(world)
    block = np.ones(8_000_000)  # 64 MB
    after = Profiler().summary(world)
    assert after.current_bytes.mean - before.current_bytes.mean > 0.9 * block.nbytes
    assert after.peak_bytes.mean >= after.current_bytes.mean


def test_json_and_table_hold_the_figures(world: World, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    profiler = Profiler()
    run_phases(profiler)
    summary = profiler.summary(world)
    summary.write(tmp_path / "profile.json")
    stored = json.loads((tmp_path / "profile.json").read_text())
    assert stored["ranks"] == 1
    assert stored["phases"]["metabolism/advance"]["calls"] == {"minimum": 6, "mean": 6.0, "maximum": 6}
    assert stored["seconds"]["maximum"] == summary.seconds.maximum
    summary.print()
    output = capsys.readouterr().out
    assert "metabolism/advance" in output and "Resident memory per rank [MiB]" in output


def test_unwritable_profile_is_an_error_of_the_user(world: World, tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"profile\.json: the profile cannot be written \(No such file"):
        Profiler().summary(world).write(tmp_path / "missing" / "profile.json")


def test_spread() -> None:
    assert Spread.of([3.0, 1.0, 2.0]) == Spread(1.0, 2.0, 3.0)
