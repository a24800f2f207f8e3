"""A coupled run: step the simulators in turn, exchange, write what happened, and keep what is needed to continue.

The order within a step, and the events around each simulator's advance:

    neurons, then every other active simulator that is due:
        before_<simulator>_advance   connections
        advance                      the engine's own step
                                     reports "before_sync"
        after_<simulator>_advance    connections
                                     reports "after_sync"

At the start the same is done for tick 0: connections set the initial values and nothing else moves.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from typing import Any

from mpi_coupling.checkpoint import CheckpointStore, State
from mpi_coupling.clock import Clock, Schedule
from mpi_coupling.console import Progress, get_logger
from mpi_coupling.failure import RunStopped, UserError
from mpi_coupling.keeping import CheckpointKeeper, CheckpointPlan, Start, saved_state
from mpi_coupling.profile import Profiler
from mpi_coupling.signals import SignalWatch
from mpi_coupling.spikes import SpikeWriter
from mpi_coupling.world import World
from multiscale_run.config import SimulationConfig
from multiscale_run.model import Model
from multiscale_run.output_folder import OutputFolder, fingerprint
from multiscale_run.reports import SimulatorReports
from multiscale_run.run_record import RunRecord
from multiscale_run.simulators import Simulator
from multiscale_run.simulators.checks import stop_if_asked
from multiscale_run.simulators.neuron_reports import build_reports

log = get_logger(__name__)


class NoNeuronLeft(RunStopped):
    """Every neuron of every rank has been excluded."""


class Simulation:
    """Everything that takes part in one run.

    Args:
        config: the simulation's configuration.
        world: the ranks.
        profiler: collects the time of each phase.
        plan: when to write checkpoints.
        start: anew or from a checkpoint.

    Raises:
        UserError: results cannot be written, a simulator cannot be built, or there is nothing to resume.
    """

    def __init__(
        self,
        config: SimulationConfig,
        world: World,
        profiler: Profiler,
        plan: CheckpointPlan | None = None,
        start: Start = Start.ANEW,
    ) -> None:
        self.config, self.world, self.profiler = config, world, profiler
        self.clock = Clock.from_config(config.run.dt, config.run.tstop)
        self._plan = plan or CheckpointPlan()
        self._folder = OutputFolder(world, config.output_dir)
        self._fingerprint = fingerprint(config, world)
        self._checkpoints = CheckpointStore(world, self._folder.checkpoints, self._fingerprint)
        saved = saved_state(self._checkpoints, start)
        self._start, state = saved or (0, State())
        self._folder.begin()
        if saved is None:
            self._checkpoints.clear()
        resumed_from = None if saved is None else self.clock.ms(self._start)
        self._record = RunRecord(world, config.output_dir, config, resumed_from)
        try:
            self.model = Model(config, world, self.clock, profiler)
            self._open_files(resumed=saved is not None)
            self.model.neurons.restart()  # recorders see time 0, with all that was calibrated
            if saved is not None:
                self.model.restore(state)
                log.info("resuming at %g ms", self.clock.ms(self._start))
        except UserError as error:
            self._record.leave(str(error))
            raise

    def run(self) -> None:
        """Run to the end of the configured time and write the results.

        Raises:
            CheckFailed: a check said to stop.
            NoNeuronLeft: all neurons were excluded.
            StoppedBySignal: a signal asked for it; a checkpoint has been written.
        """
        always = [self.model.neurons.name]
        schedule = Schedule(self.config.periods(), self.clock.stop, self._start, always=always)
        total = self.clock.ms(self.clock.stop)
        keeper = self._keeper()
        self._record.flush_step(None)  # warnings of the model's construction
        with (
            closing(self._record),
            self._leaving_a_reason(),
            Progress(self.world, total, "compute") as progress,
            SignalWatch(self.world) as signals,
        ):
            if self._start == 0:
                self._first_exchange()
            for step in schedule:
                for name in step.due:
                    self._advance(self.model.simulators[name], step.stop_tick, self.model.connections.fire)
                self._conclude(step.stop_tick)
                keeper.keep(step.stop_tick, signals)
                progress.update(self.clock.ms(step.stop_tick))
        self._finish()

    def _keeper(self) -> CheckpointKeeper:
        resume = f"multiscale-run compute --resume {self.config.folder}"
        return CheckpointKeeper(self.world, self._plan, self.clock, self.model.neurons.period, self._save, resume)

    def _open_files(self, resumed: bool) -> None:
        """Open all result files; those of a resumed run are cut off at its beginning. Collective."""
        model, config, tick = self.model, self.config, self._start if resumed else None
        time = None if tick is None else self.clock.ms(tick)
        neuron_reports = build_reports(model.neurons, self.world, config, time)
        self._reports = SimulatorReports(
            config, self.world, self.clock, model.simulators, model.populations, model.transfers, tick
        )
        path = config.output_dir / config.raw.get("output", {}).get("spikes_file", "out.h5")
        self._spikes = SpikeWriter(self.world, path, [model.neurons.population], resume_from_ms=time)
        self._files: list[Any] = [*neuron_reports, self._reports, self._spikes]

    def _first_exchange(self) -> None:
        """Let every simulator start from the same values before anything advances."""
        for simulator in self.model.simulators.values():
            self._advance(simulator, 0, self.model.connections.initialise)
        self._conclude(0)

    def _advance(self, simulator: Simulator, tick: int, exchange: Callable[[str], None]) -> None:
        """One simulator's turn; `exchange` applies the connections of an event."""
        name = simulator.name
        with self.profiler.phase("coupling"):
            exchange(f"before_{name}_advance")
        with self.profiler.phase(name):
            simulator.advance(tick)
        with self.profiler.phase("reports"):
            self._reports.record(name, "before_sync", tick)
        with self.profiler.phase("coupling"):
            exchange(f"after_{name}_advance")
        with self.profiler.phase("reports"):
            self._reports.record(name, "after_sync", tick)

    def _conclude(self, tick: int) -> None:
        """Check every quantity, bring the step to disk, then stop if a check says so: what led there is kept."""
        stops = self.model.check(tick)
        with self.profiler.phase("reports"):
            self.model.neurons.collect_spikes(self._spikes)
            for file in self._files:
                file.flush()
            self._record.flush_step(self.clock.ms(tick))
        stop_if_asked(stops, self.world, self.clock.ms(tick))
        if not self.world.any(bool(self.model.neurons.alive.mask.any())):
            raise NoNeuronLeft(f"every neuron was excluded by {self.clock.ms(tick):g} ms; the warnings above say why")

    def _save(self, tick: int) -> None:
        with self.profiler.phase("checkpoint"):
            self._checkpoints.save(tick, self.model.state())

    @contextmanager
    def _leaving_a_reason(self) -> Iterator[None]:
        """Record why a run ends itself before its time, and where its time went."""
        try:
            yield
        except RunStopped as error:  # on every rank
            self._record.end(str(error))
            self._folder.stop(self.profiler)
            raise

    def _finish(self) -> None:
        self.model.close()
        self._folder.finish(self.profiler, self._fingerprint)
