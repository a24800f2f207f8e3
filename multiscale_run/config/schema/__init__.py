"""The typed model of simulation_config.json: one file per section, one field per key."""

from mpi_coupling.settings.schema import Section
from multiscale_run.config.schema.base import SIMULATORS, Simulator, SimulatorSection
from multiscale_run.config.schema.bloodflow import Bloodflow
from multiscale_run.config.schema.check import Bounds, Check
from multiscale_run.config.schema.connection import Connection, events
from multiscale_run.config.schema.extension import missing_simulators, model_for
from multiscale_run.config.schema.extracellular import Steps
from multiscale_run.config.schema.metabolism import DEFAULT_INPUTS, Metabolism
from multiscale_run.config.schema.multiscale_run import MultiscaleRun
from multiscale_run.config.schema.neurons import Neurodamus
from multiscale_run.config.schema.preprocessor import Preprocessor
from multiscale_run.config.schema.reports import Report
from multiscale_run.config.schema.sonata import Output, Run, SimulationFile, SonataPart, SonataReport

__all__ = [
    "DEFAULT_INPUTS",
    "SIMULATORS",
    "Bloodflow",
    "Bounds",
    "Check",
    "Connection",
    "Metabolism",
    "MultiscaleRun",
    "Neurodamus",
    "Output",
    "Preprocessor",
    "Report",
    "Run",
    "Section",
    "SimulationFile",
    "Simulator",
    "SimulatorSection",
    "SonataPart",
    "SonataReport",
    "Steps",
    "events",
    "missing_simulators",
    "model_for",
]
