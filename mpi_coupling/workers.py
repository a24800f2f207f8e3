"""Processes that work for this one in an MPI world of their own: started, told what to do, watched and ended by it.

A library that takes MPI_COMM_WORLD for itself, or that needs another Python environment, cannot play a role in a job
of several. MPI_Comm_spawn gives such processes a world of their own, joined to their owner by an intercommunicator.

Open MPI's mpirun and MPICH's can do it; srun cannot: inside SLURM start the job by mpirun.
"""

from __future__ import annotations

import contextlib
import math
import os
import socket
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import psutil

from mpi_coupling._messages import wait_until
from mpi_coupling.failure import UserError, describe, exit_code

if TYPE_CHECKING:
    from mpi4py import MPI

COMMAND, REPLY, FAILURE = 1, 2, 3
"""Tags of the messages between owner and workers."""

END = "end"
"""The command that ends a worker."""

START = "import runpy, sys; sys.path += sys.argv[2:]; runpy.run_module(sys.argv[1], run_name='__main__')"
"""What a worker runs. It finds our packages after its own, which may have other builds of the same libraries."""

OPEN_MPI = {"bind_to": "none", "map_by": "slot:OVERSUBSCRIBE"}
"""More processes than cores are no error, and none of them is tied to a core that another one has."""

LOOK_SECONDS = 0.25
"""How often the owner looks whether its workers are alive."""

AGREEMENT_SECONDS = 2.0
"""How long the others may take to fail too after one worker did."""


class WorkerFailed(RuntimeError):
    """A worker ended with an error that is not the user's; the message is its traceback."""


