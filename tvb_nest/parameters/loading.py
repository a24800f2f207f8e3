"""Reading parameter.json: all that is wrong at once, links applied."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from mpi_coupling.settings.json_file import merge, read_json
from mpi_coupling.settings.problems import (
    ABSENT,
    ConfigError,
    Finding,
    KeyPath,
    Note,
    Problem,
    format_key_path,
    value_at,
)
from mpi_coupling.settings.validation import findings_of
from tvb_nest.parameters.checks import cross_check
from tvb_nest.parameters.links import contradictions, linked_values
from tvb_nest.parameters.parameter_set import ALIASES, ParameterSet, keys
from tvb_nest.parameters.places import with_values, without
from tvb_nest.tvb_data_files import MAPPINGS, PROJECTIONS, SENSORS, tvb_data_file

FILE_NAME = "parameter.json"
DEFAULT_CONNECTOME = "connectivity_76"
DIGITS = 9
"""Decimals of a computed window in ms: enough for any time step, few enough to read 3.5 and not 3.5000000000000004."""


class Mode(StrEnum):
    """What runs."""

    CO_SIMULATION = "co-simulation"
    NEST = "nest"
    NEST_SAVED_RATES = "nest-saved-rates"
    TVB = "tvb"


@dataclass(frozen=True)
class Parameters:
    """The parameters of a simulation.

    Attributes:
        file: the parameter file; it need not exist.
        given: what the user gave, as JSON values.
        resolved: all keys, links applied; what the parts of a simulation are made from.
    """

    file: Path
    given: Mapping[str, Any]
    resolved: ParameterSet

    @property
    def folder(self) -> Path:
        """Where relative paths start."""
        return self.file.parent

    @property
    def result_folder(self) -> Path:
        """Where results go: ``result_path``, or the folder of the parameter file."""
        return self.path(self.resolved.result_path or "")

    @property
    def mode(self) -> Mode:
        """What runs; the original's rules."""
        settings = self.resolved.param_co_simulation
        if settings.co_simulation:
            return Mode.CO_SIMULATION
        if settings.nb_MPI_nest == 0:
            return Mode.TVB
        return Mode.NEST_SAVED_RATES if settings.record_MPI else Mode.NEST

    @property
    def spiking(self) -> tuple[int, ...]:
        """The regions that NEST simulates, in the order of its populations; all of them when NEST runs alone."""
        match self.mode:
            case Mode.CO_SIMULATION:
                return tuple(self.resolved.param_co_simulation.id_region_nest)
            case Mode.TVB:
                return ()
            case _:
                return tuple(range(self.resolved.param_nest_topology.nb_region))

    @property
    def steps(self) -> int:
        """Time steps of the whole simulation."""
        return round(self.resolved.end / self.resolved.param_nest.sim_resolution)

    @property
    def window(self) -> int | None:
        """Time steps of a window, or None when it has to be computed (`with_window`)."""
        duration = self.resolved.param_co_simulation.synchronization
        return round(duration / self.resolved.param_nest.sim_resolution) if duration else None

    @property
    def connectome(self) -> str | Path:
        """Name of a tvb-data set, or the path of a zip or folder.

        Raises:
            ConfigError: the files of the original's keys are not in one folder.
        """
        name = self.resolved.param_tvb_nest.connectome
        if name is not None:
            path = self.path(name)
            return path if path.exists() or _looks_like_a_path(name) else name
        weights, lengths = (
            self.resolved.param_nest_connection.path_weight,
            self.resolved.param_nest_connection.path_distance,
        )
        if weights is None:
            return DEFAULT_CONNECTOME
        if lengths is not None and self.path(lengths).parent != self.path(weights).parent:
            message = "must be in the folder of path_weight; `tvb-nest import-connectome` makes such a folder"
            raise ConfigError([self.problem(Finding(("param_nest_connection", "path_distance"), message))])
        return self.path(weights).parent

    @cached_property
    def notes(self) -> tuple[Note, ...]:
        """What the user should know: given keys that change nothing."""
        unused = (info for info in keys() if info.unused and value_at(self.given, info.path) not in (ABSENT, None))
        return tuple(Note(info.name, info.description) for info in unused)

    def path(self, text: str) -> Path:
        """A path that the user gave, absolute; a relative one starts at the folder of the parameter file."""
        return (self.folder / Path(text).expanduser()).resolve()

    def data_path(self, text: str, folder: str) -> Path:
        """A file that the user named, or of a folder of tvb-data; where there is neither, the path that was meant."""
        own = self.path(text)
        return own if own.exists() else tvb_data_file(folder, text) or own

    def named_files(self) -> Iterator[Path]:
        """The files that the user named and that are there, and those in folders, but for the results."""
        for place, text in self._absolute_paths():
            path = Path(text)
            if place != ("result_path",) and path.is_absolute():  # others are names of tvb-data
                yield from sorted(file for file in (path.iterdir() if path.is_dir() else (path,)) if file.is_file())

    def problem(self, finding: Finding) -> Problem:
        """Complete a finding with the file and the value at its place, a default too."""
        return _problem(self.file.name, self.resolved.document(), finding)

    def with_window(self, longest: int) -> Parameters:
        """The same with the window that a run uses: the user's own, or the longest.

        Args:
            longest: time steps that the delays between spiking and other regions allow.

        Raises:
            ConfigError: the user's window is longer.
        """
        place = ("param_co_simulation", "synchronization")
        step = self.resolved.param_nest.sim_resolution
        if self.window is not None and self.window > longest:
            message = (
                f"must be <= {round(longest * step, DIGITS):g} ms, the shortest delay between a spiking region and "
                "another; null has it computed"
            )
            raise ConfigError([self.problem(Finding(place, message))])
        window = longest if self.window is None else self.window
        return self.changed({place: round(window * step, DIGITS)})

    def changed(self, values: Mapping[tuple[str, ...], Any], file: Path | None = None) -> Parameters:
        """The same with other values at some places, and everything that is linked to them.

        Args:
            values: place -> value.
            file: another parameter file; paths are written so that they hold there too.

        Raises:
            ConfigError: a value is wrong.
        """
        document = unlinked(self.given)
        if file is not None and file.parent.resolve() != self.folder.resolve():
            document = with_values(document, dict(self._absolute_paths()))
        return parameters_of(with_values(document, values), file or self.file)

    def _absolute(self, text: str) -> str:
        """A path that holds in another folder too; a name of tvb-data does as it is."""
        is_name = not self.path(text).exists() and any(tvb_data_file(f, text) for f in (SENSORS, PROJECTIONS, MAPPINGS))
        return text if is_name else str(self.path(text))

    def _absolute_paths(self) -> Iterator[tuple[tuple[str, ...], str]]:
        places = (info.path for info in keys() if info.is_path)
        given = {place: value_at(self.given, place) for place in places}
        yield from ((place, self._absolute(text)) for place, text in given.items() if isinstance(text, str))
        if value_at(self.given, ("param_tvb_nest", "connectome")) not in (ABSENT, None):
            yield ("param_tvb_nest", "connectome"), str(self.connectome)


