"""Rates and spikes into the running kernel, spikes out of it, in memory and window by window.

`nest.Prepare(); nest.Run(window); ...` keeps the kernel ready between windows. What may be changed then differs from
device to device: the rates of inhomogeneous_poisson_generator and the times of spike_train_injector take effect at
once; the rate of poisson_generator is ignored until the next Prepare, without a word; recorders refuse to be emptied.

The calls go through nest.nestkernel_api: NEST's high-level get and set take longer than a window of a small network.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mpi_coupling.failure import UserError
from tvb_nest.nest_side.connections import synapse
from tvb_nest.nest_side.parameters import NetworkParameters
from tvb_nest.nest_side.populations import Nodes, Region

Train = tuple[NDArray[np.integer], NDArray[np.float64]]
"""Spikes into a region: neuron (counted in the region) and time in ms of each."""

OFF_GRID = 1e-3
"""How far, in time steps, a spike may lie from the grid; times in ms are not exact in binary."""


class Kernel:
    """The calls of the exchange, without the checks and conversions of NEST's high-level interface."""

    def __init__(self) -> None:
        import nest.nestkernel_api as kernel  # heavy, and only to be imported after the session's guard

        self.prepare = kernel.llapi_prepare
        self.run = kernel.llapi_run
        self.cleanup = kernel.llapi_cleanup
        self._get, self._set = kernel.llapi_get_nc_status, kernel.llapi_set_nc_status

    def events(self, node: Nodes) -> dict[str, NDArray[Any]]:
        """What a recorder holds, by name, sorted by time and sender.

        NEST gives the parts of its threads one after the other, and numbers of the wrong type when there are none.
        """
        events = self._get(node._datum, "events")
        order = np.lexsort((events["senders"], events["times"]))
        ordered = {name: values[order] for name, values in events.items()}
        ordered["senders"] = ordered["senders"].astype(np.int64)
        return ordered

    def set(self, nodes: Nodes, values: Sequence[dict[str, Any]]) -> None:
        """Set one dictionary per node."""
        self._set(nodes._datum, values)


def connect_to_neurons(nest: Any, parameters: NetworkParameters, sources: Nodes, region: Region, rule: str) -> None:
    """Connect what stands for the rest of the brain to the neurons of a region."""
    synapses = parameters.connections
    specification = synapse(synapses.external_synapse_weight, parameters.delay_local, synapses.receptor_excitatory)
    nest.Connect(sources, region.nodes, rule, specification)


class RateInput:
    """Independent Poisson spikes into every neuron, one inhomogeneous_poisson_generator per region.

    In the very first step of a simulation NEST's generators are silent.

    Args:
        nest: the module.
        parameters: of the network.
        regions: that get the input, in the order of the rates.
        kernel: the running one.
        background: a constant rate (Hz) that is added, instead of drawn by a generator of its own.
    """

    def __init__(
        self, nest: Any, parameters: NetworkParameters, regions: Sequence[Region], kernel: Kernel, background: float
    ) -> None:
        self._kernel, self._dt = kernel, parameters.sim_resolution
        self._regions = [region.index for region in regions]
        self._background = background
        self._generators = nest.Create("inhomogeneous_poisson_generator", len(regions))
        for generator, region in zip(self._generators, regions, strict=True):
            connect_to_neurons(nest, parameters, generator, region, "all_to_all")

    def send(self, start: int, rates: NDArray[np.float64]) -> int:
        """Set the rates of the steps after `start`; returns the last step that has one.

        Args:
            start: step.
            rates: (steps, regions), in Hz per neuron.

        Raises:
            UserError, ValueError: see `check_rates`.
        """
        check_rates(start, rates, self._regions, self._dt)
        # the rate with time t holds in (t - dt, t], whose spikes NEST stamps t
        times = (np.arange(start + 1, start + len(rates) + 1) * self._dt).tolist()
        columns = (rates + self._background).T.tolist()
        self._kernel.set(self._generators, [{"rate_times": times, "rate_values": column} for column in columns])
        return start + len(rates)


def check_rates(start: int, rates: NDArray[np.float64], regions: Sequence[int], dt: float) -> None:
    """Refuse rates that no neuron can get.

    Args:
        start: step that they follow.
        rates: (steps, regions), in Hz.
        regions: indices into the connectome.
        dt: time step (ms).

    Raises:
        UserError: a rate is negative or not a number.
        ValueError: the shape is wrong.
    """
    if rates.ndim != 2 or rates.shape[1] != len(regions):
        raise ValueError(f"rates have shape {rates.shape}, not (steps, {len(regions)})")
    wrong = ~(np.isfinite(rates) & (rates >= 0))
    if wrong.any():
        step, region = np.argwhere(wrong)[0]
        raise UserError(
            f"the brain's input to region {regions[region]} is {rates[step, region]} Hz at "
            f"{(start + step + 1) * dt:.6g} ms; the mean field diverged or its coupling is negative: "
            "check the noise, the coupling and dt"
        )


def background_in_rates(parameters: NetworkParameters) -> float:
    """The excitatory background (Hz) that may be added to the input rates, because it has the same law and weight."""
    same_weight = parameters.background.weight_poisson == parameters.connections.external_synapse_weight
    together = parameters.external_input == "rates" and parameters.background.poisson and same_weight
    return parameters.background.rate_ex if together else 0.0


