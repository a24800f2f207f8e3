"""Monitors: what is recorded from the states of a whole brain, piece by piece as they are computed.

Where a region is a proxy only its rate is known; all else is NaN and stays NaN in what monitors give. Pieces may have
any length: the samples are the same bit for bit.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from mpi_coupling.clock import Clock
from mpi_coupling.failure import UserError
from tvb_nest.tvb_side.haemodynamics import RESPONSES
from tvb_nest.tvb_side.noise import restore_stream, stream_state


class Samples(NamedTuple):
    """What a monitor gives; m samples.

    Attributes:
        times: when [ms], shape (m,).
        values: shape (m, ...); see the monitor.
    """

    times: NDArray[np.float64]
    values: NDArray[np.float64]


class Monitor(ABC):
    """Records states from step 1 on, without gaps."""

    def __init__(self, dt: float, variables: Sequence[int] | None, shape: tuple[int, int]) -> None:
        """Chooses what is recorded.

        Args:
            dt: time step [ms].
            variables: the state variables to record; all if missing.
            shape: number of state variables and of regions.

        Raises:
            UserError: a variable does not exist.
        """
        self.dt = dt
        self.step = 0
        self.variables = list(range(shape[0]) if variables is None else variables)
        if not self.variables or not all(0 <= index < shape[0] for index in self.variables):
            raise UserError(f"monitor: variables {self.variables}: must be some of 0 to {shape[0] - 1}")
        self._shape = (len(self.variables), shape[1])

    def record(self, states: NDArray[np.float64]) -> Samples:
        """Takes the next states and gives the samples that they complete.

        Args:
            states: shape (n_steps, n_variables, n_regions), as `Brain.run` gives them, with the rates of proxies.
        """
        samples = list(self._samples(states[:, self.variables]))
        self.step += len(states)
        times = np.array([time for time, _ in samples], dtype=np.float64)
        values = np.array([value for _, value in samples], dtype=np.float64)
        return Samples(times, values if samples else np.empty((0, *self.sample_shape)))

    @property
    def sample_shape(self) -> tuple[int, ...]:
        """Shape of one sample."""
        return self._shape

    def state(self) -> dict[str, NDArray[Any]]:
        """All that is needed to go on from here, bit for bit."""
        return {"step": np.array(self.step)}

    def restore(self, state: Mapping[str, NDArray[Any]]) -> None:
        """Goes back to what `state` gave."""
        self.step = int(state["step"])

    @abstractmethod
    def _samples(self, states: NDArray[np.float64]) -> Iterator[tuple[float, NDArray[np.float64]]]:
        """Times and values of the samples that these states, of the chosen variables, complete."""


class Raw(Monitor):
    """Every step: values of shape (m, variables, regions), at the ends of the steps."""

    def _samples(self, states: NDArray[np.float64]) -> Iterator[tuple[float, NDArray[np.float64]]]:
        yield from (((self.step + 1 + k) * self.dt, state) for k, state in enumerate(states))


class _Means:
    """Means over successive periods, summed step after step so that pieces do not matter."""

    def __init__(self, period: int, shape: tuple[int, int]) -> None:
        self.period = period
        self.total = np.zeros(shape)

    def add(self, first_step: int, states: NDArray[np.float64]) -> Iterator[tuple[int, NDArray[np.float64]]]:
        """The last step and the mean of each period that these states complete."""
        for step, state in enumerate(states, first_step):
            self.total += state
            if step % self.period == 0:
                yield step, self.total / self.period
                self.total[...] = 0.0


class TemporalAverage(Monitor):
    """Means over successive periods: values of shape (m, variables, regions), at the middles of the periods."""

    def __init__(
        self, dt: float, period: float, shape: tuple[int, int], variables: Sequence[int] | None = None
    ) -> None:
        """Starts the first period.

        Args:
            dt: time step [ms].
            period: length of a period [ms], a multiple of `dt`.
            shape: number of state variables and of regions.
            variables: the state variables to record; all if missing.

        Raises:
            UserError: the period is no multiple of `dt`, or a variable does not exist.
        """
        super().__init__(dt, variables, shape)
        self._means = _Means(_steps(dt, period), self._shape)

    def state(self) -> dict[str, NDArray[Any]]:
        """All that is needed to go on from here, bit for bit."""
        return {**super().state(), "total": self._means.total.copy()}

    def restore(self, state: Mapping[str, NDArray[Any]]) -> None:
        """Goes back to what `state` gave."""
        super().restore(state)
        self._means.total[...] = state["total"]

    def _samples(self, states: NDArray[np.float64]) -> Iterator[tuple[float, NDArray[np.float64]]]:
        for step, mean in self._means.add(self.step + 1, states):
            yield (step - self._means.period / 2.0) * self.dt, mean


class Projection(TemporalAverage):
    """Signals of sensors (EEG, SEEG, iEEG, MEG): mean activity of the regions times a gain matrix.

    Values have the shape (m, variables, sensors). A sensor that sees a region whose activity is not known gets NaN.
    Unless told so no noise is added; The Virtual Brain adds by default white noise of standard deviation sqrt(dt).

    Attributes:
        labels: names of the sensors.
    """

    def __init__(
        self,
        dt: float,
        period: float,
        shape: tuple[int, int],
        gain: NDArray[np.float64],
        variables: Sequence[int] = (0,),
        *,
        reference: int | str | None = None,
        labels: Sequence[str] | None = None,
        noise: float = 0.0,
        seed: int | Sequence[int] = 0,
    ) -> None:
        """Starts the first period.

        Args:
            dt: time step [ms].
            period: length of a period [ms], a multiple of `dt`.
            shape: number of state variables and of regions.
            gain: signal of each sensor per activity of each region, shape (sensors, regions); see `region_gain`.
            variables: the state variables that are the activity.
            reference: the sensor whose signal is subtracted from all (EEG), or ``"average"``.
            labels: names of the sensors; their numbers if missing.
            noise: standard deviation of the noise of each sample, independent of that of other sensors and samples.
            seed: seed of the noise.

        Raises:
            UserError: the gain has the wrong shape or is not finite, a sensor or variable does not exist, or the period
                is no multiple of `dt`.
        """
        super().__init__(dt, period, shape, variables)
        self._gain = _checked_gain(gain, shape[1])
        self._reference = reference
        self._check_reference()
        self._gain = self._referenced(self._gain.T).T
        self.labels = tuple(map(str, range(len(self._gain)) if labels is None else labels))
        self._noise = noise
        self._stream = np.random.RandomState(seed)

    def state(self) -> dict[str, NDArray[Any]]:
        """All that is needed to go on from here, bit for bit."""
        return super().state() | stream_state(self._stream)

    def restore(self, state: Mapping[str, NDArray[Any]]) -> None:
        """Goes back to what `state` gave."""
        super().restore(state)
        restore_stream(self._stream, state)

    @property
    def sample_shape(self) -> tuple[int, ...]:
        """Shape of one sample: variables and sensors."""
        return (self._shape[0], len(self._gain))

    def _samples(self, states: NDArray[np.float64]) -> Iterator[tuple[float, NDArray[np.float64]]]:
        for time, mean in super()._samples(states):
            unknown = np.isnan(mean)
            signal = np.where(unknown, 0.0, mean) @ self._gain.T
            signal[(unknown @ (self._gain != 0).T) > 0] = np.nan
            if self._noise:
                signal += self._referenced(self._noise * self._stream.normal(size=signal.shape))
            yield time, signal

    def _check_reference(self) -> None:
        reference, n = self._reference, len(self._gain)
        if reference not in (None, "average") and not (isinstance(reference, int) and 0 <= reference < n):
            raise UserError(f"reference {reference!r}: must be average or a sensor, 0 to {n - 1}")

    def _referenced(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """Values of sensors, shape (..., sensors), minus that of the reference."""
        if self._reference is None:
            return values
        if self._reference == "average":
            return values - values.mean(axis=-1, keepdims=True)
        return values - values[..., [self._reference]]


class Bold(Monitor):
    """The BOLD signal: activity convolved with a haemodynamic response; values of shape (m, variables, regions).

    Activity is first averaged over 4 ms, as in The Virtual Brain; before step 1 it counts as 0.
    """

    STOCK_PERIOD = 4.0

    def __init__(
        self,
        dt: float,
        shape: tuple[int, int],
        period: float = 2000.0,
        variables: Sequence[int] = (0,),
        *,
        response: str = "FirstOrderVolterra",
        length: float = 20_000.0,
        tvb_compat: bool = False,
    ) -> None:
        """Starts without any past activity.

        Args:
            dt: time step [ms].
            shape: number of state variables and of regions.
            period: time between two samples [ms], a multiple of `dt`.
            variables: the state variables that are the activity.
            response: a name of `haemodynamics.RESPONSES`.
            length: how long the response lasts [ms].
            tvb_compat: The Virtual Brain's convolution is late by 4 ms and gives the newest 4 ms the weight of the
                oldest; True does the same.

        Raises:
            UserError: an unknown response, a variable that does not exist, or a period that is no multiple of `dt`.
        """
        super().__init__(dt, variables, shape)
        if response not in RESPONSES:
            raise UserError(f"response {response}: must be one of {', '.join(RESPONSES)}")
        self._period = _steps(dt, period)
        self._means = _Means(round(self.STOCK_PERIOD / dt), self._shape)
        n_stock = int(np.ceil(length / self.STOCK_PERIOD))
        self._response = RESPONSES[response]
        kernel = self._response.kernel(np.arange(n_stock, dtype=np.float64) * (length / 1000.0 / n_stock))
        self._weights = np.roll(kernel[::-1], -1 if tvb_compat else 0)  # oldest first
        self._stock = np.zeros((n_stock, *self._shape))

    def state(self) -> dict[str, NDArray[Any]]:
        """All that is needed to go on from here, bit for bit."""
        return {**super().state(), "total": self._means.total.copy(), "stock": self._stock.copy()}

    def restore(self, state: Mapping[str, NDArray[Any]]) -> None:
        """Goes back to what `state` gave."""
        super().restore(state)
        self._means.total[...] = state["total"]
        self._stock[...] = state["stock"]

    def _samples(self, states: NDArray[np.float64]) -> Iterator[tuple[float, NDArray[np.float64]]]:
        first = self.step + 1
        for step, state in enumerate(states, first):
            for end, mean in self._means.add(step, state[None]):
                self._stock[self._row(end)] = mean
            if step % self._period == 0:
                yield step * self.dt, self._signal(step)

    def _row(self, step: int) -> int:
        """Row of the stock that holds the last mean completed at a step."""
        return (step // self._means.period - 1) % len(self._stock)

    def _signal(self, step: int) -> NDArray[np.float64]:
        weights = np.roll(self._weights, self._row(step) + 1)
        # not by BLAS, whose last digit can differ from process to process
        convolved = (weights[:, None, None] * self._stock).sum(axis=0)
        return self._response.gain * (convolved - self._response.baseline)


def _checked_gain(gain: NDArray[np.float64], n_regions: int) -> NDArray[np.float64]:
    checked = np.array(gain, dtype=np.float64)
    if checked.ndim != 2 or checked.shape[1] != n_regions:
        raise UserError(f"gain has shape {checked.shape}, must be (sensors, {n_regions}), one column per region")
    if not np.isfinite(checked).all():
        sensors = np.flatnonzero(~np.isfinite(checked).all(axis=1)).tolist()
        raise UserError(f"gain is not finite for sensors {sensors}: leave these out or set their gain to 0")
    return checked


def region_gain(
    vertex_gain: NDArray[np.float64], region_of_vertex: NDArray[np.int64], n_regions: int
) -> NDArray[np.float64]:
    """The gain of regions from that of the vertices of a cortical surface.

    Args:
        vertex_gain: shape (sensors, vertices).
        region_of_vertex: the region that each vertex belongs to, shape (vertices,).
        n_regions: number of regions.

    Returns:
        Shape (sensors, regions): sums over the vertices of each region, as The Virtual Brain takes them.

    Raises:
        UserError: the arrays do not fit together.
    """
    if vertex_gain.shape[1:] != region_of_vertex.shape:
        raise UserError(f"gain of shape {vertex_gain.shape} for a mapping of {len(region_of_vertex)} vertices")
    if not np.isin(region_of_vertex, np.arange(n_regions)).all():
        raise UserError(f"the mapping names regions other than 0 to {n_regions - 1}")
    gain = np.zeros((len(vertex_gain), n_regions))
    np.add.at(gain.T, region_of_vertex, vertex_gain.T)
    return gain


def _steps(dt: float, period: float) -> int:
    steps = Clock(dt, 0).ticks(period, "period of a monitor")
    if steps < 1:
        raise UserError(f"period of a monitor = {period} ms: must be at least the time step dt = {dt} ms")
    return steps
