"""The layer under the coupled applications: processes, groups and channels, time, console, profile and result files.

It knows neither of the applications and no simulator.
"""

from mpi_coupling.channel import Channel, ChannelError, End, PeerSilent, Receiver, Sender, Window
from mpi_coupling.checkpoint import CheckpointStore
from mpi_coupling.clock import Clock, Schedule, Step
from mpi_coupling.connection import connect
from mpi_coupling.console import Progress, get_logger, setup_logging, table
from mpi_coupling.failure import UserError, abort_on_error
from mpi_coupling.groups import Groups, Role
from mpi_coupling.launch import Program
from mpi_coupling.local_channel import LocalChannel
from mpi_coupling.payload import Events, Signal
from mpi_coupling.profile import Profiler, ProfileSummary
from mpi_coupling.report import CompartmentReport
from mpi_coupling.signals import SignalWatch
from mpi_coupling.spikes import SpikeWriter
from mpi_coupling.supervision import supervise
from mpi_coupling.timeline import TimelineProfiler
from mpi_coupling.world import World

__all__ = [
    "Channel",
    "ChannelError",
    "CheckpointStore",
    "Clock",
    "CompartmentReport",
    "End",
    "Events",
    "Groups",
    "LocalChannel",
    "PeerSilent",
    "ProfileSummary",
    "Profiler",
    "Program",
    "Progress",
    "Receiver",
    "Role",
    "Schedule",
    "Sender",
    "Signal",
    "SignalWatch",
    "SpikeWriter",
    "Step",
    "TimelineProfiler",
    "UserError",
    "Window",
    "World",
    "abort_on_error",
    "connect",
    "get_logger",
    "setup_logging",
    "supervise",
    "table",
]
