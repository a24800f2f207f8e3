"""What keys of different sections must have in common. One function per rule."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator
from typing import TypeAlias

from mpi_coupling.settings.problems import Finding, KeyPath
from tvb_nest.parameters.parameter_set import ParameterSet
from tvb_nest.parameters.places import overlap
from tvb_nest.parameters.tvb import COEFFICIENTS, STATE_VARIABLES, of_state_variables

Rule: TypeAlias = Callable[[ParameterSet], Iterator[Finding]]

WHOLE = 1e-6
"""Time steps by which a duration may miss a whole number of them."""

CO_SIMULATION = "param_co_simulation"
BACKGROUND = "param_nest_background"
OWN = "param_tvb_nest"


def cross_check(parameters: ParameterSet, broken: Iterable[KeyPath]) -> Iterator[Finding]:
    """Everything that the rules find; a rule is left out where a key that it looks at is wrong by itself."""
    wrong = list(broken)
    for places, rule in RULES:
        if not any(overlap(tuple(place.split(".")), bad) for place in places for bad in wrong):
            yield from rule(parameters)


def is_whole(duration: float, step: float) -> bool:
    """Whether a duration is a whole number of steps, but for rounding."""
    return math.isclose(duration / step, round(duration / step), abs_tol=WHOLE)


def _regions(parameters: ParameterSet) -> Iterator[Finding]:
    settings, count = parameters.param_co_simulation, parameters.param_nest_topology.nb_region
    place = (CO_SIMULATION, "id_region_nest")
    regions = settings.id_region_nest
    if settings.co_simulation and not regions:
        yield Finding(place, "is empty, but co-simulation needs at least one region that NEST simulates")
    for number, region in enumerate(regions):
        if not 0 <= region < count:
            message = f"must be a region from 0 to {count - 1}; param_nest_topology.nb_region is {count}"
            yield Finding((*place, number), message)
        elif region in regions[:number]:
            yield Finding((*place, number), "is named twice; keep one of them")
    if settings.co_simulation and len(set(regions)) >= count:
        yield Finding(place, "names all regions; leave at least one to TVB, or set co-simulation to false")


def _processes(parameters: ParameterSet) -> Iterator[Finding]:
    settings = parameters.param_co_simulation
    if settings.co_simulation and settings.nb_MPI_nest == 0:
        yield Finding((CO_SIMULATION, "nb_MPI_nest"), "must be >= 1: co-simulation needs NEST")


def _translation(parameters: ParameterSet) -> Iterator[Finding]:
    settings, ranks = parameters.param_co_simulation, parameters.param_tvb_nest.transform_ranks
    regions = len(settings.id_region_nest)
    if settings.co_simulation and ranks > regions:
        message = f"must be <= {regions}, the number of spiking regions: a region is translated by one rank"
        yield Finding(("param_tvb_nest", "transform_ranks"), message)


def _saved_rates(parameters: ParameterSet) -> Iterator[Finding]:
    settings = parameters.param_co_simulation
    alone = not settings.co_simulation and settings.nb_MPI_nest > 0
    if alone and settings.record_MPI and parameters.param_record_MPI.save_step == 0:
        yield Finding(("param_record_MPI", "save_step"), "must be >= 1 when param_co_simulation.record_MPI is true")


def _window(parameters: ParameterSet) -> Iterator[Finding]:
    window, step = parameters.param_co_simulation.synchronization, parameters.param_nest.sim_resolution
    if window and not is_whole(window, step):
        message = f"must be a multiple of param_nest.sim_resolution = {step:g} ms; null has the longest window computed"
        yield Finding((CO_SIMULATION, "synchronization"), message)


def _times(parameters: ParameterSet) -> Iterator[Finding]:
    if parameters.begin >= parameters.end:
        yield Finding(("begin",), f"must be before end = {parameters.end:g} ms")


def _noise(parameters: ParameterSet) -> Iterator[Finding]:
    order = parameters.param_tvb_model.order
    allowed = sorted({len(STATE_VARIABLES[2]), len(STATE_VARIABLES[order])}, reverse=True)
    for name in ("mu", "nsig", "weights"):
        count = len(getattr(parameters.param_tvb_integrator, name))
        if count not in allowed:
            names = " or ".join(f"{number} values" for number in allowed)
            message = f"must have {names}, one per state variable ({', '.join(STATE_VARIABLES[order])}), has {count}"
            yield Finding(("param_tvb_integrator", name), message)


def _polynomials(parameters: ParameterSet) -> Iterator[Finding]:
    for name in ("P_e", "P_i"):
        count = len(getattr(parameters.param_tvb_model, name))
        if count != COEFFICIENTS:
            yield Finding(("param_tvb_model", name), f"must have {COEFFICIENTS} values, has {count}")


def _neurons(parameters: ParameterSet) -> Iterator[Finding]:
    topology = parameters.param_nest_topology
    excitatory = int(topology.nb_neuron_by_region * (1 - topology.percentage_inhibitory) + WHOLE)
    if not 1 <= excitatory < topology.nb_neuron_by_region:
        message = f"leaves {excitatory} of {topology.nb_neuron_by_region} neurons excitatory; both kinds are needed"
        yield Finding(("param_nest_topology", "percentage_inhibitory"), message)


def _recorders(parameters: ParameterSet) -> Iterator[Finding]:
    background = parameters.param_nest_background
    if background.multimeter:
        for label, (_, first, last) in background.multimeter_list.items():
            yield from _slice(parameters, "multimeter_list", label, first, last)
    if background.record_spike:
        for label, (first, last) in background.record_spike_list.items():
            yield from _slice(parameters, "record_spike_list", label, first, last)


def _slice(parameters: ParameterSet, name: str, label: str, first: int, last: int) -> Iterator[Finding]:
    settings, topology = parameters.param_co_simulation, parameters.param_nest_topology
    if not settings.co_simulation and settings.nb_MPI_nest == 0:
        return
    regions = len(settings.id_region_nest) if settings.co_simulation else topology.nb_region
    neurons = regions * topology.nb_neuron_by_region
    if not 0 <= first < last <= neurons:
        message = f"must be a first and a last (not included) neuron, 0 <= first < last <= {neurons} neurons"
        yield Finding((BACKGROUND, name, label), message)


def _sensors(parameters: ParameterSet) -> Iterator[Finding]:
    monitor = parameters.param_tvb_monitor
    for name, settings in (("SEEG", monitor.parameter_SEEG), ("ECOG", monitor.parameter_ECOG)):
        if getattr(monitor, name) and settings.path is None:
            message = f"is missing: name the file of the sensors' positions, or set {name} to false"
            yield Finding(("param_tvb_monitor", f"parameter_{name}", "path"), message)


def _variables(parameters: ParameterSet) -> Iterator[Finding]:
    monitor = parameters.param_tvb_monitor
    count = len(STATE_VARIABLES[parameters.param_tvb_model.order])
    for name in ("TemporalAverage", "Bold"):
        chosen = getattr(monitor, f"parameter_{name}").variables_of_interest
        for number, variable in enumerate(chosen if getattr(monitor, name) else ()):
            if not 0 <= variable < count and parameters.param_tvb_nest.tvb_model is None:
                place = ("param_tvb_monitor", f"parameter_{name}", "variables_of_interest", number)
                yield Finding(place, f"must be a state variable from 0 to {count - 1}")


def _other_models(parameters: ParameterSet) -> Iterator[Finding]:
    own = parameters.param_tvb_nest
    if own.tvb_model is not None and own.brain != "reference":
        message = 'must be "reference": only the mean field is compiled, not param_tvb_nest.tvb_model'
        yield Finding((OWN, "brain"), message)
    if own.tvb_model is not None and any(own.tvb_noise.values()) and own.tvb_integrator.endswith("Deterministic"):
        message = "must be EulerStochastic or HeunStochastic where param_tvb_nest.tvb_noise is above 0"
        yield Finding((OWN, "tvb_integrator"), message)


def _reference_noise(parameters: ParameterSet) -> Iterator[Finding]:
    own, settings = parameters.param_tvb_nest, parameters.param_co_simulation
    has_brain = settings.co_simulation or settings.nb_MPI_nest == 0
    order, weights = parameters.param_tvb_model.order, parameters.param_tvb_integrator.weights
    if len(weights) not in (len(STATE_VARIABLES[2]), len(STATE_VARIABLES[order])):
        return  # said by another rule
    noisy = any(of_state_variables(weights, order))
    if has_brain and own.brain == "reference" and own.tvb_model is None and noisy:
        message = (
            'tvb-library has no such noise: all must be 0 with param_tvb_nest.brain = "reference", or set that key to '
            '"compiled"'
        )
        yield Finding(("param_tvb_integrator", "weights"), message)


def _sensor_period(parameters: ParameterSet) -> Iterator[Finding]:
    period, step = parameters.param_tvb_nest.parameter_sensors.period, parameters.param_nest.sim_resolution
    if period is not None and (period < step or not is_whole(period, step)):
        message = f"must be a multiple of param_nest.sim_resolution = {step:g} ms"
        yield Finding((OWN, "parameter_sensors", "period"), message)


TOPOLOGY = ("param_nest_topology.nb_region", "param_nest_topology.nb_neuron_by_region")
RECORDERS = tuple(f"{BACKGROUND}.{name}" for name in ("multimeter", "record_spike"))
LISTS = tuple(f"{name}_list" for name in RECORDERS)

RULES: tuple[tuple[tuple[str, ...], Rule], ...] = (
    ((CO_SIMULATION, TOPOLOGY[0]), _regions),
    ((CO_SIMULATION,), _processes),
    ((CO_SIMULATION, "param_tvb_nest.transform_ranks"), _translation),
    ((CO_SIMULATION, "param_record_MPI.save_step"), _saved_rates),
    ((f"{CO_SIMULATION}.synchronization", "param_nest.sim_resolution"), _window),
    (("begin", "end"), _times),
    (("param_tvb_integrator", "param_tvb_model.order"), _noise),
    (("param_tvb_model",), _polynomials),
    (("param_nest_topology.percentage_inhibitory", TOPOLOGY[1]), _neurons),
    ((CO_SIMULATION, *TOPOLOGY, *RECORDERS, *LISTS), _recorders),
    (("param_tvb_monitor",), _sensors),
    (("param_tvb_monitor", "param_tvb_model.order"), _variables),
    ((OWN,), _other_models),
    ((OWN, CO_SIMULATION, "param_tvb_integrator.weights", "param_tvb_model.order"), _reference_noise),
    ((f"{OWN}.parameter_sensors", "param_nest.sim_resolution"), _sensor_period),
)
"""The keys that each rule looks at, and the rule."""
