"""A whole brain computed by The Virtual Brain itself: any of its models, couplings and integrators, and our reference.

The Simulator is called piece by piece, and between the pieces the rates of the proxies are written into its history,
which is all that other regions ever read of a region. A piece is no longer than the shortest delay from a proxy, so
nothing reads a value of a proxy before it is written.
"""

from __future__ import annotations

import copy
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from tvb.datatypes.connectivity import Connectivity
from tvb.simulator.coupling import Linear
from tvb.simulator.history import SparseHistory
from tvb.simulator.integrators import HeunStochastic
from tvb.simulator.models.zerlaut import ZerlautAdaptationFirstOrder, ZerlautAdaptationSecondOrder
from tvb.simulator.noise import Additive
from tvb.simulator.simulator import Simulator

from mpi_coupling.failure import UserError
from tvb_nest.connectome import Connectome
from tvb_nest.tvb_side.brain import Brain, IntegratorParameters, State, check_state
from tvb_nest.tvb_side.mean_field.parameters import MeanFieldParameters
from tvb_nest.tvb_side.noise import NoiseParameters, restore_stream, stream_state

MODELS = {1: ZerlautAdaptationFirstOrder, 2: ZerlautAdaptationSecondOrder}
INTEGERS = ("N_tot", "K_ext_e", "K_ext_i")
"""Parameters that the library wants as whole numbers."""


@dataclass(frozen=True)
class Translation:
    """How the proxies' rates become a variable of the model, and the coupling a rate; both linear.

    Attributes:
        scale: rate per unit of the variable [kHz].
        offset: rate where the variable is 0 [kHz].
        input_scale: rate into a proxy per unit of the coupling [kHz].
        input_offset: rate into a proxy where the coupling is 0 [kHz]; a number or one per proxy.
    """

    scale: float = 1.0
    offset: float = 0.0
    input_scale: float = 1.0
    input_offset: float | NDArray[np.float64] = 0.0

    def of_rates(self, rates: NDArray[np.float64]) -> NDArray[np.float64]:
        """Values of the variable."""
        return (rates - self.offset) / self.scale

    def of_coupling(self, coupling: NDArray[np.float64]) -> NDArray[np.float64]:
        """Rates [kHz] into proxies, shape (..., n_proxies)."""
        return self.input_scale * coupling + self.input_offset


