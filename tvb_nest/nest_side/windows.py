"""What a network of spiking regions does window by window, wherever its neurons are: here or in other processes."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Protocol, Self

import numpy as np
from numpy.typing import NDArray

from mpi_coupling.failure import UserError
from tvb_nest.nest_side.exchange import Train
from tvb_nest.nest_side.parameters import NetworkParameters
from tvb_nest.nest_side.populations import EXCITATORY


class SpikingRegion(Protocol):
    """A region, by its index into the connectome."""

    @property
    def index(self) -> int: ...


class WindowedNetwork(ABC):
    """NEST's part of the brain. Step s is the time s * dt, a window of n steps is (s, s + n].

    Use it as a context manager or call `close`.

    Args:
        parameters: of the network.

    Attributes:
        parameters: of the network.
        dt: time step (ms).
        step: that has been reached.
    """

    def __init__(self, parameters: NetworkParameters) -> None:
        self.parameters, self.dt = parameters, parameters.sim_resolution
        self.step = 0
        self._prepared = False
        self._covered = 0

    @property
    @abstractmethod
    def regions(self) -> Sequence[SpikingRegion]:
        """The spiking regions; their order is that of all arrays."""

    @property
    @abstractmethod
    def populations(self) -> dict[int, dict[str, list[int]]]:
        """NEST's ids of the neurons, by region and population."""

    @property
    def n_neurons(self) -> list[int]:
        """Neurons per region."""
        return [sum(map(len, by_name.values())) for by_name in self.populations.values()]

    @property
    def n_excitatory(self) -> list[int]:
        """Excitatory neurons per region, whose mean rate TVB sees."""
        return [len(by_name.get(EXCITATORY, ())) for by_name in self.populations.values()]

    @property
    @abstractmethod
    def min_delay_steps(self) -> int:
        """The shortest delay in the network; windows are multiples of it."""

    def prepare(self) -> None:
        """Make the network ready to run."""
        if not self._prepared:
            self._prepare()
            self._prepared = True
            self._grain = self.min_delay_steps

    def set_rates(self, window_start_step: int, rates: NDArray[np.float64]) -> None:
        """Give the next window's Poisson input.

        Args:
            window_start_step: must be `step`.
            rates: (steps, regions), in Hz per neuron, of all external synapses together.

        Raises:
            UserError: a rate is negative or not a number.
            ValueError: the window or the shape is wrong, or the network has no such input.
        """
        self._check_input("rates", window_start_step)
        self._covered = self._set_rates(np.asarray(rates, dtype=float))

    def set_spikes(self, window_start_step: int, trains: Sequence[Train]) -> None:
        """Give the next window's spikes.

        Args:
            window_start_step: must be `step`.
            trains: neurons and times (ms) of the spikes into each region; a region may have none.

        Raises:
            ValueError: the window, a neuron or a time is wrong, or the network has no such input.
        """
        self._check_input("spikes", window_start_step)
        self._set_spikes(trains)

    def run(self, n_steps: int) -> None:
        """Simulate a window; afterwards `spikes` gives what fired in it.

        Raises:
            UserError: a window before was no multiple of the shortest delay. NEST would go on, but its devices then
                draw their random numbers in another order, so that the result depends on the window.
            RuntimeError: the network is not prepared, or the window has steps without a rate.
        """
        if not self._prepared:
            raise RuntimeError("prepare() the network before run()")
        if self.step % self._grain:
            raise UserError(
                f"a window ended at {self.step * self.dt:.6g} ms, but only the last one may be no multiple of NEST's "
                f"shortest delay, {self._grain * self.dt:.6g} ms: choose another window or delay_local"
            )
        end = self.step + n_steps
        if self.parameters.external_input == "rates" and end > self._covered:
            raise RuntimeError(f"there are input rates up to step {self._covered} only, not up to {end}: set_rates()")
        self._run(n_steps)
        self.step = end

    @abstractmethod
    def spikes(self, region: int, population: str | None = None) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
        """Spikes of a region in the last window.

        Args:
            region: index into the connectome.
            population: one of the recorded ones; None is all of them.

        Returns:
            Times (ms), sorted, and neurons, counted in the region.

        Raises:
            ValueError: the population is not recorded.
        """

    @abstractmethod
    def close(self) -> None:
        """End the simulation, close the files and free NEST's memory. May be called twice."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @abstractmethod
    def _prepare(self) -> None: ...

    @abstractmethod
    def _set_rates(self, rates: NDArray[np.float64]) -> int:
        """Take the rates; returns the last step that has one."""

    @abstractmethod
    def _set_spikes(self, trains: Sequence[Train]) -> None: ...

    @abstractmethod
    def _run(self, n_steps: int) -> None: ...

    def _check_input(self, kind: str, start: int) -> None:
        """Refuse input of another kind or for another window."""
        if self.parameters.external_input != kind:
            raise ValueError(f"the network's external_input is {self.parameters.external_input!r}, not {kind!r}")
        if start != self.step:
            raise ValueError(f"input for the window from step {start}, but the network is at step {self.step}")
