"""A coupled run: build the simulators, connect them, and step them in turn.

The order within a step, and the events around each simulator's advance:

    neurons, then every other active simulator that is due:
        before_<simulator>_advance   connections
        advance                      the engine's own step
                                     reports "before_sync"
        after_<simulator>_advance    connections
                                     reports "after_sync"
"""

from __future__ import annotations

import fcntl

from mpi_coupling.clock import Clock, Schedule
from mpi_coupling.console import Progress, get_logger
from mpi_coupling.profile import Profiler
from mpi_coupling.spikes import SpikeWriter
from mpi_coupling.world import UserError, World
from multiscale_run.circuit_check import neuron_layers
from multiscale_run.config import SimulationConfig
from multiscale_run.coupling import Transfers, connect
from multiscale_run.reports import SUCCESS, SimulatorReports
from multiscale_run.simulators import MetabolismSimulator, NeuronSimulator, Simulator
from multiscale_run.simulators.checks import RunStopped, stop_if_asked
from multiscale_run.simulators.neuron_checks import NeuronChecks
from multiscale_run.simulators.neuron_reports import build_reports
from multiscale_run.simulators.resting_demand import match_resting_demand

log = get_logger(__name__)

PROFILE = "profile.json"
LOCK = ".lock"


class NoNeuronLeft(RunStopped):
    """Every neuron of every rank has been excluded."""


class Simulation:
    """Everything that takes part in one run.

    Args:
        config: the simulation's configuration.
        world: the ranks.
        profiler: collects the time of each phase.
    """

    def __init__(self, config: SimulationConfig, world: World, profiler: Profiler) -> None:
        self.config, self.world, self.profiler = config, world, profiler
        self.clock = Clock.from_config(config.run.dt, config.run.tstop)
        self._prepare_output()
        with profiler.phase("build/neurons"):
            self.neurons = NeuronSimulator(config, world, self.clock)
            self._neuron_reports = build_reports(self.neurons, world, config)
        self.simulators: dict[str, Simulator] = {self.neurons.name: self.neurons}
        self.metabolism: MetabolismSimulator | None = None
        if config.multiscale_run.with_metabolism:
            with profiler.phase("build/metabolism"):
                self._add_metabolism()
        self.neurons.restart()  # so that the recorders see time 0
        self._checks = NeuronChecks(config, self.neurons, self.clock)
        with profiler.phase("build/connections"):
            self._transfers = self._find_transfers()
            self.connections = connect(
                config.multiscale_run.connections, self.simulators, self._transfers, config.attribute_view()
            )
        self._reports = SimulatorReports(config, world, self.clock, self.simulators, self.neurons, self._transfers)
        spikes_file = config.raw.get("output", {}).get("spikes_file", "out.h5")
        self._spikes = SpikeWriter(world, config.output_dir / spikes_file, [self.neurons.population])

    def run(self) -> None:
        """Run to the end of the configured time and write the results.

        Raises:
            CheckFailed: a check said to stop.
            NoNeuronLeft: all neurons were excluded.
        """
        schedule = Schedule(self.config.periods(), self.clock.stop, always=[self.neurons.name])
        with Progress(self.world, self.clock.ms(self.clock.stop), "compute") as progress:
            self._first_exchange()
            for step in schedule:
                for name in step.due:
                    self._advance(self.simulators[name], step.stop_tick)
                self._conclude(step.stop_tick)
                progress.update(self.clock.ms(step.stop_tick))
        self._finish()

    def _prepare_output(self) -> None:
        def prepare() -> None:
            folder = self.config.output_dir
            try:
                folder.mkdir(parents=True, exist_ok=True)
                self._lock = (folder / LOCK).open("w")  # held by the system until this process ends
                fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                (folder / SUCCESS).unlink(missing_ok=True)
            except BlockingIOError as error:
                raise UserError(
                    f"{folder}: another run is writing its results there; wait for it or stop it"
                ) from error
            except OSError as error:
                raise UserError(f"{folder}: results cannot be written there: {error.strerror}") from error

        self.world.on_root(prepare)

    def _add_metabolism(self) -> None:
        layers = neuron_layers(self.config, self.neurons.alive.neuron_ids)
        metabolism = MetabolismSimulator(self.config, self.world, self.clock, self.neurons.alive, layers)
        if self.config.multiscale_run.metabolism.calibrate_resting_demand:
            match_resting_demand(self.neurons, metabolism.resting_supply(), self.world)
        self.metabolism = self.simulators[metabolism.name] = metabolism

    def _find_transfers(self) -> Transfers:
        domains, operators = {}, []
        for simulator in self.simulators.values():
            domains.update(simulator.domains())
            operators += simulator.operators()
        return Transfers(self.world, domains, operators)

    def _first_exchange(self) -> None:
        """Let every simulator start from the same values before anything advances."""
        for simulator in self.simulators.values():
            with self.profiler.phase("coupling"):
                self.connections.fire(f"after_{simulator.name}_advance")
            self._reports.record(simulator.name, "before_sync", 0)
            self._reports.record(simulator.name, "after_sync", 0)
        self._conclude(0)

    def _advance(self, simulator: Simulator, tick: int) -> None:
        with self.profiler.phase("coupling"):
            self.connections.fire(f"before_{simulator.name}_advance")
        with self.profiler.phase(simulator.name):
            simulator.advance(tick)
        self._exchange(simulator, tick)

    def _exchange(self, simulator: Simulator, tick: int) -> None:
        with self.profiler.phase("reports"):
            self._reports.record(simulator.name, "before_sync", tick)
        with self.profiler.phase("coupling"):
            self.connections.fire(f"after_{simulator.name}_advance")
        with self.profiler.phase("reports"):
            self._reports.record(simulator.name, "after_sync", tick)

    def _conclude(self, tick: int) -> None:
        """Check every quantity, bring the step to disk, then stop if a check says so: what led there is kept."""
        stops = self._checks.apply(tick)
        if self.metabolism is not None and tick % self.metabolism.period == 0:
            stops += self.metabolism.check()
        self._write()
        stop_if_asked(stops, self.world, self.clock.ms(tick))
        if not self.world.any(bool(self.neurons.alive.mask.any())):
            raise NoNeuronLeft(f"every neuron was excluded by {self.clock.ms(tick):g} ms; the warnings above say why")

    def _write(self) -> None:
        """Bring everything recorded so far to disk, so that a run that dies leaves its finished steps readable."""
        with self.profiler.phase("reports"):
            self.neurons.collect_spikes(self._spikes)
            for file in (*self._neuron_reports, self._reports, self._spikes):
                file.flush()

    def _finish(self) -> None:
        for simulator in self.simulators.values():
            simulator.close()
        summary = self.profiler.summary(self.world)
        if self.world.is_root:
            summary.write(self.config.output_dir / PROFILE)
            summary.print()
            (self.config.output_dir / SUCCESS).touch()
        self.world.barrier()
