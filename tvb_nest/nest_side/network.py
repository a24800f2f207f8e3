"""The spiking regions of a brain as one NEST network that is run window by window.

The five steps of the original: kernel, populations, connections, devices, simulate. Each is a function of a module of
its own; here they are put in order. An own model (`own_model.py`) takes the place of single steps.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mpi_coupling.failure import UserError
from tvb_nest.nest_side import connections, devices, session
from tvb_nest.nest_side.exchange import (
    Kernel,
    RateInput,
    SpikeInput,
    SpikeSorter,
    Train,
    background_in_rates,
    make_spike_recorder,
)
from tvb_nest.nest_side.output_files import OutputFolder
from tvb_nest.nest_side.own_model import STANDARD, OwnModel
from tvb_nest.nest_side.parameters import NetworkParameters
from tvb_nest.nest_side.populations import Region, create_region
from tvb_nest.nest_side.windows import WindowedNetwork

KERNEL_SEEDS = 2**32 - 1
"""NEST takes seeds from 1 to this."""


class SpikingNetwork(WindowedNetwork):
    """A network in this process. Only one may be open in a process.

    Args:
        parameters: of the network.
        regions: the spiking regions, as indices into the connectome; their order is that of all arrays.
        connectome: weights and delays between regions; None leaves the regions unconnected.
        seed: of everything random.
        threads: of NEST. The result depends on their number.
        folder: for the files of the recordings; None writes none.
        own_model: the user's steps.

    Raises:
        UserError: NEST is missing, or parameters or the own model do not fit NEST.
    """

    RECORDER: Mapping[str, Any] = {}
    """Settings of the recorder whose spikes are exchanged."""

    def __init__(
        self,
        parameters: NetworkParameters,
        regions: Sequence[int],
        connectome: connections.BrainConnections | None = None,
        *,
        seed: int = 46,
        threads: int = 1,
        folder: Path | None = None,
        own_model: OwnModel = STANDARD,
    ) -> None:
        super().__init__(parameters)
        self._own, self._folder = own_model, folder
        # independent streams for NEST and for what is drawn here
        self._kernel_seed, self._value_seed = np.random.SeedSequence(seed).spawn(2)
        self._nest = session.acquire(self)
        try:
            self._set_kernel(threads)
            self._regions = self._create_populations(regions)
            self._connect(connectome)
            self._create_devices()
        except BaseException:
            session.release(self)
            raise

    @property
    def regions(self) -> list[Region]:
        return self._regions

    @property
    def populations(self) -> dict[int, dict[str, list[int]]]:
        return {r.index: {name: nodes.tolist() for name, nodes in r.populations.items()} for r in self.regions}

    @property
    def min_delay_steps(self) -> int:
        return round(self._nest.min_delay / self.dt)

    def spikes(self, region: int, population: str | None = None) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
        return self._sorter.spikes(region, population)

    def close(self) -> None:
        try:
            if self._prepared:
                self._prepared = False
                self._kernel.cleanup()
        finally:
            self._output.close()
            session.release(self)

    def _prepare(self) -> None:
        self._kernel.prepare()

    def _set_rates(self, rates: NDArray[np.float64]) -> int:
        return self._rate_input.send(self.step, rates)

    def _set_spikes(self, trains: Sequence[Train]) -> None:
        self._spike_input.send(self.step, trains)

    def _run(self, n_steps: int) -> None:
        if "simulate" in self._own:
            start = self.step * self.dt
            self._own.call("simulate", self._nest, self.parameters, start, (self.step + n_steps) * self.dt)
        self._kernel.run(n_steps * self.dt)
        self._collect()

    def _set_kernel(self, threads: int) -> None:
        """Step 1."""
        settings: dict[str, Any] = {
            "resolution": self.dt,
            "local_num_threads": threads,
            "rng_seed": 1 + int(self._kernel_seed.generate_state(1, np.uint64)[0]) % KERNEL_SEEDS,
            "print_time": False,
        }
        if "kernel" in self._own:
            settings = self._own.call("kernel", settings)
        try:
            self._nest.set(**settings)
        except (self._nest.NESTError, TypeError, ValueError, AttributeError) as error:
            raise UserError(f"kernel settings {settings}: NEST refuses them: {error}") from error
        if not np.isclose(self._nest.resolution, self.dt):
            raise UserError(
                f"own model {self._own.file}: kernel() set the resolution to {self._nest.resolution} ms; leave it at "
                f"{self.dt} ms, the time step of the brain, and change sim_resolution instead"
            )
        self._kernel = Kernel()

    def _create_populations(self, regions: Sequence[int]) -> list[Region]:
        """Step 2."""
        seeds = self._value_seed.spawn(len(regions))
        if "populations" not in self._own:
            values = self.parameters.populations
            return [
                create_region(self._nest, values, index, np.random.default_rng(seed))
                for index, seed in zip(regions, seeds, strict=True)
            ]
        return [self._own_region(index) for index in regions]

    def _own_region(self, index: int) -> Region:
        populations = self._own.call("populations", self._nest, self.parameters, index)
        for name, nodes in populations.items():
            if not isinstance(nodes, self._nest.NodeCollection):
                kind = type(nodes).__name__
                raise UserError(
                    f"own model {self._own.file}: population {name!r} is a {kind}, not what nest.Create gives"
                )
            if len(nodes) == 0:
                raise UserError(f"own model {self._own.file}: population {name!r} has no neurons; leave it out")
        return Region(index, populations)

    def _connect(self, connectome: connections.BrainConnections | None) -> None:
        """Step 3."""
        for region in self.regions:
            if "connections" in self._own:
                self._own.call("connections", self._nest, self.parameters, region.index, region.populations)
            else:
                connections.connect_inside(self._nest, self.parameters, region)
        self.links: list[connections.Link] = []
        if connectome is not None and len(self.regions) > 1:
            indices = [region.index for region in self.regions]
            synapses = self.parameters.connections
            self.links = connections.plan_links(connectome, indices, synapses, self.n_neurons, self.dt)
            connections.connect_between(self._nest, self.parameters, self.regions, self.links)

    def _create_devices(self) -> None:
        """Step 4."""
        nest, parameters = self._nest, self.parameters
        self._recorder = make_spike_recorder(nest, self.regions, parameters.recorded_populations, self.RECORDER)
        if "devices" in self._own:
            by_region = {region.index: region.populations for region in self.regions}
            recorders = devices.own_recorders(self._own.call("devices", nest, parameters, by_region))
            background = 0.0
        else:
            background = background_in_rates(parameters)
            recorders = self._standard_devices(excitatory_poisson=not background)
        if parameters.external_input == "rates":
            self._rate_input = RateInput(nest, parameters, self.regions, self._kernel, background)
        elif parameters.external_input == "spikes":
            self._connect_spikes()
        self._open_output(recorders)

    def _connect_spikes(self) -> None:
        self._spike_input = SpikeInput(self._nest, self.parameters, self.regions, self._kernel)

    def _open_output(self, recorders: list[devices.Recorder]) -> None:
        self._sorter = SpikeSorter(self.populations, self.parameters.recorded_populations)
        self._output = OutputFolder(self._folder, self._nest, self.regions, recorders)

    def _standard_devices(self, *, excitatory_poisson: bool) -> list[devices.Recorder]:
        nest, parameters, regions = self._nest, self.parameters, self.regions
        devices.connect_background(nest, parameters, regions, excitatory_poisson=excitatory_poisson)
        for stimulus in parameters.stimuli:
            devices.connect_stimulus(nest, parameters, regions, stimulus)
        first, *others = (region.nodes for region in regions)
        neurons = sum(others, start=first)
        return [devices.make_recorder(nest, r, neurons, parameters.delay_local) for r in parameters.recordings]

    def _collect(self) -> None:
        """Take the data out of the recorders and empty them, which NEST allows only between Cleanup and Prepare."""
        events = self._kernel.events(self._recorder)
        self._sorter.take(events["times"], events["senders"])
        self._output.append(self._kernel)
        self._kernel.cleanup()
        self._kernel.set(self._recorder, [{"n_events": 0}])
        self._output.clear(self._kernel)
        self._kernel.prepare()
