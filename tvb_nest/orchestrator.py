"""A simulation from its parameters to its results: who computes what, and the order of a window.

In a co-simulation both sides compute a window at the same time. The brain needs the rates of the spiking regions of a
window only a delay later, and the network its input for a window was fired at least a delay before: so the brain sends
the input of the next window as soon as it has computed the present one, and takes the rates of the present one then.
Played by one process in turn, the same lines give the same bits.
"""

from __future__ import annotations

import time
from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import ExitStack

import numpy as np

from mpi_coupling import Groups, Receiver, Role, Sender, Signal, Window, connect
from mpi_coupling.console import Progress, get_logger
from tvb_nest import building
from tvb_nest.brain_connectome import connectome_of, with_window_of
from tvb_nest.connectome import Connectome
from tvb_nest.parameters import Mode, Parameters
from tvb_nest.recording import BrainRecorder, RunSummary, prepare_folder

log = get_logger(__name__)

NEST, TVB = "nest", "tvb"
PLANS = {
    Mode.CO_SIMULATION: (Role(NEST), Role(TVB)),
    Mode.NEST: (Role(NEST),),
    Mode.NEST_SAVED_RATES: (Role(NEST),),
    Mode.TVB: (Role(TVB),),
}
"""Who takes part in which mode; each is one process."""

ALONE_MS = 20.0
"""Length of a window where nothing is exchanged, for files and progress."""


class Side(ABC):
    """What a simulator does with a window of steps."""

    def begin(self, start: int, stop: int) -> None:  # noqa: B027 - most have nothing to do ahead of the other side
        """Compute what needs nothing of the other side in this window."""

    @abstractmethod
    def complete(self, start: int, stop: int) -> None:
        """Compute the rest."""

    @abstractmethod
    def close(self, summary: RunSummary) -> None:
        """Finish the files and add to the summary."""


class SpikingSide(Side):
    """The spiking regions in NEST, with both translations.

    Args:
        parameters: of the simulation.
        connectome: of the brain; None where the regions are not connected.
        incoming: the brain's input into the regions, kHz; None without a brain.
        outgoing: takes the regions' rates, kHz.
    """

    def __init__(
        self,
        parameters: Parameters,
        connectome: Connectome | None,
        incoming: Receiver | None = None,
        outgoing: Sender | None = None,
    ) -> None:
        from tvb_nest.transform.plugins import make_to_nest, make_to_tvb
        from tvb_nest.transform.saving import HistogramSaver

        resolved, folder = parameters.resolved, parameters.result_folder
        own = resolved.param_tvb_nest
        self._incoming, self._outgoing = incoming, outgoing
        self._network = building.make_network(parameters, connectome)
        self._synapses = resolved.param_TR_tvb_to_nest.nb_synapses
        settings = building.transform_settings(parameters, self._network)
        self._sends_rates = building.external_input(parameters) == "rates"
        law = own.transformer_tvb_to_nest or building.LAWS[resolved.param_TR_tvb_to_nest.function_select]
        self._to_spikes = make_to_nest(law, settings)
        self._to_rates = make_to_tvb(own.transformer_nest_to_tvb or "sliding_mean", settings)
        self._savers = []
        if parameters.mode == Mode.NEST_SAVED_RATES:
            every = resolved.param_record_MPI.save_step
            place = folder / "translation" / "save"
            self._savers = [HistogramSaver(place, str(r), every, settings.resolution) for r in parameters.spiking]
        self._fired = np.zeros(len(parameters.spiking), dtype=int)
        self._network.prepare()

    def complete(self, start: int, stop: int) -> None:
        """Take the input, run the network, send the rates."""
        if self._incoming is not None:
            self._feed(start, self._incoming.receive(stop).values)
        self._network.run(stop - start)
        times = [self._network.spikes(region.index)[0] for region in self._network.regions]
        self._fired += [len(region) for region in times]
        for saver, region in zip(self._savers, times, strict=False):
            saver.add(start, stop - start, region)
        if self._outgoing is not None:
            self._outgoing.send(Window(start, stop, self._to_rates(start, stop - start, times)))

    def close(self, summary: RunSummary) -> None:
        """Finish the files."""
        seconds = self._network.step * self._network.dt / 1e3
        for region, fired, size in zip(self._network.regions, self._fired, self._network.n_excitatory, strict=True):
            summary.add(f"rate_excitatory_region_{region.index}_Hz", fired / (size * seconds))
        for saver in self._savers:
            saver.close()
        self._network.close()

    def _feed(self, start: int, rates: np.ndarray) -> None:
        from tvb_nest.transform.to_spikes import input_rates

        rates = np.maximum(rates, 0.0)  # noise can push a mean field's rate below 0 for a step
        if self._sends_rates:
            self._network.set_rates(start, input_rates(rates, self._synapses))
        else:
            self._network.set_spikes(start, self._to_spikes(start, rates))


