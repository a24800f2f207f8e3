"""A simulation from its parameters to its results: who computes what, and the order of a window.

In a co-simulation both sides compute a window at the same time. The brain needs the rates of the spiking regions of a
window only a delay later, and the network its input for a window was fired at least a delay before: so the brain sends
the input of the next window as soon as it has computed the present one, and takes the rates of the present one then.
Played by one process in turn, the same lines give the same bits.
"""

from __future__ import annotations

import gc
import logging
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from mpi_coupling import Channel, Events, Groups, Profiler, ProfileSummary, Role, Signal, TimelineProfiler, connect
from mpi_coupling.console import Progress, get_logger, log_to_file
from mpi_coupling.keeping import CheckpointPlan, Start
from tvb_nest import building
from tvb_nest.brain_connectome import connectome_of, with_window_of
from tvb_nest.checkpoints import Checkpoints
from tvb_nest.nest_side.windows import WindowedNetwork
from tvb_nest.parameters import Mode, Parameters
from tvb_nest.recording import LOGS, PROFILE, TIMELINE, WALL_TIME, RunSummary, prepare_folder
from tvb_nest.sides import BrainSide, Side, SpikingSide, TranslationSide
from tvb_nest.tvb_side.brain import Brain

log = get_logger(__name__)

NEST, TRANSFORM, TVB = "nest", "transform", "tvb"

LOG_LEVELS = (logging.DEBUG, logging.INFO, logging.WARNING, logging.ERROR, logging.CRITICAL)
"""By ``level_log``."""

ALONE_MS = 20.0
"""Length of a window where nothing is exchanged, for files and progress."""


def plan(parameters: Parameters) -> tuple[Role, ...]:
    """Who takes part, NEST first: one process each, but as many for the translation as the parameters say."""
    match parameters.mode:
        case Mode.CO_SIMULATION:
            ranks = parameters.resolved.param_tvb_nest.transform_ranks
            translation = (Role(TRANSFORM, ranks, ranks),) if ranks else ()
            return (Role(NEST), *translation, Role(TVB))
        case Mode.TVB:
            return (Role(TVB),)
        case _:
            return (Role(NEST),)


def run(
    parameters: Parameters,
    groups: Groups,
    profiler: Profiler,
    checkpoints: CheckpointPlan | None = None,
    start: Start = Start.ANEW,
) -> None:
    """Run a simulation and write its results. Collective over all processes of the job.

    Args:
        parameters: as read; the window is computed here.
        groups: the roles of `plan`.
        profiler: collects the time of each phase; written to profile.json, and timeline.json if it remembers it.
        checkpoints: when they are written; only TVB alone can be continued from one.
        start: whether the run continues from the newest one.

    Raises:
        UserError: something of the user's cannot be used.
        StoppedBySignal: TVB alone was asked to stop; a checkpoint has been written.
    """
    connectome = None
    if parameters.mode in (Mode.CO_SIMULATION, Mode.TVB):
        connectome = connectome_of(parameters)
    computed = parameters if connectome is None else with_window_of(parameters, connectome)
    saved = Checkpoints(computed, groups, checkpoints or CheckpointPlan(), start)
    with ExitStack() as stack:

        def take_folder() -> None:
            stack.enter_context(prepare_folder(computed, saved.continues))

        groups.job.on_root(take_folder)
        stack.enter_context(log_to_file(*_log_of(computed, groups)))
        log.info("%s, window %g ms", parameters.mode, window_of(computed) * _step_ms(parameters))
        network = building.make_network(computed, connectome) if groups.plays(NEST) else None
        brain = building.make_brain(computed, connectome, computed.spiking) if groups.plays(TVB) else None
        if network is not None:
            log.info("NEST: regions %s of %s neurons", list(computed.spiking), network.n_neurons)
        if brain is not None:
            log.info("TVB: %d regions of %s", brain.n_regions, ", ".join(brain.state_variables))
        sides = _Wiring(computed, groups, profiler, stack).sides(network, brain)
        saved.attach(sides, window_of(computed))
        summary = RunSummary(parameters)
        _compute(computed, groups, sides, saved, summary)
        for side in sides:
            side.close(summary)
        profile = profiler.summary(groups.job)
        log.info("finished; seconds of this job's phases: %s", _seconds(profile))
    groups.job.on_root(lambda: profile.write(computed.result_folder / PROFILE))
    if isinstance(profiler, TimelineProfiler):
        profiler.write_timeline(computed.result_folder / TIMELINE)
    summary.write(groups.job)


def _compute(
    parameters: Parameters, groups: Groups, sides: Sequence[Side], saved: Checkpoints, summary: RunSummary
) -> None:
    """All windows, and how long they took."""
    gc.freeze()  # the engines' many objects stay: to search them again and again took as long as giving spikes
    began, dt = time.perf_counter(), _step_ms(parameters)
    with Progress(groups.job, parameters.resolved.end, str(parameters.mode), saved.start * dt) as progress, saved:
        for first, last in windows(parameters, saved.start):
            # in one process the brain begins, and the network completes first: each has then what it takes
            for side in reversed(sides):
                side.begin(first, last)
            for side in sides:
                side.complete(first, last)
            log.debug("window (%g, %g] ms", first * dt, last * dt)
            saved.keep(last)
            progress.update(last * dt)
    milliseconds = (parameters.steps - saved.start) * dt
    if milliseconds:  # nothing is left to do after a checkpoint of the very end
        summary.add(WALL_TIME, 1e3 * (time.perf_counter() - began) / milliseconds)


