"""What a whole-brain simulator offers to the co-simulation, whichever engine computes it.

Time is counted in steps; step s lies at s * dt, and computing it advances the brain from (s - 1) * dt to s * dt. During
that step a region receives what other regions fired at step s - 1 - delay, as in The Virtual Brain. Proxies are the
regions that another simulator computes: their rate is written into the history at its true time. It is needed there
only a delay later, so it may be given when the steps are computed or, within that delay, after them.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mpi_coupling.failure import UserError

State = Mapping[str, NDArray[Any]]


@dataclass(frozen=True)
class IntegratorParameters:
    """How the brain advances in time.

    Attributes:
        dt: time step [ms].
        seed: seed of the noise.

    Raises:
        UserError: `dt` is not positive, or the seed is not in 0 to 2^32 - 1.
    """

    dt: float = 0.1
    seed: int = 42

    def __post_init__(self) -> None:
        if not (math.isfinite(self.dt) and self.dt > 0):
            raise UserError(f"dt = {self.dt} ms: the time step must be a number above 0")
        if not 0 <= self.seed < 2**32:
            raise UserError(f"seed = {self.seed}: must lie in 0 to {2**32 - 1}")


class Brain(ABC):
    """A whole brain, some regions of which may be proxies.

    Attributes:
        spiking: indices of the proxies; a column of rates belongs to each, in this order.
        n_regions: number of regions.
        step: the last step that was computed; 0 at the beginning.
        known: the last step at which the proxies' rates are known.
        compat_upstream: the input of proxies includes that from other proxies, as in the project TVB-NEST, although
            those are connected in their own simulator too.
    """

    def __init__(
        self, weights: NDArray[Any], delays: NDArray[Any], spiking: Sequence[int], compat_upstream: bool = False
    ) -> None:
        """Checks the regions and finds how far ahead and behind things may be asked.

        Args:
            weights: shape (n_regions, n_regions), [target, source].
            delays: delays in steps, same shape.
            spiking: the proxies.
            compat_upstream: see the class.

        Raises:
            UserError: a proxy is no region or is named twice.
        """
        self.spiking = np.array(spiking, dtype=np.int64).reshape(-1)
        self.n_regions = len(weights)
        self.compat_upstream = compat_upstream
        self.step = 0
        self.known = 0
        regions = np.arange(len(weights))
        if len(np.unique(self.spiking)) != len(self.spiking) or not np.isin(self.spiking, regions).all():
            raise UserError(f"spiking regions {list(spiking)}: must be different numbers from 0 to {len(weights) - 1}")
        connected = np.asarray(weights) != 0
        is_proxy = np.isin(regions, self.spiking)
        into_proxies = connected & is_proxy[:, None]
        self.heard_sources = into_proxies if compat_upstream else into_proxies & ~is_proxy
        """Which connections carry input into proxies, shape (n_regions, n_regions)."""
        self._reach = _shortest(delays, self.heard_sources)
        self._patience = _shortest(delays, connected & is_proxy & ~is_proxy[:, None])

    @property
    @abstractmethod
    def state_variables(self) -> tuple[str, ...]:
        """Names of the state variables, in the order of the states."""

    def run(self, n_steps: int, proxy_rates: NDArray[np.float64] | None = None) -> NDArray[np.float64]:
        """Advances by some steps.

        Args:
            n_steps: how many, at least 1.
            proxy_rates: rates of the proxies [kHz] in exactly these steps, shape (n_steps, n_proxies). Without them
                they have to follow by `supply`; the steps must then be few enough not to need them.

        Returns:
            The states, shape (n_steps, n_variables, n_regions). At proxies the variable that is the rate has the given
            one, NaN as long as it is not known; all others are NaN.

        Raises:
            ValueError: the rates have the wrong shape, are not finite, or are needed and missing.
            UserError: the state left the range of numbers.
        """
        if n_steps < 1:
            raise ValueError(f"{n_steps} steps: must be at least 1")
        rates = None if not len(self.spiking) else proxy_rates
        if rates is not None:
            self._check_rates(rates, n_steps)
            if self.known != self.step:
                raise ValueError(f"rates of steps {self.known + 1} to {self.step} are still missing: supply them first")
        elif len(self.spiking) and self.step + n_steps - 1 - self._patience > self.known:
            raise ValueError(
                f"steps to {self.step + n_steps} need rates of the proxies after step {self.known}: none are known"
            )
        states = self._advance(n_steps, None if rates is None else self.proxy_values(rates))
        self.step += n_steps
        self.known = self.step if rates is not None or not len(self.spiking) else self.known
        self._refuse_divergence(states)
        return states

    def supply(self, proxy_rates: NDArray[np.float64]) -> None:
        """Gives the proxies' rates [kHz] of the next steps that were computed without, shape (m, n_proxies).

        Raises:
            ValueError: the rates have the wrong shape, are not finite, or are more than were computed.
        """
        m = len(proxy_rates)
        self._check_rates(proxy_rates, m)
        if self.known + m > self.step:
            raise ValueError(f"rates for steps {self.known + 1} to {self.known + m}, but step {self.step} is the last")
        self._write(self.known + 1, np.ascontiguousarray(self.proxy_values(proxy_rates), dtype=np.float64))
        self.known += m

    @property
    def rate_variable(self) -> int:
        """The state variable that is the rate of proxies."""
        return 0

    def proxy_values(self, rates: NDArray[np.float64]) -> NDArray[np.float64]:
        """Rates [kHz] as values of that variable."""
        return rates

    def fill(self, states: NDArray[np.float64], rates: NDArray[np.float64]) -> None:
        """Puts the proxies' rates [kHz] of some steps, shape (n_steps, n_proxies), into the states of these."""
        states[:, self.rate_variable, self.spiking] = self.proxy_values(rates)

    def coupling_into_proxies(self, n_steps: int) -> NDArray[np.float64]:
        """The input of the proxies in the next steps [kHz].

        Row k belongs to step ``step + 1 + k`` and is what its sources fired one delay before the step begins.

        Returns:
            Shape (n_steps, n_proxies).

        Raises:
            ValueError: the steps reach beyond the shortest delay, or rates of proxies are needed that are not known.
        """
        newest = self.step + n_steps - 1 - self._reach
        if newest > (self.known if self.compat_upstream else self.step):
            raise ValueError(f"the input of the next {n_steps} steps depends on activity that is not known yet")
        return self._coupling(n_steps)

    @abstractmethod
    def state(self) -> dict[str, NDArray[Any]]:
        """All that is needed to go on from here, bit for bit."""

    @abstractmethod
    def restore(self, state: State) -> None:
        """Goes back to what `state` gave; the brain must have been made with the same arguments.

        Raises:
            UserError: the state is one of another brain.
        """

    @abstractmethod
    def _advance(self, n_steps: int, rates: NDArray[np.float64] | None) -> NDArray[np.float64]:
        """`run`, after its checks; rates are values of the variable."""

    @abstractmethod
    def _write(self, first_step: int, rates: NDArray[np.float64]) -> None:
        """Puts rates of proxies, as values of the variable, into the history of steps that were computed."""

    @abstractmethod
    def _coupling(self, n_steps: int) -> NDArray[np.float64]:
        """`coupling_into_proxies`, after its checks."""

    def _check_rates(self, rates: NDArray[np.float64], n_steps: int) -> None:
        if np.shape(rates) != (n_steps, len(self.spiking)):
            raise ValueError(f"rates have shape {np.shape(rates)}, must have {(n_steps, len(self.spiking))}")
        if not np.isfinite(rates).all():
            raise ValueError("rates of proxies must be finite")

    def _refuse_divergence(self, states: NDArray[np.float64]) -> None:
        own: NDArray[np.bool_] = np.array(np.isfinite(states).all(axis=1))
        own[:, self.spiking] = True
        if not own.all():
            k, region = np.argwhere(~own)[0]
            raise UserError(
                f"the state of region {region} left the range of numbers at step {self.step - len(states) + 1 + k}: "
                "the coupling is too strong, the time step too long, or the initial history too far out"
            )


def check_state(brain: Brain, own: State, given: State) -> None:
    """Refuses a checkpoint of another brain.

    Raises:
        UserError: names or shapes of the arrays differ.
    """
    shapes, wanted = ({name: np.shape(array) for name, array in state.items()} for state in (given, own))
    if shapes != wanted:
        raise UserError(f"the saved state does not fit a {type(brain).__name__}: it has {shapes}, needed are {wanted}")


def _shortest(delays: NDArray[Any], connections: NDArray[np.bool_]) -> float:
    return np.min(np.asarray(delays, dtype=np.float64)[connections], initial=math.inf)
