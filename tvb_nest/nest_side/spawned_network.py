"""The spiking regions in processes of their own, with a NEST that was built with MPI: the second exchange path.

This process starts them (`mpi_coupling.workers`); NEST has their MPI_COMM_WORLD for itself. Spikes go through NEST's
own MPI backends (`backends.py`). Each process has one thread: with more, NEST 3.10 feeds only the first one's
generators.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mpi_coupling.workers import Workers
from tvb_nest.nest_side.backends import GeneratorPort, Port, RecorderPort
from tvb_nest.nest_side.connections import BrainConnections
from tvb_nest.nest_side.exchange import SpikeSorter, Train, by_neuron, check_rates
from tvb_nest.nest_side.own_model import STANDARD, OwnModel
from tvb_nest.nest_side.parameters import NetworkParameters
from tvb_nest.nest_side.windows import WindowedNetwork

WORKER = "tvb_nest.nest_side.mpi_worker"


@dataclass(frozen=True)
class RemoteRegion:
    """A spiking region whose neurons are in other processes.

    Attributes:
        index: of the region in the connectome.
    """

    index: int


@dataclass(frozen=True)
class SentConnections:
    """What a network reads of a connectome, in a form that any process can unpack; see `BrainConnections`."""

    weights: NDArray[np.float64]
    lengths: NDArray[np.float64]
    speed: float
    steps: NDArray[np.integer]

    @classmethod
    def of(cls, connectome: BrainConnections, dt: float) -> SentConnections:
        """Of a connectome, with its delays in steps of dt."""
        return cls(connectome.weights, connectome.lengths, connectome.speed, connectome.delays(dt))

    def delays(self, dt: float) -> NDArray[np.integer]:
        return self.steps


class SpawnedNetwork(WindowedNetwork):
    """A network in `ranks` processes. Its spikes are those of a `SpikingNetwork` with as many threads.

    Args:
        parameters: of the network.
        regions: the spiking regions, as indices into the connectome; their order is that of all arrays.
        connectome: weights and delays between regions; None leaves the regions unconnected.
        seed: of everything random.
        ranks: processes of NEST. The result depends on their number.
        python: with a NEST that was built with MPI (`nest_with_mpi.find`).
        folder: for the files of the recordings, seen by all processes; None writes none.
        own_model: the user's steps.

    Raises:
        UserError: parameters or the own model do not fit NEST, or no processes can be started.
    """

    def __init__(
        self,
        parameters: NetworkParameters,
        regions: Sequence[int],
        connectome: BrainConnections | None = None,
        *,
        seed: int = 46,
        ranks: int = 1,
        python: Path,
        folder: Path | None = None,
        own_model: OwnModel = STANDARD,
    ) -> None:
        super().__init__(parameters)
        self._regions = [RemoteRegion(index) for index in regions]
        self._workers = Workers(python, WORKER, ranks, "NEST")
        self._recorder = RecorderPort(self._workers)
        self._generators = GeneratorPort(self._workers) if parameters.external_input == "spikes" else None
        built, *_ = self._workers.call(
            "build",
            (self._recorder.address, self._generators.address if self._generators else ""),
            _plain(parameters),
            list(regions),
            None if connectome is None else SentConnections.of(connectome, self.dt),
            None if own_model is STANDARD else own_model.file.resolve(),
            {"seed": seed, "folder": None if folder is None else folder.resolve()},
        )
        self._populations: dict[int, dict[str, list[int]]] = built["populations"]
        self._min_delay_steps: int = built["min_delay_steps"]
        self._sizes = self.n_neurons
        if self._generators:
            self._generators.serve(built["first_generator"], self._sizes)
        self._sorter = SpikeSorter(self._populations, parameters.recorded_populations)
        self._rates: NDArray[np.float64] | None = None

    @property
    def regions(self) -> list[RemoteRegion]:
        return self._regions

    @property
    def populations(self) -> dict[int, dict[str, list[int]]]:
        return self._populations

    @property
    def min_delay_steps(self) -> int:
        return self._min_delay_steps

    def spikes(self, region: int, population: str | None = None) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
        return self._sorter.spikes(region, population)

    def close(self) -> None:
        if self._prepared:
            self._prepared = False
            self._workers.command("close")
            # one by one, as NEST leaves them: see `backends`
            for port in self._ports:
                port.leave()
            self._workers.replies()
        self._workers.close()

    @property
    def _ports(self) -> list[Port]:
        """In the order in which NEST serves them."""
        return [self._recorder, *([self._generators] if self._generators else [])]

    def _prepare(self) -> None:
        self._workers.command("prepare")
        with self._workers.watched():
            for port in self._ports:
                port.accept()
        self._min_delay_steps, *_ = self._workers.replies()

    def _set_rates(self, rates: NDArray[np.float64]) -> int:
        check_rates(self.step, rates, [region.index for region in self._regions], self.dt)
        self._rates = rates
        return self.step + len(rates)

    def _set_spikes(self, trains: Sequence[Train]) -> None:
        assert self._generators is not None  # the input is of this kind
        self._generators.put(by_neuron(self.step, trains, self._sizes, self.dt))

    def _run(self, n_steps: int) -> None:
        self._workers.command("run", n_steps, self._rates)
        self._rates = None
        for port in self._ports:
            port.begin()
        for port in self._ports:
            port.end()
        self._sorter.take(*self._recorder.spikes)
        self._workers.replies()


def _plain(parameters: NetworkParameters) -> NetworkParameters:
    """The same parameters; the read-only mappings of the defaults cannot be sent."""
    neurons = parameters.populations
    excitatory, inhibitory = dict(neurons.excitatory), dict(neurons.inhibitory)
    return replace(parameters, populations=replace(neurons, excitatory=excitatory, inhibitory=inhibitory))