def _log_of(parameters: Parameters, groups: Groups) -> tuple[Path, int]:
    """File and least level of this process's log: ``log/nest.log``, ``log/tvb.log``, ``log/transform_1.log`` ..."""
    name = groups.role or "all"
    if groups.role == TRANSFORM:
        name += f"_{groups.group.rank}"
    level = LOG_LEVELS[parameters.resolved.param_co_simulation.level_log]
    return parameters.result_folder / LOGS / f"{name}.log", level


def _seconds(profile: ProfileSummary) -> str:
    return ", ".join(f"{name} {phase.seconds.maximum:.3g}" for name, phase in profile.phases.items())


def _step_ms(parameters: Parameters) -> float:
    return parameters.resolved.param_nest.sim_resolution


def windows(parameters: Parameters, begin: int = 0) -> Iterator[tuple[int, int]]:
    """First and last step of each window from a step on, up to the end."""
    length = window_of(parameters)
    for start in range(begin, parameters.steps, length):
        yield start, min(start + length, parameters.steps)


def window_of(parameters: Parameters) -> int:
    """Steps of a window."""
    return parameters.window or round(ALONE_MS / _step_ms(parameters))


class _Wiring:
    """The channels between the sides, and the sides of this process.

    Args:
        parameters: with the window.
        groups: of the job.
        profiler: of this process.
        stack: closes the channels.
    """

    def __init__(self, parameters: Parameters, groups: Groups, profiler: Profiler, stack: ExitStack) -> None:
        self._parameters, self._groups, self._profiler, self._stack = parameters, groups, profiler, stack
        self._regions = len(parameters.spiking)
        self._translators = groups.members.get(TRANSFORM, ())
        self._by_rates = building.external_input(parameters) == "rates"

    def sides(self, network: WindowedNetwork | None, brain: Brain | None) -> list[Side]:
        """What this process does, in the order NEST, translation, TVB; collective."""
        if self._parameters.mode != Mode.CO_SIMULATION:
            return [self._spiking(network)] if network is not None else [self._brain(brain)]
        sizes = None if network is None else (tuple(network.n_neurons), tuple(network.n_excitatory))
        # also waits until everybody is built, however long that takes
        self._sizes = self._groups.job.comm.bcast(sizes, self._groups.members[NEST][0])
        return self._apart(network, brain) if self._translators else self._inline(network, brain)

    def _inline(self, network: WindowedNetwork | None, brain: Brain | None) -> list[Side]:
        """NEST's process translates."""
        rates = self._connect(self._signal("rate of the spiking regions"), NEST, TVB)
        inputs = self._connect(self._signal("input into the spiking regions"), TVB, NEST)
        sides: list[Side] = []
        if network is not None:
            translator = building.make_translator(self._parameters, *self._sizes, range(self._regions))
            sides.append(self._spiking(network, translator, inputs.receiver, rates.sender))
        if brain is not None:
            sides.append(self._brain(brain, rates.receiver, inputs.sender))
        return sides

    def _apart(self, network: WindowedNetwork | None, brain: Brain | None) -> list[Side]:
        """Ranks of their own translate, each some of the regions."""
        translates = self._groups.plays(TRANSFORM)
        mine = self._items() if translates else None
        fired = self._connect(self._events("spikes of the spiking regions", 1), NEST, TRANSFORM, wanted=mine)
        rates = self._connect(self._signal("rate of the spiking regions"), TRANSFORM, TVB, owned=mine)
        inputs = self._signal("input into the spiking regions")
        if self._by_rates:
            given = into = self._connect(inputs, TVB, NEST)
        else:
            given = self._connect(inputs, TVB, TRANSFORM, wanted=mine)
            into = self._connect(self._events("spikes into the spiking regions", 2), TRANSFORM, NEST, owned=mine)
        sides: list[Side] = []
        if network is not None:
            sides.append(self._spiking(network, None, into.receiver, fired.sender))
        if mine is not None:
            translator = building.make_translator(self._parameters, *self._sizes, mine)
            ends = (None, None) if self._by_rates else (given.receiver, into.sender)
            sides.append(
                TranslationSide(self._parameters, translator, self._profiler, *ends, fired.receiver, rates.sender)
            )
        if brain is not None:
            sides.append(self._brain(brain, rates.receiver, given.sender))
        return sides

    def _items(self) -> range:
        """The regions that this rank translates, counted among the spiking ones."""
        rank = self._translators.index(self._groups.job.rank)
        return range(rank, self._regions, len(self._translators))

    def _signal(self, name: str) -> Signal:
        return Signal(name, "kHz", (self._regions,), self._parameters.window or 1)

    def _events(self, name: str, numbers: int) -> Events:
        """Spikes, as rows with at most some numbers for each neuron and step."""
        window = self._parameters.window or 1
        return Events(name, "ms", (self._regions,), window, most=numbers * window * max(self._sizes[0]))

    def _connect(self, signal: Signal, source: str, destination: str, **items: range | None) -> Channel:
        """The channel, without ends where this process plays neither role."""
        if not (self._groups.plays(source) or self._groups.plays(destination)):
            return Channel(signal.name, None, None)
        channel = connect(self._groups, signal, source, destination, **items)
        for end in channel.ends:
            self._stack.enter_context(end)
        return channel

    def _spiking(self, network: WindowedNetwork, *ends: Any) -> SpikingSide:
        return SpikingSide(self._parameters, network, self._profiler, *ends)

    def _brain(self, brain: Brain | None, *ends: Any) -> BrainSide:
        assert brain is not None
        return BrainSide(self._parameters, brain, self._profiler, *ends)
