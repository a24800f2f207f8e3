"""Site profiles: what a cluster asks of a job, as TOML. Some come with the suite, others are the user's own."""

from __future__ import annotations

import os
import re
import tomllib
from collections.abc import Mapping
from importlib import resources
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, ValidationError

from mpi_coupling.failure import UserError
from mpi_coupling.settings.problems import ABSENT, ConfigError, Finding, Problem, format_key_path, nearest, value_at
from mpi_coupling.settings.schema import Section, key
from mpi_coupling.settings.validation import findings_of
from mpi_coupling.slurm.time_limit import seconds_of

DEFAULT = "default"
"""The profile of those who name none; a user's own of this name stands before ours."""

OWN_MESSAGE = "Value error, "
"""What pydantic puts before the messages of our own checks."""

_BUILT_IN = resources.files(__package__) / "sites"


def _time_limit(text: str) -> str:
    seconds_of(text)
    return text


def _matching(pattern: str, message: str) -> AfterValidator:
    def check(text: str) -> str:
        if not re.fullmatch(pattern, text):
            raise ValueError(message)
        return text

    return AfterValidator(check)


Word = Annotated[str, _matching(r"[^\s\"'\\]+", "must be one word without quotes")]
"""Text that stands in an #SBATCH line as it is."""

Line = Annotated[str, _matching(r"[^\n\r]+", "must be one line")]
Directive = Annotated[str, _matching(r"-[^\n\r]+", "must be one option of sbatch, such as --exclusive")]
Variable = Annotated[str, _matching(r"[A-Za-z_]\w*", "must be the name of a variable, such as OMP_PROC_BIND")]
TimeLimit = Annotated[str, AfterValidator(_time_limit)]


class Site(Section):
    """A site profile."""

    description: str = key("", "What and where the cluster is.")
    account: Word | None = key(None, "Account that is charged.")
    partition: Word | None = key(None, "Partition, as a queue is called in SLURM.")
    constraint: Word | None = key(None, "Features that nodes must have.")
    time: TimeLimit = key("01:00:00", "Time limit of a job.")
    nodes: int = key(1, "Nodes of a job.", ge=1)
    ntasks_per_node: int | None = key(None, "Ranks on each node; what the application needs if left out.", ge=1)
    cpus_per_task: int | None = key(None, "CPUs of a rank; what the application needs if left out.", ge=1)
    warning_seconds: int = key(120, "How long before the time limit a job is told to write a checkpoint.", "s", ge=1)
    launcher: Literal["srun", "mpirun"] = key("srun", "What starts the ranks.")
    mpi: Word | None = key(None, "How srun and MPI find each other: pmix, pmi2; SLURM's default if left out.")
    options: list[Directive] = key(list, "Further options of sbatch, such as --exclusive.")
    module_paths: list[Word] = key(list, "Folders of module files, for module use.")
    modules: list[Word] | None = key(None, "Modules to load; those that are loaded at init if left out.")
    setup: list[Line] = key(list, "Lines of bash that prepare the environment.")
    environment: dict[Variable, Line] = key(dict, "Variables of the job.")


def find_site(name: str) -> Path:
    """The file of a profile.

    Args:
        name: a TOML file, or the name of a profile of the user's or ours.

    Raises:
        UserError: there is no such profile.
    """
    if name.endswith(".toml") or "/" in name:
        return Path(name)
    found = _profiles()
    if name not in found:
        suggestion = nearest(name, found)
        hint = f'; did you mean "{suggestion}"?' if suggestion else ""
        known = ", ".join(sorted(found))
        raise UserError(f"--site {name}: no such site; known: {known}; your own go into {user_folder()}{hint}")
    return found[name]


def site_names() -> list[str]:
    """Names of all profiles, the user's own among them."""
    return sorted(_profiles())


def read_site(file: Path, changes: Mapping[str, Any] | None = None) -> Site:
    """Read a profile.

    Args:
        file: TOML.
        changes: values that stand before those of the file; they were checked before.

    Raises:
        ConfigError: everything that is wrong with it.
    """
    try:
        document = tomllib.loads(file.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError([Problem(str(file), "", ABSENT, f"is not valid TOML: {error}")]) from error
    except OSError as error:
        raise ConfigError([Problem(str(file), "", ABSENT, f"cannot be read: {error.strerror}")]) from error
    try:
        Site.model_validate(document)
        return Site.model_validate({**document, **(changes or {})})
    except ValidationError as error:
        raise ConfigError([_problem(file, document, finding) for finding in findings_of(error, Site)]) from error


def user_folder() -> Path:
    """Where a user's own profiles are."""
    base = os.environ.get("XDG_CONFIG_HOME")
    return (Path(base) if base else Path.home() / ".config") / "multiscale-run" / "sites"


def _profiles() -> dict[str, Path]:
    """File of each profile; the user's own stand before ours."""
    files = [*sorted(Path(str(_BUILT_IN)).glob("*.toml")), *sorted(user_folder().glob("*.toml"))]
    return {file.stem: file for file in files}


def _problem(file: Path, document: Mapping[str, Any], finding: Finding) -> Problem:
    value = value_at(document, finding.path)
    message = finding.message.removeprefix(OWN_MESSAGE)
    return Problem(str(file), format_key_path(finding.path), value, message, finding.suggestion)
