"""Named groups of ranks inside one job: which role this process plays, and who plays the others.

A job of several programs (`mpirun -n 1 a : -n 2 b`, `srun --multi-prog`) is one MPI world. Each process says its role,
by argument or by the environment variable `MPI_COUPLING_ROLE`; the roles are compared with a plan that all programs
share. MPI_APPNUM, the number of the program, is never asked: it is always 0 under srun with PMIx and missing with PMI2.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, cast

from mpi_coupling._messages import wait_until
from mpi_coupling.channel import Channel, PeerSilent
from mpi_coupling.failure import UserError, abort_on_error, exit_code
from mpi_coupling.world import World

if TYPE_CHECKING:
    from mpi4py import MPI

ROLE_VARIABLE = "MPI_COUPLING_ROLE"
"""Environment variable with the role of a process."""


@dataclass(frozen=True)
class Role:
    """A part to be played in a job, by one group of ranks.

    Attributes:
        name: what the group is called, in messages and by `MPI_COUPLING_ROLE`.
        minimum: ranks that it needs; 0 if the job can do without.
        maximum: ranks that it can use; None for any number.
    """

    name: str
    minimum: int = 1
    maximum: int | None = 1

    def __str__(self) -> str:
        if self.minimum == self.maximum:
            return f"{self.name} ({_ranks(self.minimum)})"
        limit = "or more ranks" if self.maximum is None else f"to {_ranks(self.maximum)}"
        return f"{self.name} ({self.minimum} {limit})"


@dataclass(frozen=True)
class Groups:
    """The groups of a job, seen from one of its processes.

    Attributes:
        job: all ranks of the job.
        role: the role of this process; None if it is alone and plays all of them, one after the other.
        group: the ranks that play the same role. An engine that insists on MPI_COMM_WORLD cannot be one of several
            groups.
        members: role -> its ranks in the job, ascending, in the order of the plan; roles nobody plays are absent.
        exchange: private communicator of all ranks, for the messages between groups.
        channels: tag -> a channel that this process opened.
    """

    job: World
    role: str | None
    group: World
    members: Mapping[str, tuple[int, ...]]
    exchange: MPI.Intracomm = field(repr=False, compare=False)
    channels: dict[int, Channel] = field(default_factory=dict, repr=False, compare=False)

    @classmethod
    def join(
        cls,
        plan: Sequence[Role],
        role: str | None = None,
        *,
        one_program: bool = False,
        world: World | None = None,
    ) -> Groups:
        """Takes a role and finds the other groups. Collective over the job.

        From here on an uncaught exception of any rank ends the whole job; use `guard` for `sys.exit` as well.

        Args:
            plan: the roles of the job, the same in all its programs.
            role: the role of this process; without it `MPI_COUPLING_ROLE` counts.
            one_program: this program can play every role. If nobody was given one, the ranks are dealt to the roles in
                the order of the plan, and a single process plays them all.
            world: the ranks of the job, if they are not those of `World.start`.

        Raises:
            UserError: on every rank, if a role is missing, unknown, or played by too few or too many ranks, or if the
                programs have different plans.
        """
        job = World.start() if world is None else world
        abort_on_error(job)
        own = role or os.environ.get(ROLE_VARIABLE) or None
        claims: list[tuple[str | None, tuple[Role, ...]]] = job.comm.allgather((own, tuple(plan)))
        _check_plans([ranks_plan for _, ranks_plan in claims])
        played = [claim for claim, _ in claims]
        if one_program and not any(played):
            if job.size == 1 and sum(each.minimum for each in plan) > 1:
                everything = {each.name: (0,) for each in plan if each.minimum > 0}
                return cls(job, None, World.from_communicator(job.comm, job=job), everything, job.comm.Dup())
            played = [*deal(plan, job.size)]
        members = _members(plan, played)
        mine = next(name for name, ranks in members.items() if job.rank in ranks)
        job = replace(job, role=mine)
        abort_on_error(job)
        comm = cast("MPI.Intracomm", job.comm.Split(list(members).index(mine), job.rank))
        return cls(job, mine, World.from_communicator(comm, mine, job), members, job.comm.Dup())

    def plays(self, role: str) -> bool:
        """Whether this process plays the role."""
        return self.job.rank in self.members.get(role, ())

    @contextmanager
    def guard(self) -> Iterator[None]:
        """A `with` block that ends the job, all groups of it, when an exception leaves it (see `World.guard`).

        Leaving it in order, by `sys.exit(0)` too, includes `finish`.
        """
        with self.job.guard():
            leaving: SystemExit | None = None
            try:
                yield
            except SystemExit as error:
                leaving = error
            if leaving is None or exit_code(leaving) == 0:
                self.finish()
            if leaving is not None:
                raise leaving

    def finish(self) -> None:
        """Waits until the other groups took the last windows and closed their channels, dropping what they still send.

        Raises:
            RuntimeError: this process has not closed its channels: the others would wait for more.
            PeerSilent: another group did nothing within the deadline.
        """
        ends = [end for channel in self.channels.values() for end in channel.ends]
        still_open = [str(end) for end in ends if not end.closed]
        if still_open:
            raise RuntimeError(f"{self.role or 'the program'} ends before it closed the {', the '.join(still_open)}")

        def check() -> tuple[bool, list[int]]:
            # all of them, again and again: to wait for one could keep the source of another from its end
            ends[:] = [end for end in ends if not end.poll()]
            return not ends, [end.step for end in ends]

        deadline = max((channel.deadline for channel in self.channels.values()), default=0.0)
        if not wait_until(check, deadline):
            silent = "; ".join(f"{end.peer} did not take leave of the {end}" for end in ends)
            raise PeerSilent(f"no other group did anything for {deadline:g} s: {silent}")


def deal(plan: Sequence[Role], size: int) -> list[str]:
    """Deals ranks to roles: to each its minimum, the others to the first roles of the plan that can use more.

    Args:
        plan: the roles.
        size: number of ranks.

    Returns:
        The role of each rank; ranks of a role are neighbours.

    Raises:
        UserError: too few ranks for the plan, or more than it can use.
    """
    counts = [role.minimum for role in plan]
    spare = size - sum(counts)
    for index, role in enumerate(plan):
        room = spare if role.maximum is None else role.maximum - role.minimum
        taken = max(min(spare, room), 0)
        counts[index] += taken
        spare -= taken
    if spare:
        change = "leave out" if spare > 0 else "add"
        raise UserError(f"{_ranks(size)} cannot play the roles {_listed(plan)}: {change} {abs(spare)}")
    return [role.name for role, count in zip(plan, counts, strict=True) for _ in range(count)]


def _check_plans(plans: Sequence[tuple[Role, ...]]) -> None:
    """Raises the same error on every rank if the programs of a job do not have the same plan."""
    names = [role.name for role in plans[0]]
    if len(set(names)) < len(names):
        raise UserError(f"the plan names a role twice: {', '.join(names)}")
    for rank, plan in enumerate(plans):
        if plan != plans[0]:
            raise UserError(
                f"the programs of this job do not belong together: rank 0 plans the roles {_listed(plans[0])}, "
                f"rank {rank} {_listed(plan)}"
            )


def _members(plan: Sequence[Role], played: Sequence[str | None]) -> dict[str, tuple[int, ...]]:
    """The ranks of each role.

    Raises:
        UserError: the same on every rank, with all that is wrong.
    """
    members = {role.name: tuple(rank for rank, name in enumerate(played) if name == role.name) for role in plan}
    problems = [
        f"rank {rank} has no role" if name is None else f"rank {rank} has the unknown role '{name}'"
        for rank, name in enumerate(played)
        if name not in members
    ]
    for role in plan:
        count = len(members[role.name])
        if count < role.minimum:
            found = f"is played by {_ranks(count)} only, needs {role.minimum}" if count else "is played by nobody"
            problems.append(f"the role {role.name} {found}")
        elif role.maximum is not None and count > role.maximum:
            who = " and ".join(map(str, members[role.name]))
            problems.append(f"the role {role.name} is played by ranks {who}, but {_ranks(role.maximum)} can play it")
    if problems:
        raise UserError(
            f"{'; '.join(problems)}. This job has the roles {_listed(plan)}; give each process one by {ROLE_VARIABLE}, "
            f"for example `mpirun {_example(plan)}`"
        )
    return {name: ranks for name, ranks in members.items() if ranks}


def _example(plan: Sequence[Role]) -> str:
    return " : ".join(f"-n {role.minimum} env {ROLE_VARIABLE}={role.name} PROGRAM" for role in plan if role.minimum > 0)


def _listed(plan: Sequence[Role]) -> str:
    return ", ".join(map(str, plan)) or "(none)"


def _ranks(count: int) -> str:
    return "1 rank" if count == 1 else f"{count} ranks"
