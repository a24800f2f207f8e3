"""What a spiking network is made of. Names and defaults are those of the original, units are NEST's.

Times are in ms, potentials in mV, currents in pA, conductances and synaptic weights in nS (pA for models with
current-based synapses), rates in Hz.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Literal

_ADEX = {
    "C_m": 200.0,
    "t_ref": 5.0,
    "V_reset": -64.5,
    "E_L": -64.5,
    "g_L": 10.0,
    "I_e": 0.0,
    "a": 0.0,
    "b": 1.0,
    "Delta_T": 2.0,
    "tau_w": 500.0,
    "V_th": -50.0,
    "E_ex": 0.0,
    "tau_syn_ex": 5.0,
    "E_in": -80.0,
    "tau_syn_in": 5.0,
}
EXCITATORY_ADEX: Mapping[str, float] = MappingProxyType(_ADEX)
"""Regular spiking adaptive exponential neuron of the original's defaults."""
INHIBITORY_ADEX: Mapping[str, float] = MappingProxyType(
    _ADEX | {"V_reset": -65.0, "E_L": -65.0, "b": 0.0, "Delta_T": 0.5, "tau_w": 1.0}
)
"""Fast spiking neuron of the original's defaults."""


@dataclass(frozen=True)
class PopulationParameters:
    """The neurons of every region.

    Attributes:
        nb_neuron_by_region: neurons per region.
        percentage_inhibitory: the fraction of them that is inhibitory, 0 to 1.
        neuron_type: any neuron model of NEST.
        excitatory, inhibitory: parameters of the model.
        mean_I_ext, sigma_I_ext: constant current into each neuron, normally distributed (pA).
        sigma_V_0: spread of the initial potentials about the resting potential E_L (mV).
        mean_w_0: mean and standard deviation of the initial adaptation of excitatory neurons (pA).
    """

    nb_neuron_by_region: int = 10_000
    percentage_inhibitory: float = 0.2
    neuron_type: str = "aeif_cond_exp"
    excitatory: Mapping[str, float] = field(default_factory=lambda: EXCITATORY_ADEX)
    inhibitory: Mapping[str, float] = field(default_factory=lambda: INHIBITORY_ADEX)
    mean_I_ext: float = 0.0
    sigma_I_ext: float = 0.0
    sigma_V_0: float = 0.0
    mean_w_0: float = 0.0

    @property
    def n_inhibitory(self) -> int:
        return round(self.nb_neuron_by_region * self.percentage_inhibitory)

    @property
    def n_excitatory(self) -> int:
        return self.nb_neuron_by_region - self.n_inhibitory


@dataclass(frozen=True)
class ConnectionParameters:
    """Synapses inside and between regions.

    A neuron of region i gets ``nb_external_synapse * weight_global * weights[i, j]`` synapses, on average, from the
    excitatory neurons of region j. This is the input that the mean field of i would get from j, synapse by synapse.

    Attributes:
        weight_local: an excitatory synapse.
        g: inhibitory over excitatory weight.
        p_connect: probability of a connection inside a region; sets the fixed in-degree.
        nb_external_synapse: synapses per neuron from other regions, per unit of the connectome's weights.
        weight_global: factor of the connectome's weights, TVB's coupling strength.
        weight_external: a synapse from another region; None is weight_local.
        delay_local: of synapses inside a region and of all devices (ms); None is one time step.
        receptor_excitatory, receptor_inhibitory: receptor ports, for models that have several.
        compat_upstream: wire regions as the original did, to compare with it: delay = distance * speed, weights read
            as [source, target], all nb_external_synapse shared out among the spiking regions, weight weight_global.
    """

    weight_local: float = 1.0
    g: float = 3.5
    p_connect: float = 0.05
    nb_external_synapse: int = 400
    weight_global: float = 1.0
    weight_external: float | None = None
    delay_local: float | None = None
    receptor_excitatory: int = 0
    receptor_inhibitory: int = 0
    compat_upstream: bool = False

    @property
    def external_synapse_weight(self) -> float:
        """Weight of a synapse that carries another region's spikes."""
        if self.compat_upstream:
            return self.weight_global
        return self.weight_local if self.weight_external is None else self.weight_external


@dataclass(frozen=True)
class BackgroundParameters:
    """Input that does not depend on the brain.

    Attributes:
        poisson: whether every neuron gets its own Poisson spikes.
        rate_ex: of the excitatory ones (Hz).
        rate_in: of inhibitory ones with weight -g * weight_poisson (Hz). The original has 0.2 here and ignores it.
        weight_poisson: of a background synapse.
        noise: whether every neuron gets Gaussian white current.
        mean_noise, sigma_noise: of this current (pA).
        weight_noise: factor of this current.
        dc: constant current into every neuron (pA), from a generator; unlike I_e it has no spread.
    """

    poisson: bool = True
    rate_ex: float = 300.4
    rate_in: float = 0.0
    weight_poisson: float = 1.0
    noise: bool = False
    mean_noise: float = 0.0
    sigma_noise: float = 400.0
    weight_noise: float = 1.0
    dc: float = 0.0


@dataclass(frozen=True)
class StimulusParameters:
    """A current step into the neurons of one region.

    Attributes:
        amplitude: in pA.
        start, duration: in ms; the generator is on in (start, start + duration], a neuron feels it delay_local later.
        target: the region, as index into the connectome.
        population: "excitatory", "inhibitory" (or a population of an own model); None is all neurons of the region.
    """

    amplitude: float
    start: float
    duration: float
    target: int
    population: str | None = None


@dataclass(frozen=True)
class RecordingParameters:
    """A file of recordings: spikes, or variables of neurons over time.

    Attributes:
        label: name of the file and key in labels.csv.
        first, last: neurons, counted from 0 over all neurons of the network; last is not included.
        variables: what to record, e.g. ("V_m", "w"); empty for spikes.
        interval: between samples of the variables (ms).
    """

    label: str
    first: int
    last: int
    variables: tuple[str, ...] = ()
    interval: float = 1.0


@dataclass(frozen=True)
class NetworkParameters:
    """A whole spiking network.

    Attributes:
        sim_resolution: time step dt (ms).
        recorded_populations: whose spikes `SpikingNetwork.spikes` gives.
        external_input: how the rest of the brain reaches the neurons: "rates" (independent Poisson spikes), "spikes"
            (trains made by a transformer) or "none" (NEST only).
    """

    sim_resolution: float = 0.1
    populations: PopulationParameters = PopulationParameters()
    connections: ConnectionParameters = ConnectionParameters()
    background: BackgroundParameters = BackgroundParameters()
    stimuli: tuple[StimulusParameters, ...] = ()
    recordings: tuple[RecordingParameters, ...] = ()
    recorded_populations: tuple[str, ...] = ("excitatory",)
    external_input: Literal["none", "rates", "spikes"] = "none"

    @property
    def delay_local(self) -> float:
        """Delay of synapses inside a region and of devices (ms)."""
        return self.sim_resolution if self.connections.delay_local is None else self.connections.delay_local
