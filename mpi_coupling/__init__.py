"""The layer under the coupled applications: processes, time, console, profile and result files.

It knows neither of the applications and no simulator.
"""

from mpi_coupling.clock import Clock, Schedule, Step
from mpi_coupling.console import Progress, get_logger, setup_logging, table
from mpi_coupling.failure import UserError, abort_on_error
from mpi_coupling.profile import Profiler, ProfileSummary
from mpi_coupling.report import CompartmentReport
from mpi_coupling.spikes import SpikeWriter
from mpi_coupling.world import World

__all__ = [
    "Clock",
    "CompartmentReport",
    "ProfileSummary",
    "Profiler",
    "Progress",
    "Schedule",
    "SpikeWriter",
    "Step",
    "UserError",
    "World",
    "abort_on_error",
    "get_logger",
    "setup_logging",
    "table",
]