class SpikeInput:
    """Spike trains into every neuron, one spike_train_injector per neuron.

    An injector exists once, whereas NEST copies a spike_generator to every thread.
    """

    def __init__(self, nest: Any, parameters: NetworkParameters, regions: Sequence[Region], kernel: Kernel) -> None:
        self._kernel, self._dt = kernel, parameters.sim_resolution
        self._sizes = [region.n_neurons for region in regions]
        self._injectors = [nest.Create("spike_train_injector", size) for size in self._sizes]
        for injectors, region in zip(self._injectors, regions, strict=True):
            connect_to_neurons(nest, parameters, injectors, region, "one_to_one")

    def send(self, start: int, trains: Sequence[Train]) -> None:
        """Set the spikes after step `start`; neurons without any keep silent.

        Args:
            start: step.
            trains: per region; several spikes of a neuron in one step all count.

        Raises:
            ValueError: not one train per region, an unknown neuron, a time before the window or off the grid.
        """
        sorted_trains = by_neuron(start, trains, self._sizes, self._dt)
        for injectors, size, (neurons, times) in zip(self._injectors, self._sizes, sorted_trains, strict=True):
            if len(neurons):
                ends = np.flatnonzero(np.diff(neurons)) + 1
                bounds = [0, *ends.tolist(), len(neurons)]
                # lists: NEST takes three times as long to read small arrays
                milliseconds = times.tolist()
                values = [{"spike_times": milliseconds[i:j]} for i, j in pairwise(bounds)]
                firing = neurons[bounds[:-1]]
                self._kernel.set(injectors if len(firing) == size else injectors[firing.tolist()], values)


def by_neuron(start: int, trains: Sequence[Train], sizes: Sequence[int], dt: float) -> list[Train]:
    """The spikes of a window, sorted by neuron and time, with times on the grid to the last bit.

    Args:
        start: step that they follow.
        trains: per region.
        sizes: neurons per region.
        dt: time step (ms).

    Raises:
        ValueError: not one train per region, an unknown neuron, a time before the window or off the grid.
    """
    if len(trains) != len(sizes):
        raise ValueError(f"spikes for {len(trains)} regions, but {len(sizes)} are spiking")
    return [
        _by_neuron(start, np.asarray(neurons, dtype=np.int64), np.asarray(times, dtype=float), size, dt)
        for size, (neurons, times) in zip(sizes, trains, strict=True)
    ]


def _by_neuron(start: int, neurons: NDArray[np.int64], times: NDArray[np.float64], size: int, dt: float) -> Train:
    if not len(neurons):
        return neurons, times
    steps = np.rint(times / dt).astype(np.int64)
    if np.abs(times / dt - steps).max() > OFF_GRID:
        raise ValueError(f"spike times must be multiples of dt = {dt} ms")
    if steps.min() <= start or neurons.min() < 0 or neurons.max() >= size:
        raise ValueError(f"spikes must be later than {start * dt} ms and into neurons 0 to {size - 1}")
    later = np.diff(neurons)
    if ((later < 0) | ((later == 0) & (np.diff(steps) < 0))).any():
        order = np.lexsort((steps, neurons))
        neurons, steps = neurons[order], steps[order]
    return neurons, steps * dt


class SpikeSorter:
    """Tells the spikes of a window apart, by region and population.

    Args:
        ids: NEST's ids of the neurons, by region and population.
        recorded: populations whose spikes are given.
    """

    def __init__(self, ids: Mapping[int, Mapping[str, list[int]]], recorded: Sequence[str]) -> None:
        self._position = {region: position for position, region in enumerate(ids)}
        self._spans: dict[tuple[int, str], tuple[int, int]] = {}
        last = max(max(some) for by_name in ids.values() for some in by_name.values())
        self._region_of, self._neuron_of = np.full((2, last + 1), -1)
        for region, by_name in ids.items():
            of_region = [number for some in by_name.values() for number in some]
            self._region_of[of_region], self._neuron_of[of_region] = self._position[region], np.arange(len(of_region))
            for name in recorded:
                if name in by_name:
                    self._spans[region, name] = tuple(self._neuron_of[[min(by_name[name]), max(by_name[name])]])
        self._times = [np.empty(0)] * len(ids)
        self._neurons = [np.empty(0, dtype=np.int64)] * len(ids)

    def take(self, times: NDArray[np.float64], ids: NDArray[np.int64]) -> None:
        """The spikes of the window, sorted by time (ms) and id."""
        owners = self._region_of[ids]
        for position in self._position.values():
            mine = owners == position
            self._times[position], self._neurons[position] = times[mine], self._neuron_of[ids[mine]]

    def spikes(self, region: int, population: str | None) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
        """Times (ms), sorted, and neurons of the last window; see `WindowedNetwork.spikes`."""
        position = self._position[region]
        times, neurons = self._times[position], self._neurons[position]
        if population is None:
            return times, neurons
        if (region, population) not in self._spans:
            raise ValueError(f"the spikes of population {population!r} of region {region} are not recorded")
        first, last = self._spans[region, population]
        chosen = (first <= neurons) & (neurons <= last)
        return times[chosen], neurons[chosen]


def make_spike_recorder(
    nest: Any, regions: Sequence[Region], populations: Sequence[str], settings: Mapping[str, Any]
) -> Nodes:
    """The one recorder of the recorded populations of all regions.

    Raises:
        UserError: a region has no such population.
    """
    recorder = nest.Create("spike_recorder", params=dict(settings))
    for region in regions:
        for name in populations:
            nest.Connect(region.select(name), recorder)
    return recorder