class ReferenceBrain(Brain):
    """Drives a Simulator of The Virtual Brain.

    The proxies' own equations go on being computed, to nobody's use but that of the models with several coupling
    variables: of these only one is replaced.
    """

    def __init__(
        self,
        simulator: Simulator,
        spiking: Sequence[int] = (),
        *,
        proxy_variable: int = 0,
        compat_upstream: bool = False,
        translation: Translation | None = None,
    ) -> None:
        """Takes over a simulator.

        Args:
            simulator: configured, for regions (no surface), with one mode, without stimulus. Its monitors are removed;
                its connectivity must not connect regions with themselves.
            spiking: the proxies.
            proxy_variable: the state variable that stands for the proxies' rate; it must be a coupling variable.
            compat_upstream: see `Brain`.
            translation: between the model and kHz; the variable and the coupling are rates in kHz if missing.

        Raises:
            UserError: a proxy is no region, or the simulator is none of those that can be coupled.
        """
        connectivity, model = simulator.connectivity, simulator.model
        super().__init__(connectivity.weights, connectivity.idelays, spiking, compat_upstream)
        self.simulator = simulator
        _check_simulator(simulator, proxy_variable)
        self._variable = proxy_variable
        self._translation = translation or Translation()
        self._cvar = list(model.cvar).index(proxy_variable)
        simulator.monitors = []
        self._first = simulator.current_step
        self._step_states: list[NDArray[Any]] = []
        self._integrate = simulator.integrate_next_step
        simulator.integrate_next_step = self._integrate_and_keep
        self._heard = _HeardHistory(
            np.where(self.heard_sources, connectivity.weights, 0.0), connectivity.idelays, model.cvar, 1
        )
        self._coupling_function = _for_other_weights(simulator.coupling)

    @property
    def state_variables(self) -> tuple[str, ...]:
        """Names of the state variables, in the order of the states."""
        return tuple(self.simulator.model.state_variables)

    @property
    def rate_variable(self) -> int:
        """The state variable that is the rate of proxies."""
        return self._variable

    def proxy_values(self, rates: NDArray[np.float64]) -> NDArray[np.float64]:
        """Rates [kHz] as values of that variable."""
        return self._translation.of_rates(rates)

    def state(self) -> dict[str, NDArray[Any]]:
        """All that is needed to go on from here, bit for bit."""
        state = {
            "clock": np.array([self.step, self.known, self._first]),
            "X": self.simulator.current_state.copy(),
            "history": self.simulator.history.buffer.copy(),
        }
        noise = getattr(self.simulator.integrator, "noise", None)
        if noise is not None:
            state |= stream_state(noise.random_stream)
            if noise.ntau > 0:
                state["coloured"] = noise._eta.copy()
        return state

    def restore(self, state: State) -> None:
        """Goes back to what `state` gave; the brain must have been made with the same arguments.

        Raises:
            UserError: the state is one of another brain.
        """
        check_state(self, self.state(), state)
        self.step, self.known, self._first = (int(x) for x in state["clock"])
        self.simulator.current_step = self._first + self.step
        self.simulator.current_state = state["X"].copy()
        self.simulator.history.buffer[...] = state["history"]
        if "stream_keys" in state:
            restore_stream(self.simulator.integrator.noise.random_stream, state)
        if "coloured" in state:
            self.simulator.integrator.noise._eta = state["coloured"].copy()

    def _advance(self, n_steps: int, rates: NDArray[np.float64] | None) -> NDArray[np.float64]:
        piece = n_steps if rates is None else int(min(n_steps, self._patience + 1))
        states = np.empty((n_steps, len(self.state_variables), self.n_regions))
        for first in range(0, n_steps, piece):
            last = min(first + piece, n_steps)
            self._step_states.clear()
            for _ in self.simulator(n_steps=np.int64(last - first)):
                pass
            states[first:last] = np.stack(self._step_states)[..., 0]
            if rates is not None:
                self._fill(self.step + first + 1, rates[first:last])
        states[:, :, self.spiking] = np.nan
        if rates is not None:
            states[:, self._variable, self.spiking] = rates
            self.simulator.current_state[self._variable, self.spiking, 0] = rates[-1]
        return states

    def _write(self, first_step: int, rates: NDArray[np.float64]) -> None:
        self._fill(first_step, rates, newest=self.step)
        if first_step + len(rates) - 1 == self.step:
            self.simulator.current_state[self._variable, self.spiking, 0] = rates[-1]

    def _fill(self, first_step: int, rates: NDArray[np.float64], newest: int | None = None) -> None:
        """Writes values of proxies into those rows of the history that have not been used again since."""
        buffer = self.simulator.history.buffer
        newest = first_step + len(rates) - 1 if newest is None else newest
        for step, row in enumerate(rates, first_step):
            if step > newest - len(buffer):
                buffer[(self._first + step) % len(buffer), self._cvar, self.spiking, 0] = row

    def _coupling(self, n_steps: int) -> NDArray[np.float64]:
        self._heard.buffer = self.simulator.history.buffer
        first = self._first + self.step + 1
        inputs = np.empty((n_steps, len(self.spiking)))
        for k in range(n_steps):
            coupling = self._coupling_function(first + k, self._heard)
            row = min(self._cvar, len(coupling) - 1)  # some couplings have one output for all variables
            inputs[k] = coupling[row, self.spiking, 0]
        if np.isnan(inputs).any():
            raise UserError(
                f"the coupling {type(self._coupling_function).__name__} depends on the state of the receiving "
                "region, which is not known ahead for spiking regions: choose another coupling"
            )
        return self._translation.of_coupling(inputs)

    def _integrate_and_keep(self, *arguments: Any) -> NDArray[Any]:
        state = self._integrate(*arguments)
        self._step_states.append(state.copy())  # some models and integrators reuse the array
        return state


def _for_other_weights(coupling: Any) -> Any:
    """A copy of a coupling without what it has kept about the simulator's sparse weights."""
    copied = copy.copy(coupling)
    for cached in ("_cached_lri", "_cached_nzr"):
        vars(copied).pop(cached, None)
    return copied


