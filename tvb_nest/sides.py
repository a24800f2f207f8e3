"""What each simulator, and the translation, does with a window of steps."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mpi_coupling import Profiler, Receiver, Sender, Window
from mpi_coupling.checkpoint import joined, part_of
from tvb_nest import building
from tvb_nest.nest_side.windows import WindowedNetwork
from tvb_nest.parameters import Mode, Parameters
from tvb_nest.recording import BrainRecorder, RunSummary
from tvb_nest.transform.saving import HistogramSaver
from tvb_nest.transform.to_spikes import input_rates
from tvb_nest.transform.translator import Translator, pack_train, positive, unpack_train
from tvb_nest.tvb_side.brain import Brain


class Side(ABC):
    """A part of the work that one process, or each rank of a group, does."""

    def begin(self, start: int, stop: int) -> None:  # noqa: B027 - not all have something to do ahead of the others
        """Compute what needs nothing of NEST's in this window."""

    @abstractmethod
    def complete(self, start: int, stop: int) -> None:
        """Compute the rest."""

    def close(self, summary: RunSummary) -> None:  # noqa: B027 - not all have files
        """Finish the files and add to the summary."""


class SpikingSide(Side):
    """The spiking regions in NEST.

    Args:
        parameters: of the simulation.
        network: the regions.
        profiler: times the phases.
        translator: both translations, if they are made here.
        incoming: the input into the regions: rates (kHz), or packed trains if they are made elsewhere; None: no brain.
        outgoing: takes the regions' rates (kHz), or spike times (ms) if the translation is made elsewhere.
    """

    def __init__(
        self,
        parameters: Parameters,
        network: WindowedNetwork,
        profiler: Profiler,
        translator: Translator | None = None,
        incoming: Receiver | None = None,
        outgoing: Sender | None = None,
    ) -> None:
        self._network, self._profiler, self._translator = network, profiler, translator
        self._incoming, self._outgoing = incoming, outgoing
        self._sends_rates = building.external_input(parameters) == "rates"
        self._synapses = parameters.resolved.param_TR_tvb_to_nest.nb_synapses
        self._savers = self._make_savers(parameters) if parameters.mode == Mode.NEST_SAVED_RATES else []
        self._fired = np.zeros(len(network.regions), dtype=int)
        network.prepare()

    def complete(self, start: int, stop: int) -> None:
        """Take the input, run the network, send what it fired."""
        if self._incoming is not None:
            with self._profiler.phase("nest waits"):
                values = self._incoming.receive(stop).values
            with self._profiler.phase("nest input"):
                self._feed(start, stop, values)
        with self._profiler.phase("nest runs"):
            self._network.run(stop - start)
        times = [self._network.spikes(region.index)[0] for region in self._network.regions]
        self._fired += [len(region) for region in times]
        for saver, region in zip(self._savers, times, strict=False):
            saver.add(start, stop - start, region)
        if self._outgoing is not None:
            with self._profiler.phase("nest output"):
                fired = times if self._translator is None else self._translator.rates(start, stop, times)
                self._outgoing.send(Window(start, stop, fired))

    def close(self, summary: RunSummary) -> None:
        """Finish the files."""
        seconds = self._network.step * self._network.dt / 1e3
        for region, fired, size in zip(self._network.regions, self._fired, self._network.n_excitatory, strict=True):
            summary.add(f"rate_excitatory_region_{region.index}_Hz", fired / (size * seconds))
        for saver in self._savers:
            saver.close()
        self._network.close()

    def _feed(self, start: int, stop: int, values: NDArray[np.float64] | list[NDArray[np.float64]]) -> None:
        if self._sends_rates:
            self._network.set_rates(start, input_rates(positive(values), self._synapses))
        elif self._translator is not None:
            self._network.set_spikes(start, self._translator.spikes(start, values))
        else:
            self._network.set_spikes(
                start, [unpack_train(row, start, stop - start, self._network.dt) for row in values]
            )

    def _make_savers(self, parameters: Parameters) -> list[HistogramSaver]:
        every, dt = parameters.resolved.param_record_MPI.save_step, self._network.dt
        place = parameters.result_folder / "translation" / "save"
        return [HistogramSaver(place, str(region), every, dt) for region in parameters.spiking]


