"""The typed model of a file that names simulators of other packages: it has their keys beside ours."""

from __future__ import annotations

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


def model_for(section: Any) -> type[SimulationFile]:
    """The model for a file with this ``multiscale_run`` section.

    Of other packages only the simulators that it names are imported, so a broken one disturbs nobody else.

    Raises:
        UserError: such a simulator cannot be imported.
    """
    mentioned: set[str] = set(section) if isinstance(section, Mapping) else set()
    others = (name for name in simulator_names() if name not in SIMULATORS)
    return _extended(tuple(name for name in others if {name, f"with_{name}"} & mentioned))


@cache
def _extended(names: tuple[str, ...]) -> type[SimulationFile]:
    if not names:
        return SimulationFile
    sections = {name: _settings(name) for name in names}
    reports = {name: (dict[str, Report], key(dict, f"Reports of {name}.")) for name in names}
    all_reports: Any = create_model("Reports", __base__=Reports, **reports)  # type: ignore[call-overload]
    keys: dict[str, Any] = {"reports": (all_reports, key(all_reports, "Reports of the coupled simulators."))}
    for name, model in sections.items():
        keys[f"with_{name}"] = (bool, key(False, f"Simulate {name}."))
        keys[name] = (model, key(model, model.__doc__ or name))
    ours: Any = create_model("MultiscaleRun", __base__=MultiscaleRun, **keys)
    return create_model("SimulationFile", __base__=SimulationFile, multiscale_run=(ours, key(..., "Our section.")))


def _settings(name: str) -> type[SimulatorSection]:
    if name in MultiscaleRun.model_fields:
        raise UserError(f"simulator {name!r}: a key of multiscale_run has this name; the package must take another one")
    settings = getattr(load(GROUP, name, "simulator"), "settings", None)
    if not (isinstance(settings, type) and issubclass(settings, SimulatorSection)):
        raise UserError(f"simulator {name!r}: its attribute settings must be a subclass of SimulatorSection")
    return settings