def read_parameters(path: Path | str) -> Parameters:
    """Read a parameter file, ours or the original's.

    Args:
        path: the file, or a folder with a parameter.json.

    Raises:
        ConfigError: something is wrong; the error lists every problem, not only the first.
    """
    file = Path(path)
    file = file / FILE_NAME if file.is_dir() else file
    if not file.is_file():
        what = "no such file" if file.parent.is_dir() and file.name == FILE_NAME else "no such folder or file"
        message = f"{what}; name a parameter.json or its folder, or make one with `tvb-nest init`"
        raise ConfigError([Problem(str(file), "", ABSENT, message)])
    return parameters_of(read_json(file, file.name), file.absolute())


def parameters_of(document: Mapping[str, Any], file: Path) -> Parameters:
    """Check the content of a parameter file and apply the links.

    Args:
        document: sections and keys as in parameter.json.
        file: where the content is or will be: messages name it, and relative paths start at its folder.

    Raises:
        ConfigError: as `read_parameters`.
    """
    given = _canonical(document)
    findings = _schema_findings(given)
    broken: list[KeyPath] = [finding.path for finding in findings]
    usable = without(given, broken)
    typed = ParameterSet.model_validate(usable)
    findings += contradictions(usable, typed, broken)
    findings += cross_check(typed, broken)
    if findings:
        shown = merge(typed.document(), given)
        raise ConfigError([_problem(file.name, shown, finding) for finding in findings])
    resolved = ParameterSet.model_validate(with_values(typed.document(), linked_values(typed)))
    return Parameters(file, given, resolved)


def unlinked(document: Mapping[str, Any]) -> dict[str, Any]:
    """A document without the keys that follow from others."""
    return without(document, (info.path for info in keys() if info.linked))


def _canonical(document: Mapping[str, Any]) -> dict[str, Any]:
    """A document with the spelling of keys that is written; where both spellings are given both stay, an error."""
    result = dict(document)
    for (section, other), spelling in ALIASES.items():
        content = result.get(section)
        if isinstance(content, Mapping) and other in content and spelling not in content:
            result[section] = {spelling if name == other else name: value for name, value in content.items()}
    return result


def _schema_findings(document: Mapping[str, Any]) -> list[Finding]:
    try:
        ParameterSet.model_validate(document)
    except ValidationError as error:
        return findings_of(error, ParameterSet)
    return []


def _problem(name: str, document: Mapping[str, Any], finding: Finding) -> Problem:
    value = value_at(document, finding.path)
    return Problem(name, format_key_path(finding.path), value, finding.message, finding.suggestion)


def _looks_like_a_path(name: str) -> bool:
    return name.endswith(".zip") or "/" in name or "\\" in name
