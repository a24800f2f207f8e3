"""Joins jobs that were started separately into one, by an MPI port whose name goes through a file.

One job of several programs (`mpi_coupling.launch`) is simpler and works with every MPI. Ports work with MPICH 5, and
with Open MPI 4 if both jobs know the same `ompi-server`; elsewhere the calls hang, and are therefore refused here.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from mpi_coupling._messages import wait_until
from mpi_coupling.connection import DEADLINE
from mpi_coupling.failure import UserError, abort_on_error
from mpi_coupling.groups import Groups, Role
from mpi_coupling.world import World

if TYPE_CHECKING:
    from mpi4py import MPI

SERVER_VARIABLE = "OMPI_MCA_pmix_server_uri"
"""Set by `mpirun --ompi-server` of Open MPI 4."""

INSTEAD = "start both programs as one job instead: `mpirun -n 1 A : -n 1 B`, or `srun --multi-prog`"


def refusal(vendor: str, version: tuple[int, ...], environment: Mapping[str, str] = os.environ) -> str | None:
    """Why jobs cannot be joined with this MPI; None if they can.

    Args:
        vendor: name of the MPI, from `MPI.get_vendor`.
        version: its version.
        environment: variables of this process.
    """
    name = f"{vendor} {'.'.join(map(str, version))}"
    if vendor != "Open MPI":
        return None
    if version >= (5,):
        return f"{name} hangs when separately started jobs join; {INSTEAD}"
    if SERVER_VARIABLE in environment:
        return None
    return (
        f"{name} joins separately started jobs only through a server: run `ompi-server --no-daemonize -r FILE` "
        f"and both jobs by `mpirun --ompi-server file:FILE` (srun cannot); or {INSTEAD}"
    )


@contextmanager
def joined_groups(
    plan: Sequence[Role], role: str, world: World, file: Path, *, first: bool, deadline: float = DEADLINE
) -> Iterator[Groups]:
    """Joins two jobs for a `with` block, which is guarded as by `Groups.guard`. Collective over both.

    A death ends its own job only; the other one ends by the deadlines of its channels.

    Args:
        plan: the roles of both jobs.
        role: the role of this process.
        world: the ranks of this job.
        file: where the name of the port goes, the same path for both jobs; it must not exist before.
        first: whether this job opens the port, True in one of the two. Its ranks come first in the joint job.
        deadline: seconds to wait for the other job.

    Yields:
        The groups of both jobs.

    Raises:
        UserError: this MPI cannot join jobs, the other job did not come, or the roles do not fit (see `Groups.join`).
    """
    both = _join(world, file, first, deadline)
    groups = Groups.join(plan, role, world=World.from_communicator(both.Merge(high=not first)))
    with groups.guard():
        yield groups
    # Open MPI: a connection still in use when one of the jobs ends breaks, and the other job hangs
    for part in (groups.group, groups.job):
        part.failure_comm.Free()
        part.comm.Free()
    groups.exchange.Free()
    both.Disconnect()
    abort_on_error(world)


def _join(world: World, file: Path, first: bool, deadline: float) -> MPI.Intercomm:
    from mpi4py import MPI

    reason = refusal(*MPI.get_vendor())
    if reason:
        raise UserError(reason)
    arrival = file.with_name(f"{file.name}.arrived")
    port = world.on_root(lambda: (_offer if first else _find)(file, arrival, deadline))
    try:
        both = world.comm.Accept(port, root=0) if first else world.comm.Connect(port, root=0)
    except MPI.Exception as error:
        raise UserError(f"this MPI cannot join separately started jobs ({error}); {INSTEAD}") from error
    if first and world.is_root:
        MPI.Close_port(port)
        file.unlink()
        arrival.unlink()
    return both


def _offer(file: Path, arrival: Path, deadline: float) -> str:
    """Opens a port, writes its name and waits for the other job: Accept itself knows no deadline."""
    from mpi4py import MPI

    try:
        port = MPI.Open_port()
    except MPI.Exception as error:
        raise UserError(f"this MPI cannot open ports ({error}); {INSTEAD}") from error
    draft = file.with_name(f"{file.name}.draft")
    draft.write_text(port)
    draft.rename(file)
    if not wait_until(lambda: (arrival.exists(), None), deadline):
        file.unlink()
        raise UserError(f"{file}: no job came to join within {deadline:g} s")
    return port


def _find(file: Path, arrival: Path, deadline: float) -> str:
    if not wait_until(lambda: (file.exists(), None), deadline):
        raise UserError(f"{file}: no job offered to join within {deadline:g} s")
    arrival.touch()
    return file.read_text()
