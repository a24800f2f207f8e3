"""The typed model of a file that names simulators of other packages: it has their keys beside ours."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache
from typing import Any

from pydantic import create_model

from mpi_coupling.failure import UserError
from mpi_coupling.plugins import load
from mpi_coupling.settings.schema import key
from multiscale_run.config.schema.base import GROUP, SIMULATORS, SimulatorSection, simulator_names
from multiscale_run.config.schema.multiscale_run import MultiscaleRun
from multiscale_run.config.schema.reports import Report, Reports
from multiscale_run.config.schema.sonata import SimulationFile

SWITCH = "with_"
RESERVED = {"alive", "build", "checkpoint", "connections", "coupling", "reports", "total"}
"""What checkpoints and profiles call other things."""


def model_for(section: Any) -> type[SimulationFile]:
    """The model for a file with this ``multiscale_run`` section.

    Of other packages only the simulators that it names are imported, so a broken one disturbs nobody else.

    Raises:
        UserError: such a simulator cannot be imported.
    """
    others = (name for name in simulator_names() if name not in SIMULATORS)
    return _extended(tuple(name for name in others if SWITCH + name in _keys(section) or _has_keys(name, section)))


def missing_simulators(section: Any) -> list[str]:
    """Simulators that a ``multiscale_run`` section switches on and uses, and that no package offers."""
    switches = (key for key in _keys(section) if isinstance(key, str) and key.startswith(SWITCH))
    names = (key.removeprefix(SWITCH) for key in switches)
    return [name for name in names if name not in simulator_names() and _is_used(name, section)]


def _is_used(name: str, section: Any) -> bool:
    turns = {f"{when}_{name}_advance" for when in ("before", "after")}
    return _has_keys(name, section) or bool(turns & _keys(section.get("connections")))


def _has_keys(name: str, section: Any) -> bool:
    """Whether there is a section or a report of a simulator; keys of ours belong to us."""
    return not _is_taken(name) and name in _keys(section) | _keys(_keys(section) and section.get("reports"))


def _keys(node: Any) -> set[Any]:
    return set(node) if isinstance(node, Mapping) else set()


def _is_taken(name: str) -> bool:
    return name in RESERVED or name in MultiscaleRun.model_fields or hasattr(MultiscaleRun, name)


@cache
def _extended(names: tuple[str, ...]) -> type[SimulationFile]:
    if not names:
        return SimulationFile
    sections = {name: _settings(name) for name in names}
    reports = {name: (dict[str, Report], key(dict, f"Reports of {name}.")) for name in names}
    all_reports: Any = create_model("Reports", __base__=Reports, **reports)  # type: ignore[call-overload]
    keys: dict[str, Any] = {"reports": (all_reports, key(all_reports, "Reports of the coupled simulators."))}
    for name, model in sections.items():
        keys[SWITCH + name] = (bool, key(False, f"Simulate {name}."))
        keys[name] = (model, key(model, model.__doc__ or name))
    ours: Any = create_model("MultiscaleRun", __base__=MultiscaleRun, **keys)
    return create_model("SimulationFile", __base__=SimulationFile, multiscale_run=(ours, key(..., "Our section.")))


def _settings(name: str) -> type[SimulatorSection]:
    if _is_taken(name) or not re.fullmatch(r"[a-z][a-z0-9_]*", name):
        raise UserError(
            f"simulator {name!r}: this name is taken, or is no word of small letters, digits and _; "
            "its package must choose another one"
        )
    settings = getattr(load(GROUP, name, "simulator"), "settings", None)
    if not (isinstance(settings, type) and issubclass(settings, SimulatorSection)):
        raise UserError(f"simulator {name!r}: its attribute settings must be a subclass of SimulatorSection")
    return settings
