"""How a figure shows regions: their names and a hue each, and whose spikes a recording holds."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from mpi_coupling.failure import UserError
from tvb_nest.brain_connectome import connectome_of
from tvb_nest.nest_side.parameters import PopulationParameters
from tvb_nest.parameters import Parameters

HUES = ("#0072B2", "#D55E00", "#009E73", "#CC79A7")
"""Dark ones of Okabe and Ito's colours, which colour-blind readers can tell apart, also from their tints."""

UNKNOWN = "#4D4D4D"
"""Of spikes of several regions, or of a user's own network, whose neurons we cannot tell."""

TINT = 0.55
"""How much white is in the colour of inhibitory neurons."""


@dataclass(frozen=True)
class RegionStyle:
    """Names and colours of the regions of a simulation.

    Attributes:
        parameters: of the simulation.
    """

    parameters: Parameters

    @cached_property
    def labels(self) -> tuple[str, ...]:
        """Names of the regions in the connectome; none where it cannot be read any more."""
        try:
            return connectome_of(self.parameters).labels
        except UserError:
            return ()

    def number_and_name(self, region: int) -> str:
        """Such as ``9, rHC``."""
        return f"{region}, {self.labels[region]}" if region < len(self.labels) else str(region)

    def colour(self, region: int) -> str:
        """The hue of a spiking region."""
        return HUES[self.parameters.spiking.index(region) % len(HUES)]

    def of_recording(self, label: str) -> tuple[str, str]:
        """Colour and text of a recording of spikes: dark for excitatory, light for inhibitory neurons."""
        region = self._region(label)
        if region is None:
            return UNKNOWN, label
        topology = self.parameters.resolved.param_nest_topology
        size = topology.nb_neuron_by_region
        excitatory = PopulationParameters(size, topology.percentage_inhibitory).n_excitatory
        first, _ = self._neurons(label)
        colour = self.colour(region)
        return (
            _tint(colour) if first % size >= excitatory else colour
        ), f"{label}: region {self.number_and_name(region)}"

    def _neurons(self, label: str) -> tuple[int, int]:
        """The first neuron of a recording and the last, not included."""
        first, last = self.parameters.resolved.param_nest_background.record_spike_list[label]
        return first, last

    def _region(self, label: str) -> int | None:
        """The region of all neurons of a recording, None for several or where it cannot be told."""
        if self.parameters.resolved.param_tvb_nest.network_file is not None:
            return None
        first, last = self._neurons(label)
        size = self.parameters.resolved.param_nest_topology.nb_neuron_by_region
        number, spiking = first // size, self.parameters.spiking
        return spiking[number] if number == (last - 1) // size and number < len(spiking) else None


def _tint(colour: str) -> str:
    parts = (int(colour[k : k + 2], 16) for k in (1, 3, 5))
    return "#" + "".join(f"{round(part + TINT * (255 - part)):02X}" for part in parts)
