"""A whole brain of mean fields, computed by the compiled kernel."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mpi_coupling.failure import UserError
from tvb_nest.connectome import Connectome
from tvb_nest.tvb_side.brain import Brain, IntegratorParameters, State, check_state
from tvb_nest.tvb_side.mean_field import kernel
from tvb_nest.tvb_side.mean_field.parameters import MeanFieldParameters
from tvb_nest.tvb_side.noise import NoiseParameters, OrnsteinUhlenbeckParameters

BLOCK = 512
"""Steps in one call of the kernel: the noise is drawn for as many, which bounds its memory."""


class MeanFieldBrain(Brain):
    """Mean fields coupled by delayed excitatory rates; equal to The Virtual Brain's model, and much faster."""

    def __init__(
        self,
        connectome: Connectome,
        parameters: MeanFieldParameters,
        integrator: IntegratorParameters,
        *,
        noise: NoiseParameters | OrnsteinUhlenbeckParameters | None = None,
        coupling: float = 1.0,
        spiking: Sequence[int] = (),
        initial: NDArray[np.float64] | None = None,
        compat_upstream: bool = False,
    ) -> None:
        """Puts the brain at step 0.

        Args:
            connectome: the regions and tracts.
            parameters: the mean field, the same in all regions.
            integrator: time step and seed.
            noise: white or coloured noise; none if missing.
            coupling: factor of the input from other regions.
            spiking: the proxies.
            initial: the past, shape (n_past, n_variables, n_regions) or, constant, (n_variables, n_regions); the last
                row is step 0, and before the first row that stays. Zeros if missing.
            compat_upstream: see `Brain`.

        Raises:
            UserError: a proxy is no region, or `initial` has the wrong shape or is not finite.
        """
        delays = connectome.delays(integrator.dt)
        super().__init__(connectome.weights, delays, spiking, compat_upstream)
        self.parameters = parameters
        self._dt = integrator.dt
        self._constants = parameters.constants()
        self._coupling_all = _sparse(coupling, connectome.weights, delays, connectome.weights != 0)
        self._coupling_heard = _sparse(coupling, connectome.weights, delays, self.heard_sources)
        noise = noise or NoiseParameters()
        self._noise = noise.source(self.state_variables, self.n_regions, integrator.dt, integrator.seed)
        past = self._past(initial, horizon=int(delays.max(initial=0)) + 1)
        self._history = np.ascontiguousarray(np.roll(past[:, 0], 1, axis=0))  # row 0 is step 0
        self._X = past[-1].copy()
        self._X[1:, self.spiking] = np.nan
        nothing = np.empty((0, *self._X.shape))
        self._advance_block(1, nothing, np.empty((0, len(self.spiking))), nothing)  # loads compiled code
        self._coupling(0)

    @property
    def state_variables(self) -> tuple[str, ...]:
        """Names of the state variables, in the order of the states."""
        return self.parameters.state_variables

    def state(self) -> dict[str, NDArray[Any]]:
        """All that is needed to go on from here, bit for bit."""
        clock = np.array([self.step, self.known])
        return {"clock": clock, "X": self._X.copy(), "history": self._history.copy(), **self._noise.state()}

    def restore(self, state: State) -> None:
        """Goes back to what `state` gave; the brain must have been made with the same arguments.

        Raises:
            UserError: the state is one of another brain.
        """
        check_state(self, self.state(), state)
        self.step, self.known = (int(x) for x in state["clock"])
        self._X[...] = state["X"]
        self._history[...] = state["history"]
        self._noise.restore(state)

    def _advance(self, n_steps: int, rates: NDArray[np.float64] | None) -> NDArray[np.float64]:
        states = np.empty((n_steps, *self._X.shape))
        if rates is None:
            rates = np.full((n_steps, len(self.spiking)), np.nan)
        rates = np.ascontiguousarray(rates, dtype=np.float64)
        for first in range(0, n_steps, BLOCK):
            block = slice(first, min(first + BLOCK, n_steps))
            noise = self._noise.increments(block.stop - first)
            self._advance_block(self.step + 1 + first, noise, rates[block], states[block])
        return states

    def _advance_block(
        self,
        first_step: int,
        noise: NDArray[np.float64],
        rates: NDArray[np.float64],
        states: NDArray[np.float64],
    ) -> None:
        """Compute the steps from `first_step` on, as many as `noise` has, into `states`."""
        kernel.advance(
            first_step,
            self._X,
            self._history,
            self._coupling_all,
            self._dt,
            noise,
            self.spiking,
            rates,
            self._constants,
            states,
        )

    def _write(self, first_step: int, rates: NDArray[np.float64]) -> None:
        horizon = len(self._history)
        for step, row in list(enumerate(rates, first_step))[-horizon:]:
            if step > self.step - horizon:
                self._history[step % horizon, self.spiking] = row
        if first_step + len(rates) - 1 == self.step:
            self._X[0, self.spiking] = rates[-1]

    def _coupling(self, n_steps: int) -> NDArray[np.float64]:
        out = np.empty((n_steps, len(self.spiking)))
        kernel.delayed_inputs(self.spiking, self.step + 1, self._history, self._coupling_heard, out)
        return out

    def _past(self, initial: NDArray[np.float64] | None, horizon: int) -> NDArray[np.float64]:
        """The last `horizon` steps, oldest first, shape (horizon, n_variables, n_regions)."""
        shape = (len(self.state_variables), self.n_regions)
        past = np.zeros((1, *shape)) if initial is None else np.array(initial, dtype=np.float64)
        if past.ndim == 2:
            past = past[None]
        if past.shape[1:] != shape or not len(past) or not np.isfinite(past).all():
            raise UserError(
                f"initial state: must hold finite numbers of shape {shape} (variables, regions) or such for several "
                f"steps, not of shape {past.shape}"
            )
        missing = max(horizon - len(past), 0)
        return np.concatenate([np.repeat(past[:1], missing, axis=0), past])[-horizon:]


def _sparse(factor: float, weights: NDArray[Any], delays: NDArray[Any], chosen: NDArray[np.bool_]) -> tuple[Any, ...]:
    """The chosen connections as the kernel takes them: factor, row starts, sources, weights, delays."""
    starts = np.concatenate([[0], np.cumsum(chosen.sum(axis=1))]).astype(np.int64)
    sources = np.nonzero(chosen)[1].astype(np.int64)
    return float(factor), starts, sources, weights[chosen].astype(np.float64), delays[chosen].astype(np.int64)
