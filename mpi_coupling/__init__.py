"""The layer under the coupled applications: processes, time, console, profile and result files.

It knows neither of the applications and no simulator.
"""

from mpi_coupling.failure import UserError, abort_on_error
from mpi_coupling.world import World

__all__ = ["UserError", "World", "abort_on_error"]
