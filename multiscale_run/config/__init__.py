"""The configuration of a run: simulation_config.json as typed, checked values.

``load_config`` reads it; ``check_fields`` and ``check_names`` add what only the simulators know; ``default_config`` is
what ``multiscale-run init`` writes.
"""

from mpi_coupling.settings.problems import ConfigError, Note, Problem
from multiscale_run.config.loading import load_config
from multiscale_run.config.names import check_names
from multiscale_run.config.registry import FieldInfo, Registry, check_fields
from multiscale_run.config.schema import Connection, Metabolism, MultiscaleRun, Report
from multiscale_run.config.simulation_config import SimulationConfig
from multiscale_run.config.template import default_config
from multiscale_run.config.view import ConfigView

__all__ = [
    "ConfigError",
    "ConfigView",
    "Connection",
    "FieldInfo",
    "Metabolism",
    "MultiscaleRun",
    "Note",
    "Problem",
    "Registry",
    "Report",
    "SimulationConfig",
    "check_fields",
    "check_names",
    "default_config",
    "load_config",
]
