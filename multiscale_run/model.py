"""What is simulated: the simulators of a run, the tissue they share, and the connections between them."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from mpi_coupling.checkpoint import joined, part_of
from mpi_coupling.clock import Clock
from mpi_coupling.profile import Profiler
from mpi_coupling.world import World
from multiscale_run.bloodflow import VesselGraph
from multiscale_run.circuit_check import neuron_layers
from multiscale_run.config import SimulationConfig
from multiscale_run.coupling import NEURONS, VESSELS, Transfers, connect
from multiscale_run.simulators import (
    BloodflowSimulator,
    ExtracellularSimulator,
    MetabolismSimulator,
    NeuronSimulator,
    Setup,
    Simulator,
    build_external,
)
from multiscale_run.simulators.neuron_checks import NeuronChecks
from multiscale_run.simulators.resting_demand import match_resting_demand
from multiscale_run.tissue import CoupledTissue

State = dict[str, np.ndarray]


class Model:
    """All simulators of a run, connected.

    Args:
        config: the simulation's configuration.
        world: the ranks.
        clock: ticks and milliseconds.
        profiler: collects the time that building takes.

    Attributes:
        simulators: by name, in the order in which they advance.
        neurons: the one that always takes part.
        transfers: ways between the domains.
        connections: what is exchanged, by event.
        populations: SONATA population of the sites of a domain.
    """

    def __init__(self, config: SimulationConfig, world: World, clock: Clock, profiler: Profiler) -> None:
        self._config, self._world, self._clock = config, world, clock
        with profiler.phase("build/neurons"):
            self.neurons = NeuronSimulator(config, world, clock)
        with profiler.phase("build/metabolism"):
            metabolism = self._metabolism()
        with profiler.phase("build/bloodflow"):
            bloodflow = BloodflowSimulator(config, world, clock) if config.multiscale_run.with_bloodflow else None
        with profiler.phase("build/tissue"):
            vessels = None if bloodflow is None else (bloodflow.graph, bloodflow.boundary)
            self._tissue = CoupledTissue(config, world, self.neurons.places, self.neurons.glia.places, vessels)
        with profiler.phase("build/steps"):
            steps = self._extracellular()
        active = (self.neurons, steps, bloodflow, metabolism)
        self.simulators: dict[str, Simulator] = {each.name: each for each in active if each is not None}
        self._add_externals(profiler, None if bloodflow is None else bloodflow.graph)
        self.populations = {NEURONS: self.neurons.population}
        if bloodflow is not None:
            self.populations[VESSELS] = bloodflow.population
        with profiler.phase("build/connections"):
            self._connect()
        self._checks = NeuronChecks(config, self.neurons, clock)

    def check(self, tick: int) -> list[str]:
        """Test every quantity that has a band; returns the failures on this rank that stop the run. Collective."""
        stops = self._checks.apply(tick)
        for simulator in self.simulators.values():
            if tick % simulator.period == 0:
                stops += simulator.check()
        return stops

    def state(self) -> State:
        """Everything of this rank that the future depends on. Collective."""
        alive = self.neurons.alive
        reasons = [alive.reasons.get(int(neuron), "") for neuron in alive.neuron_ids]
        parts: dict[str, Mapping[str, np.ndarray]] = {
            "alive": {"mask": alive.mask, "reasons": np.array(reasons, dtype=np.str_)},
            "connections": self.connections.state(),
            **{name: simulator.state() for name, simulator in self.simulators.items()},
        }
        return joined(parts)

    def restore(self, state: Mapping[str, np.ndarray]) -> None:
        """Go back to a :meth:`state` of the same model on the same number of ranks. Collective."""
        alive = self.neurons.alive
        alive.mask[:] = state["alive/mask"]
        named = zip(alive.neuron_ids, state["alive/reasons"], strict=True)
        alive.reasons = {int(neuron): str(reason) for neuron, reason in named if reason}
        self.connections.restore(part_of(state, "connections"))
        for name, simulator in self.simulators.items():
            simulator.restore(part_of(state, name))

    def close(self) -> None:
        """Release all engines."""
        for simulator in self.simulators.values():
            simulator.close()

    def _metabolism(self) -> MetabolismSimulator | None:
        section = self._config.multiscale_run
        if not section.with_metabolism:
            return None
        alive = self.neurons.alive
        layers = neuron_layers(self._config, alive.neuron_ids)
        metabolism = MetabolismSimulator(self._config, self._world, self._clock, alive, layers)
        if section.metabolism.calibrate_resting_demand:
            match_resting_demand(self.neurons, metabolism.resting_supply(), self._world)
        return metabolism

    def _extracellular(self) -> ExtracellularSimulator | None:
        if not self._config.multiscale_run.with_steps:
            return None
        assert self._tissue.mesh is not None
        return ExtracellularSimulator(self._config, self._world, self._clock, self._tissue.mesh)

    def _add_externals(self, profiler: Profiler, vessels: VesselGraph | None) -> None:
        """Build the simulators of other packages."""
        for name in self._config.external_simulators:
            with profiler.phase(f"build/{name}"):
                setup = Setup(
                    config=self._config,
                    world=self._world,
                    clock=self._clock,
                    neurons=self.neurons,
                    mesh=self._tissue.mesh,
                    vessels=vessels,
                    simulators=dict(self.simulators),
                )
                self.simulators[name] = build_external(name, setup)

    def _connect(self) -> None:
        domains, operators = dict(self._tissue.domains()), list(self._tissue.operators())
        for simulator in self.simulators.values():
            domains.update(simulator.domains())
            operators += simulator.operators()
        self.transfers = Transfers(self._world, domains, operators)
        self.connections = connect(
            self._config.multiscale_run.connections,
            self.simulators,
            self.transfers,
            self._config.attribute_view(),
            self._tissue.matrices,
        )
