"""Parameters of the mean field, in the names, units and defaults of The Virtual Brain's model."""

from __future__ import annotations

import math
from dataclasses import dataclass, fields
from typing import Any, Literal, NamedTuple, get_args

from mpi_coupling.failure import UserError

STATE_VARIABLES = {
    1: ("E", "I", "W_e", "W_i", "ou_drift"),
    2: ("E", "I", "C_ee", "C_ei", "C_ii", "W_e", "W_i", "ou_drift"),
}
"""Order of the mean field -> its variables: rates [kHz], covariances [kHz^2], adaptation currents [pA], OU process."""

Covariance = Literal["tvb-library", "tvb-nest", "el-boustani"]
POSITIVE = ("g_L", "C_m", "tau_w_e", "tau_w_i", "Q_e", "Q_i", "tau_e", "tau_i", "N_tot", "T", "tau_OU")
FRACTIONS = ("p_connect_e", "p_connect_i", "g")
N_COEFFICIENTS = 10

DI_VOLO_P_E = (
    -0.04983106,
    0.005063550882777035,
    -0.023470121807314552,
    0.0022951513725067503,
    -0.0004105302652029825,
    0.010547051343547399,
    -0.03659252821136933,
    0.007437487505797858,
    0.001265064721846073,
    -0.04072161294490446,
)
DI_VOLO_P_I = (
    -0.05149122024209484,
    0.004003689190271077,
    -0.008352013668528155,
    0.0002414237992765705,
    -0.0005070645080016026,
    0.0014345394104282397,
    -0.014686689498949967,
    0.004502706285435741,
    0.0028472190352532454,
    -0.015357804594594548,
)


