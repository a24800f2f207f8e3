"""One of the NEST processes behind a `SpawnedNetwork`, run as a program by them: ``python -m`` this module.

What is exchanged goes through NEST's own backends `mpi`, but for the rates of independent input: NEST 3.10 keeps the
times that its inhomogeneous_poisson_generator got through the backend, and refuses them as past in the second window.
They come with the order to run.

The recording backend can be prepared once in a process. Recorders cannot be emptied then, so those of the result's
files write theirs by NEST's backend `ascii`, and these are put together at the end.
"""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mpi_coupling.failure import UserError
from mpi_coupling.workers import serve
from tvb_nest.nest_side.connections import BrainConnections
from tvb_nest.nest_side.devices import Recorder
from tvb_nest.nest_side.exchange import connect_to_neurons
from tvb_nest.nest_side.network import SpikingNetwork
from tvb_nest.nest_side.output_files import OutputFolder
from tvb_nest.nest_side.own_model import STANDARD, load_own_model
from tvb_nest.nest_side.parameters import NetworkParameters

PARTS = "parts"
"""Folder, in that of the results, of the files of NEST's processes until they are put together."""

FORGET_EVERY = 50
"""Windows between two clearings of the spike generators, which keep all times that they ever got."""


class WorkerNetwork(SpikingNetwork):
    """The share of one process in a network.

    Args:
        recording_port, input_port: addresses of the owner.
        arguments: of `SpikingNetwork`.
    """

    def __init__(self, recording_port: str, input_port: str, *arguments: Any, **options: Any) -> None:
        self.RECORDER = {"record_to": "mpi", "mpi_address": recording_port}
        self._input_port = input_port
        self.generators: list[int] = []
        self._windows = 0
        super().__init__(*arguments, **options)

    @property
    def rank(self) -> int:
        """Number of this process among those of NEST."""
        return int(self._nest.Rank())

    def _set_kernel(self, threads: int) -> None:
        super()._set_kernel(threads)
        if self._nest.local_num_threads != 1:
            raise UserError(
                f"own model {self._own.file}: kernel() set {self._nest.local_num_threads} threads, but NEST's MPI "
                "backend feeds only the first: leave it at 1 thread and set param_co_simulation.nb_MPI_nest"
            )

    def _connect_spikes(self) -> None:
        source = {"stimulus_source": "mpi", "mpi_address": self._input_port}
        self._sources = self._nest.Create("spike_generator", sum(self.n_neurons), params=source)
        self.generators = self._sources.tolist()
        first = 0
        for region in self.regions:
            sources = self._sources[first : first + region.n_neurons]
            connect_to_neurons(self._nest, self.parameters, sources, region, "one_to_one")
            first += region.n_neurons

    def _open_output(self, recorders: list[Recorder]) -> None:
        self._parts = None if self._folder is None else self._folder / PARTS
        folder = self._folder if self.rank == 0 else None
        self._output = OutputFolder(folder, self._nest, self.regions, recorders)
        if self._parts is not None:
            self._parts.mkdir(parents=True, exist_ok=True)
            self._nest.set(data_path=str(self._parts), overwrite_files=True)
            for recorder in recorders:
                recorder.node.set(record_to="ascii", label=recorder.label)

    def _collect(self) -> None:
        """The spikes are with the owner already."""
        self._windows += 1
        if self.generators and self._windows % FORGET_EVERY == 0:
            self._kernel.set(self._sources, [{"spike_times": []}] * len(self.generators))

    def close(self) -> None:
        """End the simulation and complete the files."""
        if self._prepared:
            self._prepared = False
            self._kernel.cleanup()
        _barrier()  # all parts are complete
        if self._parts is not None and self.rank == 0:
            self._output.merge(self._parts)
            shutil.rmtree(self._parts)
        super().close()


class Worker:
    """What the owner can ask for; see `tvb_nest.nest_side.spawned_network`."""

    def build(
        self,
        ports: tuple[str, str],
        parameters: NetworkParameters,
        regions: Sequence[int],
        connectome: BrainConnections | None,
        own_model: Path | None,
        options: Mapping[str, Any],
    ) -> dict[str, Any]:
        """Make the network; returns what the owner must know of it."""
        own = STANDARD if own_model is None else load_own_model(own_model)
        self._network = WorkerNetwork(*ports, parameters, regions, connectome, own_model=own, **options)
        network = self._network
        return {
            "populations": network.populations,
            "first_generator": network.generators[0] if network.generators else None,
            "min_delay_steps": network.min_delay_steps,
        }

    def prepare(self) -> int:
        """Connect to the owner's ports; returns the shortest delay in steps."""
        self._network.prepare()
        return self._network.min_delay_steps

    def run(self, n_steps: int, rates: NDArray[np.float64] | None) -> None:
        """Simulate a window; the owner must serve NEST's backends."""
        if rates is not None:
            self._network.set_rates(self._network.step, rates)
        self._network.run(n_steps)

    def close(self) -> None:
        """Complete the files and disconnect from the ports."""
        self._network.close()


def _barrier() -> None:
    from mpi4py import MPI

    MPI.COMM_WORLD.Barrier()


if __name__ == "__main__":
    worker = Worker()
    serve({"build": worker.build, "prepare": worker.prepare, "run": worker.run, "close": worker.close})
