"""Other models of tvb-library than the mean field: what is wrong with their parameters, and their brain."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from mpi_coupling.failure import UserError
from mpi_coupling.settings.problems import ConfigError, Finding, unknown_name
from tvb_nest.connectome import Connectome
from tvb_nest.parameters import Mode, Parameters
from tvb_nest.parameters.tvb import STATE_VARIABLES

OWN = "param_tvb_nest"
NOT_AHEAD = {
    "Difference": "depends on the state of the receiving region, which is not known ahead",
    "Kuramoto": "depends on the state of the receiving region, which is not known ahead",
    "PreSigmoidal": "is not summed for each receiving region by itself",
}
"""Couplings whose output at NEST's regions cannot be sent a window ahead, and why."""

LINEAR = "must be given with this coupling, which is no weighted sum: the rate in kHz that a coupling of 1 stands for"


def state_variables(parameters: Parameters) -> tuple[tuple[str, ...], int]:
    """Names of the brain's state variables, and which of them is the rate of NEST's regions.

    For another model its name and the variable must be right, see `model_findings`.
    """
    own = parameters.resolved.param_tvb_nest
    if own.tvb_model is None:
        return STATE_VARIABLES[parameters.resolved.param_tvb_model.order], 0
    from tvb_nest.tvb_side.library import model_class

    model = model_class(own.tvb_model)
    names = tuple(model.state_variables)
    variable = own.tvb_proxy.variable
    return names, int(model.cvar[0]) if variable is None else names.index(variable)


def model_findings(parameters: Parameters, n_regions: int) -> Iterator[Finding]:
    """All that is wrong with the keys of another model; nothing where the brain is the mean field."""
    own = parameters.resolved.param_tvb_nest
    if own.tvb_model is None:
        return
    from tvb_nest.tvb_side import library

    if own.tvb_model not in library.model_names():
        message = "is no model of tvb-library"
        yield unknown_name((OWN, "tvb_model"), own.tvb_model, message, library.model_names())
        return
    model = library.model_class(own.tvb_model)
    if model().number_of_modes != 1:
        yield Finding((OWN, "tvb_model"), "has several modes; only models with one can be computed")
        return
    yield from _values("tvb_model_parameters", own.tvb_model_parameters, model, n_regions)
    for name in ("tvb_initial_condition", "tvb_noise"):
        yield from _known_variables((OWN, name), getattr(own, name), own.tvb_model, model.state_variables)
    if own.tvb_coupling not in library.coupling_names():
        message = "is no coupling of tvb-library"
        yield unknown_name((OWN, "tvb_coupling"), own.tvb_coupling, message, library.coupling_names())
    else:
        coupling = library.coupling_class(own.tvb_coupling)
        yield from _values("tvb_coupling_parameters", own.tvb_coupling_parameters, coupling, n_regions)
    yield from _variables_of_interest(parameters, model.state_variables)
    yield from _proxy(parameters, model, library.coupling_names(), library.LINEAR_COUPLINGS)


def library_brain(parameters: Parameters, connectome: Connectome, spiking: Sequence[int]) -> Any:
    """The brain of another model, at step 0, as a `tvb_nest.tvb_side.reference.ReferenceBrain`.

    Raises:
        ConfigError: the parameters are wrong, or tvb-library refuses them.
    """
    findings = list(model_findings(parameters, connectome.n_regions))
    if findings:
        raise ConfigError([parameters.problem(finding) for finding in findings])
    from tvb_nest.tvb_side.reference import ReferenceBrain

    _, variable = state_variables(parameters)
    try:
        simulator = _simulator(parameters, connectome)
        return ReferenceBrain(
            simulator,
            spiking,
            proxy_variable=variable,
            compat_upstream=parameters.resolved.param_tvb_nest.compat == "upstream",
            translation=_translation(parameters, connectome, spiking),
        )
    except (UserError, ValueError, TypeError, AssertionError) as error:  # the library has no errors of its own
        message = f"cannot be computed with these parameters: {error}"
        raise ConfigError([parameters.problem(Finding((OWN, "tvb_model"), message))]) from error


def trial_findings(parameters: Parameters, connectome: Connectome) -> Iterator[Finding]:
    """What shows only when another model computes its first step, and the input of NEST's regions.

    Raises:
        ConfigError: as `library_brain`.
    """
    brain = library_brain(parameters, connectome, parameters.spiking)
    trials = (("tvb_coupling", brain.coupling_into_proxies), ("tvb_model", brain.run))
    for key, trial in trials:
        try:
            with np.errstate(all="ignore"):  # what leaves the range of numbers is found
                trial(1)
        except UserError as error:
            yield Finding((OWN, key), str(error))
        except (ValueError, IndexError, TypeError) as error:  # the library has no errors of its own
            own = parameters.resolved.param_tvb_nest
            message = f"cannot be the coupling of {own.tvb_model} in tvb-library: {error}"
            yield Finding((OWN, "tvb_coupling"), message)
            return


