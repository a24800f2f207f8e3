"""Noise: what is added to the state in each step, from a stream of random numbers that can be saved."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from mpi_coupling.failure import UserError


class NoiseSource(Protocol):
    """Draws what noise adds to the state."""

    def increments(self, n_steps: int) -> NDArray[np.float64]:
        """What the next steps add, shape (n_steps, n_variables, n_regions)."""

    def state(self) -> dict[str, NDArray[Any]]:
        """All that is needed to go on from here."""

    def restore(self, state: Mapping[str, NDArray[Any]]) -> None:
        """Goes back to what `state` gave."""


@dataclass(frozen=True)
class NoiseParameters:
    """Additive white noise as in The Virtual Brain: a step adds sqrt(2 D dt) N(0, 1).

    Attributes:
        dispersion: name of a state variable -> D [its unit squared per ms]; variables that are not named get none.

    Raises:
        UserError: a dispersion is negative.
    """

    dispersion: Mapping[str, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        wrong = {name: value for name, value in self.dispersion.items() if not 0 <= value < math.inf}
        if wrong:
            raise UserError(f"noise: dispersion {wrong}: must be finite and not negative")

    def by_variable(self, variables: Sequence[str]) -> NDArray[np.float64]:
        """The dispersion of each of the variables.

        Raises:
            UserError: a name is not that of a variable.
        """
        return _by_variable(self.dispersion, variables)

    def source(self, variables: Sequence[str], n_regions: int, dt: float, seed: int) -> NoiseSource:
        """Starts the noise; see `WhiteNoise`."""
        return WhiteNoise(self.by_variable(variables), n_regions, dt, seed)


@dataclass(frozen=True)
class OrnsteinUhlenbeckParameters:
    """Coloured noise as the project TVB-NEST adds it; other noise than The Virtual Brain's ``ou_drift``.

    Every variable of every region has a process x -> x - dt / tau_OU x + sqrt(dt) N(0, 1), and a step adds
    1e-3 * weight * (mu + nsig x). What is added does not shrink with dt: the strength per ms is that of dt = 0.1 ms
    only at this step.

    Attributes:
        tau_OU: time constant of the processes [ms].
        mu, nsig: mean and strength of the noise.
        weights: name of a state variable -> its weight; variables that are not named get no noise.

    Raises:
        UserError: a number is not finite or the time constant is not positive.
    """

    tau_OU: float = 20.0
    mu: float = 0.7
    nsig: float = 0.05
    weights: Mapping[str, float] = field(default_factory=lambda: {"E": 0.01})

    def __post_init__(self) -> None:
        if not (0 < self.tau_OU < math.inf):
            raise UserError(f"noise: tau_OU = {self.tau_OU} ms: must be above 0")
        if not all(math.isfinite(number) for number in (self.mu, self.nsig, *self.weights.values())):
            raise UserError("noise: mu, nsig and weights must be finite")

    def source(self, variables: Sequence[str], n_regions: int, dt: float, seed: int) -> NoiseSource:
        """Starts the noise; see `OrnsteinUhlenbeckNoise`."""
        return OrnsteinUhlenbeckNoise(self, _by_variable(self.weights, variables), n_regions, dt, seed)


class WhiteNoise:
    """Draws the increments of additive noise, in the order of The Virtual Brain: step, variable, region."""

    def __init__(self, dispersion: NDArray[np.float64], n_regions: int, dt: float, seed: int) -> None:
        """Starts the stream.

        Args:
            dispersion: D of each variable.
            n_regions: number of regions.
            dt: time step [ms].
            seed: seed of numpy's RandomState, which The Virtual Brain uses.
        """
        self._factor = np.sqrt(2.0 * dispersion)[:, None] * np.ones(n_regions)
        self._root_dt = np.sqrt(dt)
        self._stream = np.random.RandomState(seed)

    def increments(self, n_steps: int) -> NDArray[np.float64]:
        """What the next steps add, shape (n_steps, n_variables, n_regions)."""
        if not self._factor.any():
            return np.zeros((n_steps, *self._factor.shape))
        increments = self._stream.normal(size=(n_steps, *self._factor.shape))
        increments *= self._root_dt
        increments *= self._factor
        return increments

    def state(self) -> dict[str, NDArray[Any]]:
        """Where the stream is."""
        return stream_state(self._stream)

    def restore(self, state: Mapping[str, NDArray[Any]]) -> None:
        """Goes back to what `state` gave."""
        restore_stream(self._stream, state)


class OrnsteinUhlenbeckNoise:
    """Draws the increments of `OrnsteinUhlenbeckParameters`; the processes start at 0."""

    def __init__(
        self,
        parameters: OrnsteinUhlenbeckParameters,
        weights: NDArray[np.float64],
        n_regions: int,
        dt: float,
        seed: int,
    ) -> None:
        """Starts the processes.

        Args:
            parameters: time constant, mean and strength.
            weights: the weight of each variable.
            n_regions: number of regions.
            dt: time step [ms].
            seed: seed of the stream.
        """
        self._parameters = parameters
        self._weights = 1e-3 * weights[:, None]
        self._dt = dt
        self._x = np.zeros((len(weights), n_regions))
        self._stream = np.random.RandomState(seed)

    def increments(self, n_steps: int) -> NDArray[np.float64]:
        """What the next steps add, shape (n_steps, n_variables, n_regions)."""
        increments = np.sqrt(self._dt) * self._stream.normal(size=(n_steps, *self._x.shape))
        for row in increments:
            self._x += row - self._dt / self._parameters.tau_OU * self._x
            row[...] = self._weights * (self._parameters.mu + self._parameters.nsig * self._x)
        return increments

    def state(self) -> dict[str, NDArray[Any]]:
        """Where the stream and the processes are."""
        return {"ornstein_uhlenbeck": self._x.copy(), **stream_state(self._stream)}

    def restore(self, state: Mapping[str, NDArray[Any]]) -> None:
        """Goes back to what `state` gave."""
        self._x[...] = state["ornstein_uhlenbeck"]
        restore_stream(self._stream, state)


def stream_state(stream: np.random.RandomState) -> dict[str, NDArray[Any]]:
    """The state of a stream of random numbers, as arrays."""
    state: Any = stream.get_state(legacy=False)
    return {
        "stream_keys": state["state"]["key"],
        "stream_position": np.array([state["state"]["pos"], state["has_gauss"]]),
        "stream_gauss": np.array([state["gauss"]]),
    }


def restore_stream(stream: np.random.RandomState, state: Mapping[str, NDArray[Any]]) -> None:
    """Sets a stream to what `stream_state` gave."""
    position, has_gauss = (int(x) for x in state["stream_position"])
    stream.set_state(("MT19937", state["stream_keys"], position, has_gauss, float(state["stream_gauss"][0])))


def _by_variable(values: Mapping[str, float], variables: Sequence[str]) -> NDArray[np.float64]:
    unknown = set(values) - set(variables)
    if unknown:
        raise UserError(f"noise: no variable {sorted(unknown)}; there are {', '.join(variables)}")
    return np.array([float(values.get(name, 0.0)) for name in variables])