class BrainSide(Side):
    """The whole brain; spiking regions are proxies.

    Args:
        parameters: of the simulation.
        connectome: of the brain.
        incoming: the rates of the spiking regions, kHz; None without any.
        outgoing: takes the input into them, kHz.
    """

    def __init__(
        self,
        parameters: Parameters,
        connectome: Connectome,
        incoming: Receiver | None = None,
        outgoing: Sender | None = None,
    ) -> None:
        self._incoming, self._outgoing = incoming, outgoing
        self._spiking = list(parameters.spiking)
        self._end = parameters.steps
        self._brain = building.make_brain(parameters, connectome, parameters.spiking)
        self._recorder = BrainRecorder(parameters, building.make_monitors(parameters, self._brain))
        self._states = np.empty((0, len(self._brain.state_variables), self._brain.n_regions))
        self._send_input(0, min(parameters.window or self._end, self._end))

    def begin(self, start: int, stop: int) -> None:
        """Run the brain, and send the input of the next window."""
        self._states = self._brain.run(stop - start)
        self._send_input(stop, min(2 * stop - start, self._end))

    def complete(self, start: int, stop: int) -> None:
        """Take the rates of the spiking regions, and record."""
        if self._incoming is not None:
            rates = self._incoming.receive(stop).values
            self._brain.supply(rates)
            self._states[:, 0, self._spiking] = rates
        self._recorder.record(self._states)

    def close(self, summary: RunSummary) -> None:
        """Finish the files."""
        self._recorder.close()
        summary.add("rate_excitatory_brain_Hz", 1e3 * self._recorder.mean_rate)

    def _send_input(self, start: int, stop: int) -> None:
        if self._outgoing is not None and stop > start:
            self._outgoing.send(Window(start, stop, self._brain.coupling_into_proxies(stop - start)))


def run(parameters: Parameters, groups: Groups) -> None:
    """Run a simulation and write its results. Collective over all processes of the job.

    Args:
        parameters: as read; the window is computed here.
        groups: the roles of ``PLANS``.

    Raises:
        UserError: something of the user's cannot be used.
    """
    connectome = None
    if parameters.mode in (Mode.CO_SIMULATION, Mode.TVB):
        connectome = connectome_of(parameters)
        parameters = with_window_of(parameters, connectome)
    groups.job.on_root(lambda: prepare_folder(parameters))
    with ExitStack() as stack:
        sides = _make_sides(parameters, connectome, groups, stack)
        began = time.perf_counter()
        with Progress(groups.job, parameters.resolved.end, str(parameters.mode)) as progress:
            for start, stop in windows(parameters):
                for side in sides:
                    side.begin(start, stop)
                # in one process the network comes first: the brain waits for its rates
                for side in sides:
                    side.complete(start, stop)
                progress.update(stop * parameters.resolved.param_nest.sim_resolution)
        summary = RunSummary()
        summary.add("wall_seconds_per_second", 1e3 * (time.perf_counter() - began) / parameters.resolved.end)
        for side in sides:
            side.close(summary)
    summary.write(parameters.result_folder, groups.job)


def windows(parameters: Parameters) -> Iterator[tuple[int, int]]:
    """First and last step of each window, up to the end."""
    length = parameters.window or round(ALONE_MS / parameters.resolved.param_nest.sim_resolution)
    for start in range(0, parameters.steps, length):
        yield start, min(start + length, parameters.steps)


def _make_sides(parameters: Parameters, connectome: Connectome | None, groups: Groups, stack: ExitStack) -> list[Side]:
    """The sides that this process computes, NEST's first."""
    if parameters.mode != Mode.CO_SIMULATION:
        return [SpikingSide(parameters, None)] if connectome is None else [BrainSide(parameters, connectome)]
    assert connectome is not None and parameters.window is not None
    shape = (len(parameters.spiking),)
    rates = connect(groups, Signal("rate of the spiking regions", "kHz", shape, parameters.window), NEST, TVB)
    inputs = connect(groups, Signal("input into the spiking regions", "kHz", shape, parameters.window), TVB, NEST)
    for end in (*rates.ends, *inputs.ends):
        stack.enter_context(end)
    sides: list[Side] = []
    if groups.plays(NEST):
        sides.append(SpikingSide(parameters, connectome, inputs.receiver, rates.sender))
    if groups.plays(TVB):
        sides.append(BrainSide(parameters, connectome, rates.receiver, inputs.sender))
    return sides
