"""What a results folder may lack."""

from mpi_coupling.failure import UserError


class NoData(UserError):
    """Something was not computed or not reported; the message says what to do to have it."""


class Unreadable(NoData):
    """A file of results is there and cannot be read; the message names it and says why."""
