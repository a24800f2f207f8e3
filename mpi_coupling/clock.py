"""Time of a coupled run, in whole numbers.

A *tick* is one time step of the neuron simulator. Everything that is compared, added or used as an index is a number
of ticks; milliseconds exist only where a simulator or a file wants them. Rounding can therefore never make two
simulators miss each other.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from mpi_coupling.failure import UserError

TICK_TOLERANCE = 1e-6
"""How far a time may lie from a tick, as a share of one, and still be taken for it."""


@dataclass(frozen=True)
class Clock:
    """Translates between ticks and milliseconds.

    Attributes:
        dt: length of a tick [ms].
        stop: end of the run [ticks].

    Raises:
        UserError: `dt` is not a positive number, or `stop` is negative.
    """

    dt: float
    stop: int

    def __post_init__(self) -> None:
        if not (math.isfinite(self.dt) and self.dt > 0):
            raise UserError(f"dt = {self.dt} ms: the time step must be a number above 0")
        if self.stop < 0:
            raise UserError(f"the run would end at tick {self.stop}: it must not end before it begins")

    @classmethod
    def from_config(cls, dt: float, tstop: float) -> Clock:
        """The clock of a run of `tstop` ms in steps of `dt` ms.

        Raises:
            UserError: `dt` is not positive, or `tstop` is negative or not a multiple of it.
        """
        return cls(dt, cls(dt, 0).ticks(tstop, "tstop"))

    def ms(self, tick: int) -> float:
        """The time of a tick [ms], as the float nearest to the decimal product: 3 ticks of 0.1 ms are 0.3 ms."""
        return float(int(tick) * Decimal(repr(float(self.dt))))

    def ticks(self, ms: float, name: str = "time") -> int:
        """The tick at a time.

        Args:
            ms: time [ms], a multiple of `dt` within `TICK_TOLERANCE` of it.
            name: what the time is, for the message.

        Raises:
            UserError: the time does not fall on a tick.
        """
        if not math.isfinite(ms):
            raise UserError(f"{name} = {ms} ms: must be a finite number")
        exact = ms / self.dt
        tick = round(exact)
        if abs(exact - tick) > TICK_TOLERANCE:
            below = math.floor(exact)
            raise UserError(
                f"{name} = {ms} ms is not a multiple of the time step dt = {self.dt} ms; "
                f"the nearest multiples are {self.ms(below)} and {self.ms(below + 1)} ms"
            )
        return tick


@dataclass(frozen=True, slots=True)
class Step:
    """One step of a coupled run: from one meeting of simulators to the next.

    Attributes:
        index: number of the step, counted from tick 0, also in a run that starts later.
        start_tick: where the step begins.
        stop_tick: where it ends and the simulators meet.
        due: names of the simulators that advance to `stop_tick`, in order.
    """

    index: int
    start_tick: int
    stop_tick: int
    due: tuple[str, ...]


class Schedule:
    """Cuts a run into steps and says which simulators are due at the end of each.

    Steps end at the multiples of `base_period`, the greatest common divisor of the periods, and at `stop`. A simulator
    is due at the multiples of its period, counted from tick 0. When `stop` is not a multiple of `base_period` the last
    step is shorter, and at its end only the simulators of `always` are due.
    """

    def __init__(self, periods: Mapping[str, int], stop: int, start: int = 0, *, always: Sequence[str] = ()) -> None:
        """Checks the periods and finds their common divisor.

        Args:
            periods: name of a simulator -> ticks between its advances; the order is the order of `Step.due`.
            stop: end of the run [ticks].
            start: beginning of the run [ticks]; above 0 when a run is resumed.
            always: simulators that are due at the end of every step. Those without a period come first.

        Raises:
            UserError: a period is not a whole number of at least 1, or the run ends before it begins.
        """
        for name, period in periods.items():
            if isinstance(period, bool) or period != int(period) or period < 1:
                raise UserError(f"period of {name} = {period} ticks: must be a whole number of at least 1")
        if not 0 <= start <= stop:
            raise UserError(f"a run from tick {start} to tick {stop}: must begin at 0 or later and end after it")
        self.periods = {name: int(period) for name, period in periods.items()}
        self.start = start
        self.stop = stop
        self.always = tuple(always)
        self.base_period = math.gcd(*self.periods.values()) or max(stop, 1)
        self._names = tuple(dict.fromkeys([name for name in always if name not in periods] + list(periods)))

    def __len__(self) -> int:
        """The number of steps."""
        return -(-self.stop // self.base_period) - self.start // self.base_period if self.start < self.stop else 0

    def __iter__(self) -> Iterator[Step]:
        tick = self.start
        while tick < self.stop:
            index = tick // self.base_period
            stop_tick = min((index + 1) * self.base_period, self.stop)
            yield Step(index, tick, stop_tick, self.due(stop_tick))
            tick = stop_tick

    def due(self, tick: int) -> tuple[str, ...]:
        """The simulators that advance to `tick`, the end of a step."""
        return tuple(name for name in self._names if name in self.always or tick % self.periods[name] == 0)
