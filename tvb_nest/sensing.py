"""Sensors of a simulation: SEEG and ECOG by the original's keys, EEG by ours; from the parameters to the monitors."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mpi_coupling.failure import UserError
from mpi_coupling.settings.problems import ConfigError, Finding, KeyPath, nearest, unknown_name
from tvb_nest.brain_connectome import connectome_of, connectome_place
from tvb_nest.connectome import Connectome
from tvb_nest.parameters import Mode, Parameters
from tvb_nest.tvb_data_files import MAPPINGS, PROJECTIONS, SENSORS, tvb_data_names
from tvb_nest.tvb_models import state_variables
from tvb_nest.tvb_side.monitors import Projection
from tvb_nest.tvb_side.sensors import Sensors, by_distance, in_a_sphere, of_dipoles, of_surface, read_sensors

TVB, OWN = "param_tvb_monitor", "param_tvb_nest"
NAMES = ("SEEG", "ECOG", "EEG")
"""In the order of the files, after the other monitors."""

PLACES: dict[str, KeyPath] = {
    "SEEG": (TVB, "parameter_SEEG"),
    "ECOG": (TVB, "parameter_ECOG"),
    "EEG": (OWN, "parameter_EEG"),
}
STEPS = 10
"""Time steps in a sample unless the period is given, as in parameter_TemporalAverage."""


def active(parameters: Parameters) -> tuple[str, ...]:
    """The sensors that are switched on."""
    return tuple(name for name in NAMES if getattr(getattr(parameters.resolved, PLACES[name][0]), name))


def make_sensors(parameters: Parameters, shape: tuple[int, int]) -> dict[str, Projection]:
    """The monitors of the sensors that are switched on.

    Args:
        parameters: of the simulation.
        shape: number of state variables and of regions of the states that are recorded.

    Raises:
        ConfigError: a file, the connectome or a key is wrong.
    """
    made = {}
    for name in active(parameters):
        sensors, gain = lead_field(parameters, connectome_of(parameters), name)
        settings, step = _settings(parameters, name), parameters.resolved.param_nest.sim_resolution
        period = parameters.resolved.param_tvb_nest.parameter_sensors.period or STEPS * step
        made[name] = Projection(
            step,
            period,
            shape,
            gain,
            (_variable(parameters),),
            reference=_reference(parameters, sensors) if name == "EEG" else None,
            labels=sensors.labels,
            noise=getattr(settings, "sigma_noise", 0.0),
            seed=[parameters.resolved.param_tvb_integrator.seed, *name.encode()],
        )
    return made


def sensor_problems(parameters: Parameters, connectome: Connectome) -> Iterator[Finding]:
    """All that is wrong with the sensors that are switched on. ConfigErrors are raised as they come."""
    names, rate = state_variables(parameters)
    chosen = parameters.resolved.param_tvb_nest.parameter_sensors.variable
    place = (OWN, "parameter_sensors", "variable")
    if active(parameters) and chosen is not None:
        if chosen not in names:
            yield unknown_name(place, chosen, "is no state variable of the brain", names)
            return
        if parameters.mode == Mode.CO_SIMULATION and chosen != names[rate]:
            message = (
                f"is not known of the regions that NEST simulates, only {names[rate]} is; sensors would see nothing"
            )
            yield Finding(place, message)
    for name in active(parameters):
        sensors, _ = lead_field(parameters, connectome, name)
        if name == "EEG":
            _reference(parameters, sensors)


def left_out(parameters: Parameters, connectome: Connectome) -> Iterator[str]:
    """A sentence where electrodes have no signal."""
    if "EEG" in active(parameters):
        kept, _ = lead_field(parameters, connectome, "EEG")
        every = _read(parameters, "EEG", "sensors", SENSORS)
        missing = [label for label in every.labels if label not in kept.labels]
        if missing:
            yield f"EEG: {', '.join(missing)} are left out: the projection has no finite gain for them"


def lead_field(parameters: Parameters, connectome: Connectome, name: str) -> tuple[Sensors, NDArray[np.float64]]:
    """Sensors, and their signal per activity of each region, shape (sensors, regions).

    Raises:
        ConfigError: a file or the connectome is wrong.
    """
    if name == "EEG":
        sensors, gain = _of_eeg(parameters, connectome)
        return sensors, gain * _settings(parameters, name).scaling
    sensors, own = _read(parameters, name, "path", SENSORS), parameters.resolved.param_tvb_nest.parameter_sensors
    centres, settings = _centres(parameters, connectome), _settings(parameters, name)
    scaling = settings.scaling_projection if name == "SEEG" else settings.scaling
    oriented = None if own.lead_field == "distance" else _orientations(parameters, connectome)
    try:
        if oriented is None:
            return sensors, scaling * by_distance(sensors, centres)
        return sensors, scaling * of_dipoles(sensors, centres, oriented, own.conductivity)
    except UserError as error:
        raise _wrong(parameters, (*PLACES[name], "path"), error) from error


def _of_eeg(parameters: Parameters, connectome: Connectome) -> tuple[Sensors, NDArray[np.float64]]:
    """Only cortical regions are seen; sensors whose gain is not known are left out."""
    settings, place = parameters.resolved.param_tvb_nest.parameter_EEG, PLACES["EEG"]
    sensors, cortical = _read(parameters, "EEG", "sensors", SENSORS), _cortical(parameters, connectome)
    if settings.lead_field == "sphere":
        sources = _centres(parameters, connectome)[cortical], _orientations(parameters, connectome)[cortical]
        gain = np.zeros((len(sensors.labels), connectome.n_regions))
        try:
            conductivity = parameters.resolved.param_tvb_nest.parameter_sensors.conductivity
            gain[:, cortical] = in_a_sphere(sensors, *sources, conductivity)
        except UserError as error:
            raise _wrong(parameters, (*place, "sensors"), error) from error
        return sensors, gain
    files = [
        _existing(parameters, (*place, key), folder)
        for key, folder in (("projection", PROJECTIONS), ("region_mapping", MAPPINGS))
    ]
    try:
        gain = of_surface(files[0], files[1], connectome.n_regions)
    except UserError as error:
        raise _wrong(parameters, (*place, "projection"), error) from error
    if len(gain) != len(sensors.labels):
        message = f"is for {len(gain)} sensors, but parameter_EEG.sensors names {len(sensors.labels)}"
        raise _wrong(parameters, (*place, "projection"), message)
    known = np.isfinite(gain).all(axis=1)
    return sensors.only(known), np.where(cortical, gain, 0.0)[known]


def _settings(parameters: Parameters, name: str) -> Any:
    section, key = PLACES[name]
    return getattr(getattr(parameters.resolved, str(section)), str(key))


def _read(parameters: Parameters, name: str, key: str, folder: str) -> Sensors:
    place = (*PLACES[name], key)
    path = _existing(parameters, place, folder)
    try:
        return read_sensors(path)
    except UserError as error:
        raise _wrong(parameters, place, error) from error


def _existing(parameters: Parameters, place: KeyPath, folder: str) -> Any:
    """The file that a key names."""
    section, part, key = place
    text = getattr(getattr(getattr(parameters.resolved, str(section)), str(part)), str(key))
    path = parameters.data_path(text, folder)
    if not path.is_file():
        known = tvb_data_names(folder)
        message = f"no such file: {path}; tvb-data has {', '.join(known)}" if known else f"no such file: {path}"
        raise ConfigError([parameters.problem(Finding(place, message, nearest(text, known)))])
    return path


def _centres(parameters: Parameters, connectome: Connectome) -> NDArray[np.float64]:
    if not connectome.centres.any():
        message = "has no centres of the regions, which sensors need; add a file centres.txt or centres.npy (mm)"
        raise _wrong(parameters, connectome_place(parameters), message)
    return connectome.centres


def _orientations(parameters: Parameters, connectome: Connectome) -> NDArray[np.float64]:
    """Of the dipoles, shape (regions, 3)."""
    choice, place = parameters.resolved.param_tvb_connection.orientation, ("param_tvb_connection", "orientation")
    if choice is False:
        raise _wrong(
            parameters, place, "dipoles need orientations: set it to true or null, or choose another lead_field"
        )
    if connectome.orientations is not None:
        return connectome.orientations
    if choice is None:
        message = (
            "the connectome has no orientations, which dipoles need: add a file average_orientations.txt to it, or set "
            "this key to true for orientations outwards from the middle of the brain"
        )
        raise _wrong(parameters, place, message)
    outwards = connectome.centres - connectome.centres.mean(axis=0)
    lengths = np.linalg.norm(outwards, axis=1, keepdims=True)
    return np.divide(outwards, lengths, out=np.zeros_like(outwards), where=lengths > 0)


def _cortical(parameters: Parameters, connectome: Connectome) -> NDArray[np.bool_]:
    """Which regions EEG sees; all where that is not known."""
    text = parameters.resolved.param_tvb_connection.path_cortical
    if text is None:
        n = connectome.n_regions
        return np.ones(n, dtype=np.bool_) if connectome.cortical is None else connectome.cortical
    place = ("param_tvb_connection", "path_cortical")
    path = parameters.path(text)
    try:
        cortical = np.load(path).ravel().astype(bool)[: connectome.n_regions]
    except (OSError, EOFError, ValueError) as error:
        raise _wrong(parameters, place, f"cannot be read as .npy: {error}") from error
    if len(cortical) != connectome.n_regions:
        raise _wrong(parameters, place, f"{path} is for {len(cortical)} regions, must be for {connectome.n_regions}")
    return cortical


def _reference(parameters: Parameters, sensors: Sensors) -> int | str | None:
    reference = parameters.resolved.param_tvb_nest.parameter_EEG.reference
    if reference in (None, "average"):
        return reference
    if reference not in sensors.labels:
        finding = unknown_name(
            (*PLACES["EEG"], "reference"), reference, "is no electrode", ("average", *sensors.labels)
        )
        raise ConfigError([parameters.problem(finding)])
    return sensors.labels.index(reference)


def _variable(parameters: Parameters) -> int:
    names, rate = state_variables(parameters)
    chosen = parameters.resolved.param_tvb_nest.parameter_sensors.variable
    return rate if chosen is None else names.index(chosen)


def _wrong(parameters: Parameters, place: Sequence[str | int], message: object) -> ConfigError:
    return ConfigError([parameters.problem(Finding(tuple(place), str(message)))])
