"""Noise: what is added to the state in each step, from a stream of random numbers that can be saved."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mpi_coupling.failure import UserError


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
        wrong = {name: value for name, value in self.dispersion.items() if not value >= 0}
        if wrong:
            raise UserError(f"noise: dispersion {wrong}: must not be negative")

    def by_variable(self, variables: Sequence[str]) -> NDArray[np.float64]:
        """The dispersion of each of the variables.

        Raises:
            UserError: a name is not that of a variable.
        """
        unknown = set(self.dispersion) - set(variables)
        if unknown:
            raise UserError(f"noise: no variable {sorted(unknown)}; there are {', '.join(variables)}")
        return np.array([float(self.dispersion.get(name, 0.0)) for name in variables])


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


def stream_state(stream: np.random.RandomState) -> dict[str, NDArray[Any]]:
    """The state of a stream of random numbers, as arrays."""
    _, keys, position, has_gauss, gauss = stream.get_state()
    return {"stream_keys": keys, "stream_position": np.array([position, has_gauss]), "stream_gauss": np.array([gauss])}


def restore_stream(stream: np.random.RandomState, state: Mapping[str, NDArray[Any]]) -> None:
    """Sets a stream to what `stream_state` gave."""
    position, has_gauss = (int(x) for x in state["stream_position"])
    stream.set_state(("MT19937", state["stream_keys"], position, has_gauss, float(state["stream_gauss"][0])))