class TranslationSide(Side):
    """The translation of some regions, on a rank that does nothing else.

    Trains are made one window ahead of NEST, while it computes the window before.

    Args:
        parameters: of the simulation.
        translator: of the regions of this rank.
        profiler: times the phases.
        incoming: the brain's input (kHz); None where it goes to NEST as it is.
        trains: takes packed trains; None likewise.
        spikes: spike times (ms) of NEST's regions.
        outgoing: takes their rates (kHz).
    """

    def __init__(
        self,
        parameters: Parameters,
        translator: Translator,
        profiler: Profiler,
        incoming: Receiver | None,
        trains: Sender | None,
        spikes: Receiver,
        outgoing: Sender,
    ) -> None:
        self._translator, self._profiler = translator, profiler
        self._incoming, self._trains, self._spikes, self._outgoing = incoming, trains, spikes, outgoing
        self._dt, self._end = parameters.resolved.param_nest.sim_resolution, parameters.steps

    def begin(self, start: int, stop: int) -> None:
        """Make the trains of the next window, of the first one too when it begins."""
        if start == 0:
            self._make_trains(0, stop)
        self._make_trains(stop, min(2 * stop - start, self._end))

    def complete(self, start: int, stop: int) -> None:
        """Take what NEST fired and send its rates."""
        with self._profiler.phase("translation waits"):
            times = self._spikes.receive(stop).values
        with self._profiler.phase("translation to rates"):
            self._outgoing.send(Window(start, stop, self._translator.rates(start, stop, times)))

    def _make_trains(self, start: int, stop: int) -> None:
        if self._incoming is None or self._trains is None or start >= stop:
            return
        with self._profiler.phase("translation waits"):
            rates = self._incoming.receive(stop).values
        with self._profiler.phase("translation to spikes"):
            trains = self._translator.spikes(start, rates)
            rows = [pack_train(train, start, stop - start, self._dt) for train in trains]
            self._trains.send(Window(start, stop, rows))


class BrainSide(Side):
    """The whole brain; spiking regions are proxies.

    Args:
        parameters: of the simulation.
        brain: at step 0.
        profiler: times the phases.
        incoming: the rates of the spiking regions, kHz; None without any.
        outgoing: takes the input into them, kHz.
    """

    def __init__(
        self,
        parameters: Parameters,
        brain: Brain,
        profiler: Profiler,
        incoming: Receiver | None = None,
        outgoing: Sender | None = None,
    ) -> None:
        self._brain, self._profiler = brain, profiler
        self._incoming, self._outgoing = incoming, outgoing
        self._end = parameters.steps
        self._recorder = BrainRecorder(parameters, building.make_monitors(parameters, brain), brain)
        self._states = np.empty((0, len(brain.state_variables), brain.n_regions))
        self._send_input(0, min(parameters.window or self._end, self._end))

    def begin(self, start: int, stop: int) -> None:
        """Run the brain, and send the input of the next window."""
        with self._profiler.phase("brain runs"):
            self._states = self._brain.run(stop - start)
        self._send_input(stop, min(2 * stop - start, self._end))

    def complete(self, start: int, stop: int) -> None:
        """Take the rates of the spiking regions, and record."""
        if self._incoming is not None:
            with self._profiler.phase("brain waits"):
                rates = self._incoming.receive(stop).values
            self._brain.supply(rates)
            self._brain.fill(self._states, rates)
        with self._profiler.phase("brain records"):
            self._recorder.record(self._states)

    def close(self, summary: RunSummary) -> None:
        """Finish the files."""
        self._recorder.close()
        summary.add(*self._recorder.mean_activity)

    def state(self) -> dict[str, NDArray[Any]]:
        """All that is needed to go on from here, bit for bit."""
        return joined({"brain": self._brain.state(), "recorder": self._recorder.state()})

    def restore(self, state: Mapping[str, NDArray[Any]]) -> None:
        """Go back to what `state` gave."""
        self._brain.restore(part_of(state, "brain"))
        self._recorder.restore(part_of(state, "recorder"))

    def _send_input(self, start: int, stop: int) -> None:
        if self._outgoing is not None and stop > start:
            self._outgoing.send(Window(start, stop, self._brain.coupling_into_proxies(stop - start)))