def _simulator(parameters: Parameters, connectome: Connectome) -> Any:
    from tvb_nest.tvb_side import library
    from tvb_nest.tvb_side.reference import configured_simulator

    own, resolved = parameters.resolved.param_tvb_nest, parameters.resolved
    model = _made(library.model_class(str(own.tvb_model)), own.tvb_model_parameters, connectome.n_regions)
    variables = model.state_variables
    integrator = library.integrator_of(
        own.tvb_integrator,
        resolved.param_nest.sim_resolution,
        np.array([own.tvb_noise.get(name, 0.0) for name in variables]),
        own.tvb_noise_correlation,
        resolved.param_tvb_integrator.seed,
    )
    rng = np.random.default_rng(resolved.param_tvb_integrator.seed_init)
    ranges = {**library.ranges_of(model), **own.tvb_initial_condition}
    initial = [rng.uniform(min(ranges[name]), max(ranges[name]), connectome.n_regions) for name in variables]
    kind = library.coupling_class(own.tvb_coupling)
    coupling = _made(kind, _coupling_parameters(parameters), connectome.n_regions)
    return configured_simulator(connectome, model, coupling, integrator, np.array(initial))


def _made(kind: Any, values: Mapping[str, Any], n_regions: int) -> Any:
    from tvb_nest.tvb_side.library import converted

    return kind(**{name: converted(kind, name, value, n_regions) for name, value in values.items()})


def _coupling_parameters(parameters: Parameters) -> dict[str, Any]:
    from tvb_nest.tvb_side.library import LINEAR_COUPLINGS

    own = parameters.resolved.param_tvb_nest
    linked = {"a": parameters.resolved.param_tvb_coupling.a} if own.tvb_coupling in LINEAR_COUPLINGS else {}
    return linked | own.tvb_coupling_parameters


def _translation(parameters: Parameters, connectome: Connectome, spiking: Sequence[int]) -> Any:
    """Between the model and kHz; where sources have an offset, so has the input of each spiking region."""
    from tvb_nest.tvb_side.reference import Translation

    if parameters.mode != Mode.CO_SIMULATION:
        return Translation()
    own = parameters.resolved.param_tvb_nest
    proxy, offset = own.tvb_proxy, own.tvb_proxy.input_offset
    if offset is None and proxy.offset:
        heard = connectome.weights[list(spiking)].copy()
        if own.compat != "upstream":
            heard[:, list(spiking)] = 0.0
        offset = proxy.offset * np.asarray(_coupling_parameters(parameters)["a"]) * heard.sum(axis=1)
    scale = proxy.scale if proxy.input_scale is None else proxy.input_scale
    return Translation(proxy.scale, proxy.offset, scale, 0.0 if offset is None else offset)


def _values(key: str, values: Mapping[str, Any], kind: Any, n_regions: int) -> Iterator[Finding]:
    from tvb_nest.tvb_side import library

    for name, value in values.items():
        place = (OWN, key, name)
        if name not in library.parameter_names(kind):
            message = f"is no parameter of {kind.__name__}"
            yield unknown_name(place, name, message, library.parameter_names(kind))
            continue
        try:
            library.converted(kind, name, value, n_regions)
        except UserError as error:
            yield Finding(place, str(error))


def _known_variables(
    place: tuple[str, ...], names: Iterable[str], model: str, known: Sequence[str]
) -> Iterator[Finding]:
    for name in names:
        if name not in known:
            yield unknown_name((*place, name), name, f"is no state variable of {model}", known)


def _variables_of_interest(parameters: Parameters, variables: Sequence[str]) -> Iterator[Finding]:
    monitor = parameters.resolved.param_tvb_monitor
    for name in ("TemporalAverage", "Bold"):
        chosen = getattr(monitor, f"parameter_{name}").variables_of_interest
        for number, variable in enumerate(chosen if getattr(monitor, name) else ()):
            if not 0 <= variable < len(variables):
                place = ("param_tvb_monitor", f"parameter_{name}", "variables_of_interest", number)
                yield Finding(
                    place, f"must be a state variable from 0 to {len(variables) - 1} ({', '.join(variables)})"
                )


def _proxy(parameters: Parameters, model: Any, known: Sequence[str], linear: Sequence[str]) -> Iterator[Finding]:
    """Of the regions that NEST simulates: their variable, its rate, and the rate of their input."""
    own = parameters.resolved.param_tvb_nest
    proxy, place = own.tvb_proxy, (OWN, "tvb_proxy")
    coupled = [model.state_variables[k] for k in model.cvar]
    variable = coupled[0] if proxy.variable is None else proxy.variable
    if variable not in coupled:
        yield unknown_name((*place, "variable"), variable, f"is no coupling variable of {own.tvb_model}", coupled)
    if parameters.mode != Mode.CO_SIMULATION:
        return
    if not proxy.scale:
        yield Finding((*place, "scale"), "must be the rate in kHz that 1 of the variable stands for; 1 if it is a rate")
    if own.tvb_coupling in NOT_AHEAD:
        message = f"{NOT_AHEAD[own.tvb_coupling]}: NEST's regions cannot be coupled by it; choose another"
        yield Finding((OWN, "tvb_coupling"), message)
    elif own.tvb_coupling in known and own.tvb_coupling not in linear:
        if proxy.input_scale is None:
            yield Finding((*place, "input_scale"), LINEAR)
        if proxy.offset and proxy.input_offset is None:
            yield Finding((*place, "input_offset"), LINEAR.replace("of 1", "of 0"))
