"""Messages between ranks of different groups: in pieces that need no attention, and waiting that leaves the core.

Why in pieces: MPI hands a message over without the sender's help only up to its eager limit, 4 kB in the shared memory
of Open MPI 4.1. The rest of a longer one moves when the sender next calls MPI, which is after computing the next
window, and nothing would overlap (measured: 12 kB sent before 200 ms of work arrive after 203 ms, in pieces after 0.5).
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from mpi4py import MPI

PIECE = 490
"""Numbers in a piece: 3920 bytes, below the eager limit of 4096 with room for MPI's own header."""

MOST_PIECES = 64
"""Messages in more pieces fill the queues of MPI (seen at 310); pieces of longer messages are longer."""

HEADER = 4
"""Numbers before the values: kind, sequence number, start and stop, as 64-bit integers."""

YIELD_SECONDS = 200e-6
"""How long a waiting process only gives way to others before it begins to sleep."""

SLEEP_SHARE, LONGEST_SLEEP = 0.05, 1e-3
"""A sleep lasts this share of the time waited so far, which bounds what waiting adds, and this many seconds at most."""


class Message:
    """Room for one message and the requests that move it.

    Attributes:
        values: the numbers after the header.
        rank: the other rank.
    """

    def __init__(self, comm: MPI.Intracomm, rank: int, tag: int, size: int) -> None:
        """Makes room.

        Args:
            comm: communicator of the message.
            rank: the other rank.
            tag: tag of the channel.
            size: most numbers after the header.
        """
        self.rank = rank
        self._comm = comm
        self._tag = tag
        self._buffer = np.zeros(HEADER + size)
        self._header = self._buffer[:HEADER].view(np.int64)
        self.values = self._buffer[HEADER:]
        count = min(-(-len(self._buffer) // PIECE), MOST_PIECES)
        length = -(-len(self._buffer) // count)
        self._cuts = [min(piece * length, len(self._buffer)) for piece in range(count + 1)]
        self.requests: list[MPI.Request] = []

    @property
    def header(self) -> tuple[int, int, int, int]:
        """Kind, sequence number, start and stop."""
        kind, sequence, start, stop = self._header.tolist()
        return kind, sequence, start, stop

    def send(self, header: tuple[int, int, int, int], size: int) -> None:
        """Starts to send the header and the first `size` values, always in the same number of pieces.

        The first piece is sent synchronously: it is done when the receiver has asked for it, which limits how far a
        sender can run ahead.
        """
        self._header[:] = header
        pieces = self._pieces(HEADER + size)
        self.requests = [self._comm.Issend(pieces[0], self.rank, self._tag)]
        self.requests += [self._comm.Isend(piece, self.rank, self._tag) for piece in pieces[1:]]

    def receive(self) -> None:
        """Starts to receive."""
        pieces = self._pieces(len(self._buffer))
        self.requests = [self._comm.Irecv(piece, self.rank, self._tag) for piece in pieces]

    def _pieces(self, end: int) -> list[NDArray[np.float64]]:
        return [
            self._buffer[begin : max(min(stop, end), begin)]
            for begin, stop in zip(self._cuts, self._cuts[1:], strict=False)
        ]


def unfinished(messages: Iterable[Message]) -> list[Message]:
    """Lets MPI work and returns the messages that are still under way."""
    for message in messages:
        message.requests = [request for request in message.requests if not request.Test()]
    return [message for message in messages if message.requests]


def wait_for(messages: list[Message], seconds: float) -> list[int]:
    """Waits until the messages have moved.

    Args:
        messages: what to wait for.
        seconds: how long nothing at all may happen.

    Returns:
        The ranks whose messages have not moved when nothing happened for that long; empty when all is done.
    """

    def moved() -> tuple[bool, int]:
        waiting = unfinished(messages)
        return not waiting, sum(len(message.requests) for message in waiting)

    if wait_until(moved, seconds):
        return []
    return sorted({message.rank for message in messages if message.requests})


def wait_until(check: Callable[[], tuple[bool, Any]], seconds: float) -> bool:
    """Calls `check` again and again, ever more rarely, without keeping the core from others.

    Args:
        check: returns whether the wait is over, and a value that changes when there is progress.
        seconds: how long there may be no progress.

    Returns:
        Whether the wait is over; False after `seconds` without progress.
    """
    begin = last_progress = time.monotonic()
    earlier: Any = None
    while True:
        done, state = check()
        if done:
            return True
        now = time.monotonic()
        if state != earlier:
            earlier, last_progress = state, now
        elif now - last_progress > seconds:
            return False
        if now - begin < YIELD_SECONDS:
            os.sched_yield()
        else:
            time.sleep(min((now - begin) * SLEEP_SHARE, LONGEST_SLEEP))


def exchange(comm: MPI.Intracomm, rank: int, tag: int, value: Any, seconds: float) -> Any:
    """Sends an object to a rank and returns the one that it sends.

    Raises:
        TimeoutError: nothing came within `seconds`.
    """
    outgoing = comm.isend(value, rank, tag)
    if not wait_until(lambda: (comm.iprobe(rank, tag), None), seconds):
        raise TimeoutError
    incoming = comm.recv(source=rank, tag=tag)
    outgoing.wait()
    return incoming
