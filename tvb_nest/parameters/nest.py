"""NEST: the kernel, the neurons, their connections, and what drives and records them."""

from __future__ import annotations

from tvb_nest.parameters.fields import OptionalPath, Section, Slice, Variables, key, linked, path, unused


class Nest(Section):
    """param_nest: the kernel."""

    sim_resolution: float = key(0.1, "Time step of both simulators.", "ms", gt=0)
    master_seed: int = key(46, "Seed that all others follow from.", ge=3, lt=2**31)
    total_num_virtual_procs: int = key(16, "Threads of NEST, if it exchanges in memory.", ge=1)
    overwrite_files: bool = key(True, "Whether NEST may replace files of an earlier run.")
    print_time: bool = key(True, "Whether NEST prints its progress.")
    verbosity: int = key(20, "NEST's least message level: 0 all, 10 info, 20 warning, 30 error.", ge=0, le=100)


class Neuron(Section):
    """A population's adaptive exponential neuron (NEST's aeif_cond_exp); the defaults are the excitatory ones."""

    C_m: float = key(200.0, "Capacity of the membrane.", "pF", gt=0)
    t_ref: float = key(5.0, "Refractory time.", "ms", ge=0)
    V_reset: float = key(-64.5, "Potential after a spike.", "mV")
    E_L: float = key(-64.5, "Leak reversal potential.", "mV")
    g_L: float = key(10.0, "Leak conductance.", "nS", gt=0)
    I_e: float = key(0.0, "Constant input current.", "pA")
    a: float = key(0.0, "Subthreshold adaptation.", "nS")
    b: float = key(1.0, "Adaptation added by a spike.", "pA")
    Delta_T: float = key(2.0, "Slope of the spike's rise.", "mV", ge=0)
    tau_w: float = key(500.0, "Time constant of the adaptation.", "ms", gt=0)
    V_th: float = key(-50.0, "Potential where a spike begins.", "mV")
    E_ex: float = key(0.0, "Excitatory reversal potential.", "mV")
    tau_syn_ex: float = key(5.0, "Decay time of excitatory conductances.", "ms", gt=0)
    E_in: float = key(-80.0, "Inhibitory reversal potential.", "mV")
    tau_syn_in: float = key(5.0, "Decay time of inhibitory conductances.", "ms", gt=0)


class InhibitoryNeuron(Neuron):
    """The same with the inhibitory defaults."""

    V_reset: float = key(-65.0, "Potential after a spike.", "mV")
    E_L: float = key(-65.0, "Leak reversal potential.", "mV")
    b: float = key(0.0, "Adaptation added by a spike.", "pA")
    Delta_T: float = key(0.5, "Slope of the spike's rise.", "mV", ge=0)
    tau_w: float = key(1.0, "Time constant of the adaptation.", "ms", gt=0)


class Topology(Section):
    """param_nest_topology: populations and neurons."""

    nb_region: int = key(10, "Regions of the brain: the first ones of the connectome. NEST alone: spiking ones.", ge=1)
    nb_neuron_by_region: int = key(10_000, "Neurons of a spiking region.", ge=2)
    percentage_inhibitory: float = key(0.2, "Part of the neurons that is inhibitory, 0 to 1.", gt=0, lt=1)
    neuron_type: str = key("aeif_cond_exp", "NEST's neuron model.", min_length=1)
    param_neuron_excitatory: Neuron = key(Neuron, "Excitatory neurons.")
    param_neuron_inhibitory: InhibitoryNeuron = key(InhibitoryNeuron, "Inhibitory neurons.")
    mean_I_ext: float = key(0.0, "Mean of the neurons' constant input current.", "pA")
    sigma_I_ext: float = key(0.0, "Its standard deviation over the neurons.", "pA", ge=0)
    sigma_V_0: float = key(0.0, "Standard deviation of the initial potential around E_L.", "mV", ge=0)
    mean_w_0: float = key(0.0, "Mean and standard deviation of the excitatory initial adaptation.", "pA", ge=0)


class Connection(Section):
    """param_nest_connection: synapses inside regions and between them."""

    path_homogeneous: OptionalPath = unused("the connections are made anew from the seed")
    path_heterogeneous: OptionalPath = unused("the connections are made anew from the seed")
    weight_local: float = key(1.0, "Excitatory weight inside a region.", "nS", ge=0)
    g: float = key(3.5, "Inhibitory weight as a multiple of the excitatory one.", ge=0)
    p_connect: float = key(0.05, "Probability of a connection inside a region.", gt=0, le=1)
    nb_external_synapse: int = key(400, "Synapses of a neuron with other regions.", ge=1)
    path_weight: OptionalPath = path("Weights between regions, .npy; param_tvb_nest.connectome comes first.")
    path_distance: OptionalPath = path("Lengths of the tracts, .npy, in mm.", "mm")
    path_centers: OptionalPath = path("Centres of the regions, text.", "mm")
    path_region_labels: OptionalPath = path("Names of the regions, text.")
    velocity: float = key(3.0, "Speed in the tracts.", "m/s", gt=0)
    weight_global: float = key(1.0, "Weight between regions.", "nS", ge=0)


def _multimeters() -> dict[str, Variables]:
    return {
        "pop_1_ex_VM": (["V_m"], 0, 10),
        "pop1_ex_W": (["w"], 0, 10),
        "pop_1_in_VM": (["V_m"], 800, 810),
        "pop1_in_W": (["w"], 800, 810),
    }


def _spike_recorders() -> dict[str, Slice]:
    return {"pop_1_ex": (0, 799), "pop_2_ex": (1000, 1799), "pop_1_in": (800, 999), "pop_2_in": (1800, 1999)}


class Background(Section):
    """param_nest_background: Poisson input, noise, stimulus, multimeters and spike recorders."""

    poisson: bool = key(True, "Whether every neuron has a Poisson input of its own.")
    rate_ex: float = key(400.0 * 1e-3 + 2.0 * 150, "Rate of the excitatory Poisson input of a neuron.", "Hz", ge=0)
    rate_in: float = key(200.0 * 1e-3, "Rate of the inhibitory one; the original ignores it.", "Hz", ge=0)
    weight_poisson: float = linked("Weight of the Poisson input.", "nS")
    noise: bool = key(False, "Whether neurons get a noise current.")
    mean_noise: float = key(0.0, "Its mean.", "pA")
    sigma_noise: float = key(400.0, "Its standard deviation.", "pA", ge=0)
    weight_noise: float = key(1.0, "Factor on it.")
    stimulus: bool = key(False, "Whether a population gets a current for a time.")
    stimulus_amplitude: float = key(0.0, "Its amplitude.", "pA")
    stimulus_start: float = key(0.0, "When it begins.", "ms", ge=0)
    stimulus_duration: float = key(0.0, "How long it lasts.", "ms", ge=0)
    stimulus_target: int = key(0, "Population, counted from 0: excitatory ones of all regions, then inhibitory.", ge=0)
    multimeter: bool = key(True, "Whether variables of neurons are recorded.")
    multimeter_list: dict[str, Variables] = key(_multimeters, "Label -> [[variables], first, last (not included)].")
    record_spike: bool = key(True, "Whether spikes are written to files.")
    record_spike_list: dict[str, Slice] = key(_spike_recorders, "Label -> [first, last (not included)].")
