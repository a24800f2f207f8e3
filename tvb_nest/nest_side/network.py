"""The spiking regions of a brain as one NEST network that is run window by window.

The five steps of the original: kernel, populations, connections, devices, simulate. Each is a function of a module of
its own; here they are put in order. An own model (`own_model.py`) takes the place of single steps.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from mpi_coupling.failure import UserError
from tvb_nest.nest_side import connections, devices, session
from tvb_nest.nest_side.exchange import Kernel, RateInput, SpikeInput, SpikeReader, Train, background_in_rates
from tvb_nest.nest_side.output_files import OutputFolder
from tvb_nest.nest_side.own_model import STANDARD, OwnModel
from tvb_nest.nest_side.parameters import NetworkParameters
from tvb_nest.nest_side.populations import EXCITATORY, Region, create_region

Input = TypeVar("Input", RateInput, SpikeInput)

KERNEL_SEEDS = 2**32 - 1
"""NEST takes seeds from 1 to this."""


class SpikingNetwork:
    """NEST's part of the brain. Step s is the time s * dt, a window of n steps is (s, s + n].

    Only one network may be open in a process; use it as a context manager or call `close`.

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
        self.parameters, self.dt = parameters, parameters.sim_resolution
        self.step = 0
        self._own, self._folder = own_model, folder
        self._prepared = False
        self._covered = 0
        # independent streams for NEST and for what is drawn here
        self._kernel_seed, self._value_seed = np.random.SeedSequence(seed).spawn(2)
        self._nest = session.acquire(self)
        try:
            self._set_kernel(threads)
            self.regions = self._create_populations(regions)
            self._connect(connectome)
            self._create_devices()
        except BaseException:
            session.release(self)
            raise

    @property
    def populations(self) -> dict[int, dict[str, list[int]]]:
        """NEST's ids of the neurons, by region and population."""
        return {r.index: {name: nodes.tolist() for name, nodes in r.populations.items()} for r in self.regions}

    @property
    def n_neurons(self) -> list[int]:
        """Neurons per region."""
        return [region.n_neurons for region in self.regions]

    @property
    def n_excitatory(self) -> list[int]:
        """Excitatory neurons per region, whose mean rate TVB sees."""
        return [len(region.populations.get(EXCITATORY, ())) for region in self.regions]

    @property
    def min_delay_steps(self) -> int:
        """The shortest delay in the network; windows are multiples of it."""
        return round(self._nest.min_delay / self.dt)

    def prepare(self) -> None:
        """Make the network ready to run."""
        if not self._prepared:
            self._kernel.prepare()
            self._prepared = True
            self._grain = self.min_delay_steps

    def set_rates(self, window_start_step: int, rates: NDArray[np.float64]) -> None:
        """Give the next window's Poisson input.

        Args:
            window_start_step: must be `step`.
            rates: (steps, regions), in Hz per neuron, of all external synapses together.

        Raises:
            UserError: a rate is negative or not a number.
            ValueError: the window or the shape is wrong, or the network has no such input.
        """
        device = self._input(self._rate_input, "rates", window_start_step)
        self._covered = device.send(self.step, np.asarray(rates, dtype=float))

    def set_spikes(self, window_start_step: int, trains: Sequence[Train]) -> None:
        """Give the next window's spikes.

        Args:
            window_start_step: must be `step`.
            trains: neurons and times (ms) of the spikes into each region; a region may have none.

        Raises:
            ValueError: the window, a neuron or a time is wrong, or the network has no such input.
        """
        self._input(self._spike_input, "spikes", window_start_step).send(self.step, trains)

    def run(self, n_steps: int) -> None:
        """Simulate a window; afterwards `spikes` gives what fired in it.

        Raises:
            UserError: a window before was no multiple of the shortest delay. NEST would go on, but its devices then
                draw their random numbers in another order, so that the result depends on the window.
            RuntimeError: the network is not prepared, or the window has steps without a rate.
        """
        if not self._prepared:
            raise RuntimeError("prepare() the network before run()")
        if self.step % self._grain:
            raise UserError(
                f"a window ended at {self.step * self.dt:.6g} ms, but only the last one may be no multiple of NEST's "
                f"shortest delay, {self._grain * self.dt:.6g} ms: choose another window or delay_local"
            )
        end = self.step + n_steps
        if self._rate_input is not None and end > self._covered:
            raise RuntimeError(f"there are input rates up to step {self._covered} only, not up to {end}: set_rates()")
        if "simulate" in self._own:
            self._own.call("simulate", self._nest, self.parameters, self.step * self.dt, end * self.dt)
        self._kernel.run(n_steps * self.dt)
        self.step = end
        self._collect()

    def spikes(self, region: int, population: str | None = None) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
        """Spikes of a region in the last window.

        Args:
            region: index into the connectome.
            population: one of the recorded ones; None is all of them.

        Returns:
            Times (ms), sorted, and neurons, counted in the region.

        Raises:
            ValueError: the population is not recorded.
        """
        return self._reader.spikes(region, population)

    def close(self) -> None:
        """End the simulation, close the files and free NEST's memory. May be called twice."""
        try:
            if self._prepared:
                self._prepared = False
                self._kernel.cleanup()
        finally:
            self._output.close()
            session.release(self)

    def __enter__(self) -> SpikingNetwork:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

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
        self._reader = SpikeReader(nest, self.regions, parameters.recorded_populations, self._kernel)
        if "devices" in self._own:
            by_region = {region.index: region.populations for region in self.regions}
            recorders = devices.own_recorders(self._own.call("devices", nest, parameters, by_region))
            background = 0.0
        else:
            background = background_in_rates(parameters)
            recorders = self._standard_devices(excitatory_poisson=not background)
        self._rate_input: RateInput | None = None
        self._spike_input: SpikeInput | None = None
        if parameters.external_input == "rates":
            self._rate_input = RateInput(nest, parameters, self.regions, self._kernel, background)
        elif parameters.external_input == "spikes":
            self._spike_input = SpikeInput(nest, parameters, self.regions, self._kernel)
        self._output = OutputFolder(self._folder, nest, self.regions, recorders)

    def _standard_devices(self, *, excitatory_poisson: bool) -> list[devices.Recorder]:
        nest, parameters, regions = self._nest, self.parameters, self.regions
        devices.connect_background(nest, parameters, regions, excitatory_poisson=excitatory_poisson)
        for stimulus in parameters.stimuli:
            devices.connect_stimulus(nest, parameters, regions, stimulus)
        first, *others = (region.nodes for region in regions)
        neurons = sum(others, start=first)
        return [devices.make_recorder(nest, r, neurons, parameters.delay_local) for r in parameters.recordings]

    def _input(self, device: Input | None, kind: str, start: int) -> Input:
        """The device that takes the next window's input, when there is one and the window is the next."""
        if device is None:
            raise ValueError(f"the network's external_input is {self.parameters.external_input!r}, not {kind!r}")
        if start != self.step:
            raise ValueError(f"input for the window from step {start}, but the network is at step {self.step}")
        return device

    def _collect(self) -> None:
        """Take the data out of the recorders and empty them, which NEST allows only between Cleanup and Prepare."""
        self._reader.read()
        self._output.append(self._kernel)
        self._kernel.cleanup()
        self._reader.clear()
        self._output.clear(self._kernel)
        self._kernel.prepare()