class Workers:
    """Processes started by this one.

    Args:
        python: the interpreter; of the same version as this one, with mpi4py on the same MPI library.
        module: what they run; it calls `serve`.
        count: of processes.
        name: of one of them, for messages.

    Attributes:
        comm: intercommunicator; worker r is its remote rank r.

    Raises:
        UserError: this MPI cannot start processes.
    """

    def __init__(self, python: Path, module: str, count: int, name: str) -> None:
        from mpi4py import MPI

        self.count, self._name = count, name
        self._watched: list[tuple[str, int]] = []
        self._looked = 0.0
        root = str(Path(__file__).parents[1])
        arguments = ["-c", START, module, root, *filter(None, sys.path)]
        info = MPI.Info.Create(OPEN_MPI)
        try:
            self.comm: MPI.Intercomm = MPI.COMM_SELF.Spawn(str(python), arguments, maxprocs=count, info=info)
        except MPI.Exception as error:
            raise UserError(
                f"this MPI cannot start processes of {name} ({error}); start the job by mpirun, not by srun, "
                "and allow as many slots as there are processes (--oversubscribe)"
            ) from error
        self._watched = self.replies()

    def command(self, name: str, *arguments: Any) -> None:
        """Tell all workers what to do next; they answer by `replies`."""
        for request in [self.comm.isend((name, arguments), rank, COMMAND) for rank in range(self.count)]:
            self.wait(request)

    def replies(self) -> list[Any]:
        """What the workers answer, in the order of their ranks.

        Raises:
            UserError, WorkerFailed: a worker failed.
        """
        answers = []
        for rank in range(self.count):
            self.wait_until(lambda rank=rank: self.comm.iprobe(rank, REPLY))  # type: ignore[misc]
            answers.append(self.comm.recv(source=rank, tag=REPLY))
        return answers

    def call(self, name: str, *arguments: Any) -> list[Any]:
        """Tell all workers what to do and return their answers."""
        self.command(name, *arguments)
        return self.replies()

    def wait(self, request: MPI.Request) -> None:
        """Wait for a message from or to a worker, on any communicator.

        Raises:
            UserError, WorkerFailed: a worker failed.
        """
        self.wait_until(request.Test)

    def wait_until(self, done: Callable[[], bool]) -> None:
        """Wait, for as long as the workers live; a message tells when one fails.

        Raises:
            UserError, WorkerFailed: a worker failed.
        """

        def check() -> tuple[bool, None]:
            over = done()
            if not over:
                self._look()
            return over, None

        wait_until(check, math.inf)

    @contextlib.contextmanager
    def watched(self) -> Iterator[None]:
        """A block that waits for workers inside of MPI, as for them to connect: the job ends when one fails meanwhile.

        Looks from a thread of its own, as mpi4py lets MPI have several by default.
        """
        over = threading.Event()

        def watch() -> None:
            while not over.wait(LOOK_SECONDS):
                if self.comm.iprobe(tag=FAILURE):
                    self._abandon(self.comm.recv(tag=FAILURE))
                self._end_if_one_is_gone()

        watcher = threading.Thread(target=watch, daemon=True)
        watcher.start()
        try:
            yield
        finally:
            over.set()
            watcher.join()

    def close(self) -> None:
        """End the workers. May be called twice."""
        if self.comm:
            self.command(END)
            self.comm.Disconnect()

    def _look(self) -> None:
        """Raise what a worker failed from; end the job when one is gone."""
        if time.monotonic() - self._looked < LOOK_SECONDS:
            return
        self._looked = time.monotonic()
        if self.comm.iprobe(tag=FAILURE):
            self._fail()
        self._end_if_one_is_gone()

    def _end_if_one_is_gone(self) -> None:
        for rank, (host, number) in enumerate(self._watched):
            if host == socket.gethostname() and not _is_alive(number):
                who = f"process {rank} of {self._name} (number {number} on {host})"
                self._abandon(UserError(f"{who} is gone: it was killed, or ran out of memory"))

    def _fail(self) -> NoReturn:
        """Let all workers end in order when all of them failed, else end the job."""
        failures: dict[int, Exception] = {}

        def collected() -> tuple[bool, None]:
            for rank in set(range(self.count)) - set(failures):
                if self.comm.iprobe(rank, FAILURE):
                    failures[rank] = self.comm.recv(source=rank, tag=FAILURE)
            return len(failures) == self.count, None

        if wait_until(collected, AGREEMENT_SECONDS):
            for rank in range(self.count):
                self.comm.send((END, ()), rank, COMMAND)
            self.comm.Disconnect()
            raise failures[0]
        self._abandon(next(iter(failures.values())))

    def _abandon(self, error: Exception) -> NoReturn:
        """End the job: workers that wait for each other cannot be asked to leave."""
        from mpi4py import MPI

        world = MPI.COMM_WORLD
        # the form of `failure.end_job`, by which `supervision` finds the role
        rank = f"[{self._name}, rank {world.rank}/{world.size}] " if world.size > 1 else ""
        sys.stderr.write(f"{rank}{describe(error)}\n")
        sys.stderr.flush()
        for host, number in self._watched:
            if host == socket.gethostname():
                with contextlib.suppress(psutil.NoSuchProcess):
                    psutil.Process(number).kill()
        world.Abort(exit_code(error))
        raise error  # never reached


def serve(actions: Mapping[str, Callable[..., Any]]) -> None:
    """The life of a worker: it does what it is told until it is told to end.

    Args:
        actions: by name; what they return is the answer. An exception is told to the owner.
    """
    from mpi4py import MPI

    owner = MPI.Comm.Get_parent()
    owner.send((socket.gethostname(), os.getpid()), dest=0, tag=REPLY)
    failed = False
    while True:
        wait_until(lambda: (owner.iprobe(0, COMMAND), None), math.inf)
        name, arguments = owner.recv(source=0, tag=COMMAND)
        if name == END:
            break
        if failed:
            continue
        try:
            owner.send(actions[name](*arguments), dest=0, tag=REPLY)
        except Exception as error:
            failed = True
            told = error if isinstance(error, UserError) else WorkerFailed(describe(error))
            owner.send(told, dest=0, tag=FAILURE)
    owner.Disconnect()


def _is_alive(number: int) -> bool:
    try:
        return psutil.Process(number).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False
