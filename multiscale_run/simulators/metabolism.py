"""Energy metabolism of each neuron and its astrocyte: a stiff system of ordinary differential equations per neuron."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, ClassVar

import numpy as np

from mpi_coupling.clock import Clock
from mpi_coupling.console import get_logger
from mpi_coupling.world import UserError, World
from multiscale_run.config import SimulationConfig
from multiscale_run.config.schema.metabolism import LAYER_INPUT
from multiscale_run.config.schema.metabolism import Metabolism as MetabolismSettings
from multiscale_run.coupling import NEURONS, AliveNeurons, readable, writable
from multiscale_run.metabolism import Finding, Network, Status, find_rest, load_network, make_engine
from multiscale_run.metabolism.julia import use_environment
from multiscale_run.simulators.base import Simulator
from multiscale_run.simulators.checks import apply_checks, build_checks, exclude

log = get_logger(__name__)

ATP = "atp_c_n"
"""The neuron's cytosolic ATP: what its pump draws on."""

Slot = int | str


def _species_unit(arguments: Mapping[str, Any]) -> str:
    network = load_network("standard")
    return _unit(arguments, network.species, network.slot)


def _input_unit(arguments: Mapping[str, Any]) -> str:
    network = load_network("standard")
    return _unit(arguments, network.inputs, network.input_index)


def _unit(arguments: Mapping[str, Any], rows: Sequence[Any], find: Callable[[Slot], int]) -> str:
    """Unit of the first row that the arguments name; empty for names of a network of the user's own."""
    named = [arguments["idx"]] if "idx" in arguments else arguments.get("idxs", [])
    try:
        return str(rows[find(named[0])].unit)
    except (UserError, LookupError):
        return ""


