"""TVB: connectome, coupling, integrator with its noise, mean field and monitors."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from tvb_nest.parameters.fields import OptionalPath, Section, key, linked, path

STATE_VARIABLES = {1: ("E", "I", "W_e", "W_i"), 2: ("E", "I", "C_ee", "C_ei", "C_ii", "W_e", "W_i")}
"""State variables of the mean field by its order."""

COEFFICIENTS = 10
"""Of the polynomial of the effective threshold: 1, V, S, t, V^2, S^2, t^2, VS, Vt, St."""


def of_state_variables(values: Sequence[float], order: int) -> list[float]:
    """The values that belong to the state variables of a mean field.

    Args:
        values: one per state variable of the second order, as in the original's files whatever the order, or exactly
            one per state variable of this order.
        order: 1 or 2.
    """
    if len(values) == len(STATE_VARIABLES[order]):
        return list(values)
    by_name = dict(zip(STATE_VARIABLES[2], values, strict=True))
    return [by_name[name] for name in STATE_VARIABLES[order]]


def _of_rate(value: float) -> list[float]:
    return [value, *[0.0] * (len(STATE_VARIABLES[2]) - 1)]


class TvbConnection(Section):
    """param_tvb_connection: the connectome as TVB gets it."""

    path_region_labels: OptionalPath = path("Names of the regions, text.")
    path_centers: OptionalPath = path("Centres of the regions, text.", "mm")
    path_cortical: OptionalPath = path("Which regions are cortical, .npy: EEG sees these only.")
    orientation: bool | None = key(
        None,
        "Orientation of the sources of sensors. null: the connectome's; true: the same, or outwards where it has none; "
        "false: not known.",
    )
    path_distance: str = linked("Lengths of the tracts, .npy.", "mm")
    path_weight: str = linked("Weights between regions, .npy.")
    nb_region: int = linked("Regions of the brain.")
    velocity: float = linked("Speed in the tracts.", "m/s")


class TvbCoupling(Section):
    """param_tvb_coupling: linear coupling."""

    a: float = linked("Factor on all weights between regions.")


class TvbIntegrator(Section):
    """param_tvb_integrator: stochastic Heun, with an Ornstein-Uhlenbeck process as noise.

    ``mu``, ``nsig`` and ``weights`` have a value per state variable: E, I, C_ee, C_ei, C_ii, W_e, W_i.
    """

    sim_resolution: float = linked("Time step.", "ms")
    seed: int = linked("Seed of the noise.")
    seed_init: int = linked("Seed of the initial history.")
    tau_OU: float = key(20.0, "Time constant of the process.", "ms", gt=0)
    mu: list[float] = key(lambda: _of_rate(0.7), "Mean of the noise.")
    nsig: list[float] = key(lambda: _of_rate(0.05), "Factor on the process.")
    weights: list[float] = key(lambda: _of_rate(0.01), "Factor on the noise, added at every step.", "Hz")


class InitialCondition(Section):
    """Uniform ranges of the initial history."""

    E: list[float] = key(lambda: [0.1, 0.001], "Excitatory rate.", "kHz", min_length=2, max_length=2)
    I: list[float] = key(lambda: [0.0, 0.0], "Inhibitory rate.", "kHz", min_length=2, max_length=2)  # noqa: E741
    C_ee: list[float] = key(lambda: [0.0, 0.0], "Variance of the excitatory rate.", "kHz2", min_length=2, max_length=2)
    C_ei: list[float] = key(lambda: [0.0, 0.0], "Covariance of the rates.", "kHz2", min_length=2, max_length=2)
    C_ii: list[float] = key(lambda: [0.0, 0.0], "Variance of the inhibitory rate.", "kHz2", min_length=2, max_length=2)
    W_e: list[float] = key(lambda: [0.0, 0.0], "Excitatory adaptation.", "pA", min_length=2, max_length=2)
    W_i: list[float] = key(lambda: [0.0, 0.0], "Inhibitory adaptation.", "pA", min_length=2, max_length=2)


P_E = [-0.05059317, 0.0036078, 0.01794401, 0.00467008, 0.00098553]
P_E += [0.0082953, -0.00985289, -0.02600252, -0.00274499, -0.01051463]
P_I = [-5.96722865e-02, 7.15675508e-03, 4.28252163e-03, 9.25089702e-03, 1.16632197e-06]
P_I += [-1.00659310e-02, 3.89257235e-03, 4.45787751e-04, 4.20050937e-03, 4.37359879e-03]


class TvbModel(Section):
    """param_tvb_model: mean field of adaptive exponential neurons (di Volo et al. 2019, 10.1162/neco_a_01173)."""

    order: Literal[1, 2] = key(2, "1: mean rates; 2: with their covariances.")
    T: float = key(20.0, "Time scale over which the network is taken as Markovian.", "ms", gt=0)
    P_e: list[float] = key(P_E.copy, "Threshold of excitatory neurons; depends on the neuron's parameters.", "V")
    P_i: list[float] = key(P_I.copy, "Threshold of inhibitory neurons; depends on the neuron's parameters.", "V")
    initial_condition: InitialCondition = key(InitialCondition, "Ranges of the initial history.")
    g_L: float = linked("Leak conductance.", "nS")
    C_m: float = linked("Capacity of the membrane.", "pF")
    E_L_e: float = linked("Leak reversal potential of excitatory neurons.", "mV")
    E_L_i: float = linked("Leak reversal potential of inhibitory neurons.", "mV")
    b_e: float = linked("Adaptation that a spike of an excitatory neuron adds.", "pA")
    b_i: float = linked("The same of inhibitory neurons.", "pA")
    a_e: float = linked("Subthreshold adaptation of excitatory neurons.", "nS")
    a_i: float = linked("The same of inhibitory neurons.", "nS")
    tau_w_e: float = linked("Time constant of the excitatory adaptation.", "ms")
    tau_w_i: float = linked("Time constant of the inhibitory adaptation.", "ms")
    E_e: float = linked("Excitatory reversal potential.", "mV")
    E_i: float = linked("Inhibitory reversal potential.", "mV")
    Q_e: float = linked("Excitatory weight.", "nS")
    Q_i: float = linked("Inhibitory weight.", "nS")
    tau_e: float = linked("Decay time of excitatory conductances.", "ms")
    tau_i: float = linked("Decay time of inhibitory conductances.", "ms")
    N_tot: int = linked("Neurons of a region.")
    p_connect: float = linked("Probability of a connection inside a region.")
    p_connect_e: float = linked("The same for excitatory synapses.")
    p_connect_i: float = linked("The same for inhibitory synapses.")
    g: float = linked("Part of the neurons that is inhibitory.")
    K_ext_e: int = linked("Synapses of a neuron with other regions.")


class AverageMonitor(Section):
    """parameter_TemporalAverage: means over a period."""

    variables_of_interest: list[int] = key(lambda: [0, 1, 2, 3], "State variables, counted from 0.")
    period: float = linked("Period of the means.", "ms")


class BoldMonitor(Section):
    """parameter_Bold: blood oxygenation as a scanner sees it."""

    variables_of_interest: list[int] = key(lambda: [0], "State variables, counted from 0.")
    period: float = linked("Time between two images.", "ms")


class SeegMonitor(Section):
    """parameter_SEEG: sensors inside the brain."""

    path: OptionalPath = path("Positions of the sensors: a text file, or a name of tvb-data.", "mm")
    scaling_projection: float = key(1.0, "Factor on the projection.")


class EcogMonitor(Section):
    """parameter_ECOG: sensors on the cortex."""

    path: OptionalPath = path("Positions of the sensors: a text file, or a name of tvb-data.", "mm")
    scaling: float = key(1.0, "Factor on the projection.")
    sigma_noise: float = key(0.0, "Standard deviation of the sensors' noise.", ge=0)


class TvbMonitor(Section):
    """param_tvb_monitor: what is recorded of the brain."""

    save_time: float = key(20.0, "Time in each file.", "ms", gt=0)
    Raw: bool = key(True, "Whether every step is recorded.")
    TemporalAverage: bool = key(False, "Whether means over a period are recorded.")
    parameter_TemporalAverage: AverageMonitor = key(AverageMonitor, "Means over a period.")
    Bold: bool = key(False, "Whether BOLD is recorded.")
    parameter_Bold: BoldMonitor = key(BoldMonitor, "BOLD.")
    SEEG: bool = key(False, "Whether SEEG is recorded.")
    parameter_SEEG: SeegMonitor = key(SeegMonitor, "SEEG.")
    ECOG: bool = key(False, "Whether ECOG is recorded.")
    parameter_ECOG: EcogMonitor = key(EcogMonitor, "ECOG.")