@dataclass(frozen=True)
class MeanFieldParameters:
    """Parameters of the mean field; e and i stand for the excitatory and the inhibitory population.

    Sources: Zerlaut et al., J Comput Neurosci 44:45 (2018), doi 10.1007/s10827-017-0668-2 (transfer function); di Volo
    et al., Neural Comput 31:653 (2019), doi 10.1162/neco_a_01173 (adaptation, defaults); El Boustani & Destexhe, Neural
    Comput 21:46 (2009), doi 10.1162/neco.2009.02-08-710 (covariances).

    Attributes:
        order: 1, rates only, or 2, rates and their covariances.
        g_L, C_m: leak conductance [nS] and capacitance [pF].
        E_L_e, E_L_i, E_e, E_i: reversal potentials of the leak and of the synapses [mV].
        b_e, b_i: current that a spike adds to the adaptation [pA].
        a_e, a_i, tau_w_e, tau_w_i: subthreshold adaptation [nS] and its time constant [ms].
        Q_e, Q_i, tau_e, tau_i: conductance step of a synapse [nS] and its decay [ms].
        N_tot, g: number of neurons and the fraction of them that is inhibitory.
        p_connect_e, p_connect_i: probability of a connection from an excitatory, an inhibitory neuron.
        K_ext_e, K_ext_i: number of synapses of a neuron from outside the region.
        T: time constant of the rates [ms].
        P_e, P_i: coefficients of the effective threshold [V], squares before products.
        external_input_ex_ex, external_input_ex_in, external_input_in_ex, external_input_in_in: constant rate outside
            [kHz]; the first part names the population that receives, the second the one that fires.
        tau_OU, weight_noise: time constant [ms] of the variable ``ou_drift`` and its weight in the outer rate [kHz].
        S_i: factor of the input from other regions into the inhibitory population.
        tvb_compat: as tvb-library computes it. At order 2 it differentiates the transfer function with respect to Hz
            where rates are in kHz, so first derivatives carry a factor 1e-3 and second ones 1e-6 and covariances act
            on nothing; at order 1 it ignores `S_i` and cuts negative input off before the constant rate is added.
            False: derivatives in the units of the rates, and input as at order 2.
        covariance: how covariances follow from the derivatives of the transfer functions F_e, F_i. ``el-boustani``: as
            the linearised master equation demands, J c + c J^T with J[l, m] = dF_l/dnu_m. ``tvb-library``: c_ei has
            c_ee dF_e/de + c_ei (dF_i/de + dF_e/di) + c_ii dF_i/di in place of
            c_ee dF_i/de + c_ei (dF_e/de + dF_i/di) + c_ii dF_e/di. ``tvb-nest``: the same and besides dF_i/di in place
            of dF_e/di in c_ee, dF_e/de in place of dF_i/de in c_ii, as in the copies of the project TVB-NEST.

    Raises:
        UserError: naming every parameter outside its range.
    """

    order: int = 2
    g_L: float = 10.0
    C_m: float = 200.0
    E_L_e: float = -65.0
    E_L_i: float = -65.0
    E_e: float = 0.0
    E_i: float = -80.0
    b_e: float = 60.0
    b_i: float = 0.0
    a_e: float = 4.0
    a_i: float = 0.0
    tau_w_e: float = 500.0
    tau_w_i: float = 1.0
    Q_e: float = 1.5
    Q_i: float = 5.0
    tau_e: float = 5.0
    tau_i: float = 5.0
    N_tot: float = 10_000
    g: float = 0.2
    p_connect_e: float = 0.05
    p_connect_i: float = 0.05
    K_ext_e: float = 400
    K_ext_i: float = 0
    T: float = 20.0
    P_e: tuple[float, ...] = DI_VOLO_P_E
    P_i: tuple[float, ...] = DI_VOLO_P_I
    external_input_ex_ex: float = 0.0
    external_input_ex_in: float = 0.0
    external_input_in_ex: float = 0.0
    external_input_in_in: float = 0.0
    tau_OU: float = 5.0
    weight_noise: float = 10.5
    S_i: float = 1.0
    tvb_compat: bool = True
    covariance: Covariance = "tvb-library"

    def __post_init__(self) -> None:
        errors = [*self._wrong_numbers(), *self._wrong_choices()]
        if errors:
            raise UserError("mean field: " + "; ".join(errors))

    @property
    def state_variables(self) -> tuple[str, ...]:
        """Names of the state variables, in order."""
        return STATE_VARIABLES[self.order]

    def constants(self) -> Constants:
        """The numbers as compiled code takes them."""
        derived: dict[str, Any] = {
            "excitatory": self._population("e"),
            "inhibitory": self._population("i"),
            "synapses_e": (1 - self.g) * self.p_connect_e * self.N_tot,
            "synapses_i": self.g * self.p_connect_i * self.N_tot,
            "N_e": (1 - self.g) * self.N_tot,
            "N_i": self.g * self.N_tot,
            "derivative_unit": 1e-3 if self.tvb_compat else 1.0,
            "compat": self.tvb_compat,
            "covariance": get_args(Covariance).index(self.covariance),
        }
        copied: dict[str, Any] = {x: float(getattr(self, x)) for x in Constants._fields if x not in derived}
        return Constants(**derived, **copied)

    def _population(self, kind: str) -> Population:
        names = (f"E_L_{kind}", f"a_{kind}", f"b_{kind}", f"tau_w_{kind}")
        return Population(*(float(getattr(self, name)) for name in names), *map(float, getattr(self, f"P_{kind}")))

    def _wrong_numbers(self) -> list[str]:
        errors = []
        for field in fields(self):
            value = getattr(self, field.name)
            numbers = value if isinstance(value, tuple) else (value,)
            if not isinstance(value, str) and not all(math.isfinite(number) for number in numbers):
                errors.append(f"{field.name} = {value}: must be finite")
        errors += [f"{name} = {getattr(self, name)}: must be above 0" for name in POSITIVE if getattr(self, name) <= 0]
        errors += [f"{x} = {getattr(self, x)}: must lie in 0 to 1" for x in FRACTIONS if not 0 <= getattr(self, x) <= 1]
        return errors

    def _wrong_choices(self) -> list[str]:
        errors = [
            f"{name} has {len(getattr(self, name))} coefficients, must have {N_COEFFICIENTS}"
            for name in ("P_e", "P_i")
            if len(getattr(self, name)) != N_COEFFICIENTS
        ]
        if self.order not in STATE_VARIABLES:
            errors.append(f"order = {self.order}: must be 1 or 2")
        if self.covariance not in get_args(Covariance):
            errors.append(f"covariance = {self.covariance}: must be one of {', '.join(get_args(Covariance))}")
        if self.order == 2 and not 0 < self.g < 1:
            errors.append(f"g = {self.g}: order 2 needs neurons of both kinds")
        return errors


class Population(NamedTuple):
    """What differs between the two populations, for compiled code; see `MeanFieldParameters`."""

    E_L: float
    a: float
    b: float
    tau_w: float
    P0: float
    PV: float
    PS: float
    PT: float
    PVV: float
    PSS: float
    PTT: float
    PVS: float
    PVT: float
    PST: float


class Constants(NamedTuple):
    """All numbers of the mean field, for compiled code; see `MeanFieldParameters`.

    Attributes:
        synapses_e, synapses_i: synapses of a neuron from its own region, excitatory and inhibitory.
        N_e, N_i: neurons of each population.
        derivative_unit: factor of a first derivative; its square is that of a second one.
        covariance: place of the form of the covariance equations in `Covariance`.
    """

    excitatory: Population
    inhibitory: Population
    g_L: float
    C_m: float
    E_e: float
    E_i: float
    Q_e: float
    Q_i: float
    tau_e: float
    tau_i: float
    synapses_e: float
    synapses_i: float
    N_e: float
    N_i: float
    K_ext_e: float
    K_ext_i: float
    T: float
    external_input_ex_ex: float
    external_input_ex_in: float
    external_input_in_ex: float
    external_input_in_in: float
    tau_OU: float
    weight_noise: float
    S_i: float
    derivative_unit: float
    compat: bool
    covariance: int