class MetabolismSimulator(Simulator):
    """The metabolic network of every neuron of this rank.

    Args:
        config: the simulation's configuration.
        world: the ranks.
        clock: ticks and milliseconds.
        alive: the neurons of this rank and which of them still take part.
        layers: cortical layer (1..6) of each neuron, shape (neurons,).

    Attributes:
        species: concentrations (mM), potentials (mV) and fractions, shape (neurons, slots).
        inputs: the network's inputs, shape (neurons, inputs).
    """

    name: ClassVar[str] = "metabolism"

    def __init__(
        self, config: SimulationConfig, world: World, clock: Clock, alive: AliveNeurons, layers: np.ndarray
    ) -> None:
        super().__init__(config.periods()[self.name])
        settings = config.multiscale_run.metabolism
        self._clock, self._alive, self._world = clock, alive, world
        self.network = load_network(settings.variant, settings.network_path, settings.network_parameters)
        if settings.engine == "julia":
            use_environment(config.folder)
        self.engine = make_engine(
            settings.engine,
            self.network,
            relative_tolerance=settings.solver_kwargs.reltol,
            absolute_tolerance=settings.solver_kwargs.abstol,
            threads=settings.threads,
            world=world,
        )
        self.inputs = _initial_inputs(self.network, settings, layers)
        self.species = _initial_state(self.network, settings, self.inputs)
        self._tick = 0
        self._state_checks = build_checks(settings.checks.vm, self.network.slot)
        self._input_checks = build_checks(settings.checks.parameters, self.network.input_index)

    def advance(self, tick: int) -> None:
        """Integrate every living neuron's network to the tick; a neuron whose network fails is excluded."""
        if tick == self._tick:
            return
        seconds = 1e-3 * self._clock.ms(tick - self._tick)
        result = self.engine.advance(self.species, self.inputs, seconds, active=self._alive.mask)
        self._tick = tick
        causes = {finding.row: finding for finding in result.findings}
        for row in np.flatnonzero(result.failed):
            exclude(self._alive, row, self._reason(int(result.status[row]), causes.get(row)))

    def _reason(self, status: int, cause: Finding | None) -> str:
        time_ms = self._clock.ms(self._tick)
        return f"at {time_ms:g} ms: {Status(status).meaning}" + (f"; {cause.describe_value()}" if cause else "")

    def check(self) -> list[str]:
        """Apply the configured bands to inputs and state; returns the failures on this rank that stop the run."""
        time_ms = self._clock.ms(self._tick)
        stops = apply_checks(self._input_checks, self.inputs, self._alive, time_ms)
        return stops + apply_checks(self._state_checks, self.species, self._alive, time_ms)

    def resting_supply(self) -> np.ndarray:
        """Net production of the neuron's ATP in the present state without the pump's demand, mM/s, shape (neurons,)."""
        return self.engine.derivative(self.species, self.inputs)[:, self.network.slot(ATP)]

    @readable(NEURONS, _species_unit)
    def get_vm_idx(self, *, idx: Slot) -> np.ndarray:
        """A state variable of every neuron (mM, mV or a fraction); idx is a slot number or a species name."""
        return self._living(self.species[:, self.network.slot(idx)])

    @writable(NEURONS, _species_unit)
    def set_vm_idxs(self, values: np.ndarray, *, idxs: list[Slot]) -> None:
        """Set state variables of every living neuron to the same value per neuron."""
        for idx in idxs:
            self._set(self.species, self.network.slot(idx), values)

    @readable(NEURONS, _input_unit)
    def get_parameters_idx(self, *, idx: Slot) -> np.ndarray:
        """An input of every neuron's network; idx is a number (0..5) or a name such as ``bf_fin``."""
        return self._living(self.inputs[:, self.network.input_index(idx)])

    @writable(NEURONS, _input_unit)
    def set_parameters_idxs(self, values: np.ndarray, *, idxs: list[Slot]) -> None:
        """Set inputs of every living neuron's network to the same value per neuron."""
        for idx in idxs:
            self._set(self.inputs, self.network.input_index(idx), values)

    @readable(NEURONS)
    def alive_gids(self) -> np.ndarray:
        """The SONATA id of each living neuron, NaN for excluded ones."""
        return self._living(self._alive.neuron_ids.astype(float))

    def state(self) -> dict[str, np.ndarray]:
        """What a checkpoint has to hold."""
        tables = {"species": self.species, "inputs": self.inputs, "tick": np.array(self._tick)}
        return tables | self.engine.internal_state()

    def restore(self, state: Mapping[str, np.ndarray]) -> None:
        """Go back to a :meth:`state`."""
        self.species, self.inputs = np.array(state["species"]), np.array(state["inputs"])
        self._tick = int(state["tick"])
        self.engine.restore(state)

    def _living(self, values: np.ndarray) -> np.ndarray:
        return np.where(self._alive.mask, values, np.nan)

    def _set(self, table: np.ndarray, column: int, values: np.ndarray) -> None:
        table[self._alive.mask, column] = np.asarray(values)[self._alive.mask]

    def close(self) -> None:
        """Release the engine."""
        self.engine.close()


def _initial_inputs(network: Network, settings: MetabolismSettings, layers: np.ndarray) -> np.ndarray:
    """Inputs before any connection has set them: configured numbers, network defaults where the configuration has null.

    The abundance of mitochondria follows the layer when ``mito_scale`` is left open: volume fraction of the neuron's
    layer over the largest.
    """
    inputs = network.default_inputs(len(layers))
    known = {entry.id for entry in network.inputs}  # a network of the user's own may have others
    for name, value in settings.inputs.items():
        if value is not None and name in known:
            inputs[:, network.input_index(name)] = value
    if settings.inputs[LAYER_INPUT] is None and LAYER_INPUT in known:
        fraction = np.array(settings.constants.mito_volume_fraction)
        inputs[:, network.input_index(LAYER_INPUT)] = fraction[layers - 1] / fraction.max()
    return inputs


def _initial_state(network: Network, settings: MetabolismSettings, inputs: np.ndarray) -> np.ndarray:
    """The state that every neuron starts from, shape (neurons, slots); resting states once per set of inputs."""
    state = network.initial_state(len(inputs))
    if settings.initial_state == "steady" and len(inputs):
        distinct, kind = np.unique(inputs, axis=0, return_inverse=True)
        state = np.array([find_rest(network, inputs=row) for row in distinct])[kind.ravel()]
    return state
