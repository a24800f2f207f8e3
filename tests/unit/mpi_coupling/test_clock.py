"""The clock translates without rounding errors; the schedule covers the run and asks each simulator at its period."""

from __future__ import annotations

import itertools
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mpi_coupling import Clock, Schedule, Step, UserError

STEPS = st.sampled_from([0.005, 0.01, 0.025, 0.05, 0.1, 0.125, 1.0, 1 / 3])
PERIODS = st.dictionaries(st.text(min_size=1), st.integers(1, 400), max_size=4)


@given(STEPS, st.integers(0, 10**9))
def test_tick_to_ms_and_back(dt: float, tick: int) -> None:
    clock = Clock(dt, 0)
    assert clock.ticks(clock.ms(tick)) == tick


@given(STEPS, st.integers(0, 10**7), st.floats(1e-3, 0.999))
def test_times_between_ticks_are_refused(dt: float, tick: int, fraction: float) -> None:
    with pytest.raises(UserError, match="not a multiple of the time step"):
        Clock(dt, 0).ticks((tick + fraction) * dt)


def test_ms_is_the_nearest_float() -> None:
    assert [Clock(0.1, 0).ms(tick) for tick in (3, 6, 7, 12)] == [0.3, 0.6, 0.7, 1.2]
    assert Clock(0.025, 0).ms(40_000) == 1000.0


def test_from_config() -> None:
    assert Clock.from_config(0.025, 1000.0) == Clock(0.025, 40_000)


@pytest.mark.parametrize(
    ("dt", "tstop", "text"),
    [
        (0.0, 10.0, "dt = 0.0 ms"),
        (math.nan, 10.0, "dt = nan ms"),
        (0.025, -1.0, "must not end before it begins"),
        (0.025, 10.01, r"tstop = 10.01 ms .* nearest multiples are 10.0 and 10.025 ms"),
        (0.025, math.inf, "tstop = inf ms"),
    ],
)
def test_impossible_clocks(dt: float, tstop: float, text: str) -> None:
    with pytest.raises(UserError, match=text):
        Clock.from_config(dt, tstop)


def test_schedule_of_two_simulators() -> None:
    schedule = Schedule({"metabolism": 6, "bloodflow": 4}, stop=13, always=["neurons"])
    assert schedule.base_period == 2
    assert list(schedule) == [
        Step(0, 0, 2, ("neurons",)),
        Step(1, 2, 4, ("neurons", "bloodflow")),
        Step(2, 4, 6, ("neurons", "metabolism")),
        Step(3, 6, 8, ("neurons", "bloodflow")),
        Step(4, 8, 10, ("neurons",)),
        Step(5, 10, 12, ("neurons", "metabolism", "bloodflow")),
        Step(6, 12, 13, ("neurons",)),
    ]


def test_a_simulator_with_a_period_can_be_always_due() -> None:
    steps = list(Schedule({"metabolism": 4, "neurons": 2}, stop=4, always=["neurons"]))
    assert [step.due for step in steps] == [("neurons",), ("metabolism", "neurons")]


def test_without_periods_the_run_is_one_step() -> None:
    assert list(Schedule({}, stop=100, always=["neurons"])) == [Step(0, 0, 100, ("neurons",))]
    assert list(Schedule({}, stop=0)) == []


@given(PERIODS, st.integers(0, 3000))
def test_steps_join_and_every_simulator_meets_its_period(periods: dict[str, int], stop: int) -> None:
    schedule = Schedule(periods, stop)
    steps = list(schedule)
    assert len(schedule) == len(steps)
    assert sum(step.stop_tick - step.start_tick for step in steps) == stop
    assert all(before.stop_tick == after.start_tick for before, after in itertools.pairwise(steps))
    for name, period in periods.items():
        assert [step.stop_tick for step in steps if name in step.due] == list(range(period, stop + 1, period))


@given(PERIODS, st.integers(0, 3000), st.data())
def test_a_resumed_run_continues_the_steps(periods: dict[str, int], stop: int, data: st.DataObject) -> None:
    whole = list(Schedule(periods, stop))
    start = data.draw(st.sampled_from([0, *(step.stop_tick for step in whole)]))
    resumed = Schedule(periods, stop, start)
    assert list(resumed) == [step for step in whole if step.start_tick >= start]
    assert len(resumed) == len(list(resumed))


@pytest.mark.parametrize("period", [0, -4, 2.5, True])
def test_impossible_periods(period: float) -> None:
    with pytest.raises(UserError, match=f"period of metabolism = {period} ticks"):
        Schedule({"metabolism": period}, stop=10)


@pytest.mark.parametrize(("start", "stop"), [(11, 10), (-1, 10)])
def test_impossible_runs(start: int, stop: int) -> None:
    with pytest.raises(UserError, match=f"from tick {start} to tick {stop}"):
        Schedule({}, stop, start)
