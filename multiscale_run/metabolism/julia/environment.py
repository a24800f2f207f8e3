"""The Julia environment of a simulation folder: what Julia writes for this simulation stays in it."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from .discovery import OLDEST

FOLDER = ".julia_environment"
_DEPOT = "depot"
_PROJECT = f"""\
# The metabolism needs nothing outside Julia's standard library.
[compat]
julia = "{OLDEST[0]}.{OLDEST[1]}"
"""


def prepare_environment(folder: Path) -> Path:
    """Create ``.julia_environment`` in a simulation folder, or leave the one that is there; returns its path."""
    environment = folder.resolve() / FOLDER
    (environment / _DEPOT).mkdir(parents=True, exist_ok=True)
    project = environment / "Project.toml"
    if not project.exists():
        project.write_text(_PROJECT)
    return environment


def use_environment(folder: Path) -> None:
    """Let the engines of this process use the environment of a simulation folder, if it has one."""
    environment = folder.resolve() / FOLDER
    if (environment / "Project.toml").is_file():
        os.environ["JULIA_PROJECT"] = str(environment)


def worker_environment(variables: Mapping[str, str] = os.environ) -> dict[str, str]:
    """Environment variables of a worker process.

    A project that :func:`prepare_environment` made brings its own depot; the empty entry after it stands for Julia's
    usual depots, where the compiled standard library lies.
    """
    depot = Path(variables.get("JULIA_PROJECT", "")) / _DEPOT
    own = {"JULIA_DEPOT_PATH": f"{depot}{os.pathsep}"} if depot.parent.name == FOLDER and depot.is_dir() else {}
    return own | dict(variables)