class _HeardHistory(SparseHistory):
    """The history as proxies hear it; the state of the region that hears is not known ahead, hence NaN."""

    def query_sparse(self, step: int) -> tuple[NDArray[Any], NDArray[Any]]:
        current, delayed = super().query_sparse(step)
        return np.full_like(current, np.nan), delayed


def mean_field_simulator(
    connectome: Connectome,
    parameters: MeanFieldParameters,
    integrator: IntegratorParameters,
    *,
    noise: NoiseParameters | None = None,
    coupling: float = 1.0,
    initial: NDArray[np.float64] | None = None,
) -> Simulator:
    """The Virtual Brain's simulator of the same brain as a `MeanFieldBrain` with these arguments.

    Args:
        initial: a constant past, shape (n_variables, n_regions); zeros if missing.

    Raises:
        UserError: the parameters deviate from the library's equations.
    """
    if not parameters.tvb_compat or (parameters.order == 2 and parameters.covariance != "tvb-library"):
        raise UserError("tvb-library has its own equations only: needs tvb_compat and covariance tvb-library")
    variables = parameters.state_variables
    additive = Additive(nsig=(noise or NoiseParameters()).by_variable(variables), noise_seed=integrator.seed)
    return configured_simulator(
        connectome,
        library_model(parameters),
        Linear(a=np.array([float(coupling)])),
        HeunStochastic(dt=integrator.dt, noise=additive),
        np.zeros((len(variables), connectome.n_regions)) if initial is None else initial,
    )


def configured_simulator(
    connectome: Connectome, model: Any, coupling: Any, integrator: Any, initial: NDArray[np.float64]
) -> Simulator:
    """A simulator of The Virtual Brain without monitors, that can be taken over.

    Args:
        connectome: of the brain.
        model, coupling, integrator: of the library, not yet configured.
        initial: a constant past, shape (n_variables, n_regions).
    """
    connectivity = Connectivity(
        weights=connectome.weights.copy(),
        tract_lengths=connectome.lengths.copy(),
        centres=connectome.centres.copy(),
        region_labels=np.array(connectome.labels),
        speed=np.array([connectome.speed]),
    )
    horizon = int(connectome.delays(integrator.dt).max()) + 1
    simulator = Simulator(
        model=model,
        connectivity=connectivity,
        coupling=coupling,
        integrator=integrator,
        initial_conditions=np.repeat(initial[None, :, :, None], horizon, axis=0),
        monitors=[],
    )
    simulator.configure()
    return simulator


def use_double_precision(simulator: Simulator) -> None:
    """Makes the history of a configured simulator double precision, weights included.

    The library keeps both in single precision, which limits its rates to some 1e-8 kHz. Its descriptors convert what
    is assigned to them, so their arrays are exchanged.
    """
    history = simulator.history
    exact = {
        "buffer": history.buffer,
        "nnz_weights": simulator.connectivity.weights[history.nnz_mask],
        "es_weights": simulator.connectivity.weights[:, None, :, None],
    }
    for name, value in exact.items():
        descriptor = next(vars(kind)[name] for kind in type(history).__mro__ if name in vars(kind))
        descriptor.instance_state[history] = descriptor.State(value.astype(np.float64), True)


def library_model(parameters: MeanFieldParameters) -> Any:
    """The library's model with these parameters, not yet configured."""
    names = [name for name in ZerlautAdaptationFirstOrder.declarative_attrs if hasattr(parameters, name)]
    values = {name: np.atleast_1d(np.asarray(getattr(parameters, name), dtype=float)) for name in names}
    values |= {name: values[name].astype(int) for name in INTEGERS}
    return MODELS[parameters.order](**{name: value for name, value in values.items() if name != "state_variables"})


def _check_simulator(simulator: Simulator, variable: int) -> None:
    if simulator.surface is not None:
        raise UserError("the simulator has a surface: regions only can be coupled")
    if simulator.stimulus is not None:
        raise UserError("the simulator has a stimulus: The Virtual Brain would begin it anew in every window")
    if simulator.model.number_of_modes != 1:
        raise UserError(f"the model {type(simulator.model).__name__} has several modes: only one can be coupled")
    if variable not in simulator.model.cvar:
        raise UserError(f"state variable {variable} is no coupling variable: those are {simulator.model.cvar.tolist()}")
    if np.diag(simulator.connectivity.weights).any():
        raise UserError("the connectivity connects regions with themselves: set its diagonal to 0")
