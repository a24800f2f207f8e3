"""Channels between groups of ranks: how both sides agree on one, and its two ends over MPI.

Each rank of the source sends each rank of the destination the items that the one owns and the other wants, as one
message per window. The message for window k + 1 is asked for before window k is worked on, and two windows can be on
the way: sending, receiving and computing overlap.
"""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike, NDArray

from mpi_coupling._messages import Message, exchange, unfinished, wait_for
from mpi_coupling.channel import (
    AHEAD,
    Channel,
    ChannelError,
    PeerSilent,
    Receiver,
    Sender,
    Window,
    check_items,
    shared_items,
)
from mpi_coupling.failure import UserError
from mpi_coupling.groups import Groups
from mpi_coupling.local_channel import LocalChannel
from mpi_coupling.payload import Signal

if TYPE_CHECKING:
    from mpi4py import MPI

DEADLINE = 600.0
"""Seconds that the other side of a channel may take for one window, or to open the channel."""

WINDOW, END = 1, 2
"""Kinds of messages."""

SMALLEST_TAG_LIMIT = 32767
"""Tags up to here exist in every MPI."""


def connect(
    groups: Groups,
    signal: Signal,
    source: str,
    destination: str,
    *,
    owned: ArrayLike | None = None,
    wanted: ArrayLike | None = None,
    deadline: float = DEADLINE,
) -> Channel:
    """Opens a channel. Collective over the two groups, in any order of channels that does not make them wait in a ring.

    Args:
        groups: the groups of the job; processes of other roles must not call.
        signal: what is sent; both sides must say the same.
        source: role that sends.
        destination: role that receives.
        owned: on a rank of the source, the items that it sends; without it the first rank of the group sends all.
        wanted: on a rank of the destination, the items that it receives; without it each rank receives all.
        deadline: seconds that the other side may be silent, now and for each window.

    Raises:
        UserError: on all ranks of both groups, if a role is not played, or the two sides do not agree.
        PeerSilent: the other side did not call within the deadline.
    """
    for role in (source, destination):
        if role not in groups.members:
            raise UserError(f"channel '{signal.name}': nobody plays {role}; there are {', '.join(groups.members)}")
    if source == destination or not (groups.plays(source) or groups.plays(destination)):
        raise ChannelError(f"channel '{signal.name}' from {source} to {destination} does not concern {groups.role}")
    tag = _free_tag(groups, signal)
    if groups.role is None:
        local = LocalChannel(signal, source, destination, owned=owned, wanted=wanted)
        channel = Channel(signal.name, local.sender, local.receiver, deadline)
    else:
        channel = _connect_ranks(groups, signal, source, destination, owned, wanted, tag, deadline)
    groups.channels[tag] = channel
    return channel


def _connect_ranks(
    groups: Groups,
    signal: Signal,
    source: str,
    destination: str,
    owned: ArrayLike | None,
    wanted: ArrayLike | None,
    tag: int,
    deadline: float,
) -> Channel:
    """The end of this rank of a channel between two groups."""
    sends = groups.role == source
    if sends and owned is None and not groups.group.is_root:
        owned = []
    items = signal.items(owned if sends else wanted)
    link = _agree(groups, signal, destination if sends else source, items, tag, deadline)
    check_items(signal, source, destination, *((link.ours, link.theirs) if sends else (link.theirs, link.ours)))
    if sends:
        return Channel(signal.name, _MpiSender(signal, source, destination, link), None, deadline)
    return Channel(signal.name, None, _MpiReceiver(signal, source, destination, link), deadline)


@dataclass(frozen=True)
class _Link:
    """What a rank knows of the other side of a channel and how it reaches it.

    Attributes:
        comm: communicator of the job.
        tag: tag of the channel.
        rank: this rank in its group.
        ours: items of each rank of this group.
        ranks: the other side's ranks in the communicator.
        theirs: items of each rank of the other side.
        deadline: how long the other side may be silent [s].
    """

    comm: MPI.Intracomm
    tag: int
    rank: int
    ours: list[NDArray[np.int64]]
    ranks: Sequence[int]
    theirs: list[NDArray[np.int64]]
    deadline: float

    @property
    def items(self) -> NDArray[np.int64]:
        """The items of this rank."""
        return self.ours[self.rank]

    def message(self, index: int, size: int) -> Message:
        """Room for `size` numbers to or from the rank `index` of the other side's group."""
        return Message(self.comm, self.ranks[index], self.tag, size)

    def wait(self, messages: list[Message], role: str, what: str) -> None:
        """Waits for messages to or from `role`.

        Raises:
            PeerSilent: nothing happened for as long as the deadline.
        """
        silent = wait_for(messages, self.deadline)
        if silent:
            ranks = f"rank{'s' if len(silent) > 1 else ''} {', '.join(map(str, silent))} of the job"
            raise PeerSilent(
                f"{role} ({ranks}) has been silent for {self.deadline:g} s: {what}. "
                f"Look at what {role} last wrote; if it may compute that long, allow a longer deadline"
            )


def _free_tag(groups: Groups, signal: Signal) -> int:
    """A tag that both sides find without talking to each other."""
    tag = 1 + zlib.crc32(signal.name.encode()) % (SMALLEST_TAG_LIMIT - 1)
    if tag in groups.channels:
        raise ChannelError(f"channel '{signal.name}' cannot be opened beside '{groups.channels[tag].name}': rename it")
    return tag


def _agree(groups: Groups, signal: Signal, other: str, items: NDArray[np.int64], tag: int, deadline: float) -> _Link:
    """Compares the signal with the other side's, and learns which items its ranks have.

    Raises:
        UserError: on all ranks of both sides, if the signals differ.
        PeerSilent: the other side did not open the channel within the deadline.
    """
    gathered = groups.group.comm.allgather((signal, items))
    if any(each != signal for each, _ in gathered):
        raise ChannelError(f"the ranks of {groups.role} open different channels: {[each for each, _ in gathered]}")
    ours = [each for _, each in gathered]
    ranks = groups.members[other]

    def ask() -> tuple[Signal, list[NDArray[np.int64]]]:
        try:
            return exchange(groups.exchange, ranks[0], tag, (signal, ours), deadline)
        except TimeoutError:
            raise PeerSilent(
                f"{other} (rank {ranks[0]} of the job) did not open the channel '{signal.name}' within "
                f"{deadline:g} s; if its preparation may take that long, allow a longer deadline"
            ) from None

    their_signal, theirs = groups.group.on_root(ask)
    if their_signal != signal:
        # in the same words on both sides, so that they are printed once
        (one, first), (two, second) = sorted(
            [(str(groups.role), signal), (other, their_signal)], key=lambda side: side[0]
        )
        names = dict.fromkeys(each.name for each in (*fields(first), *fields(second)))
        differences = (
            f"{name} is {getattr(first, name, None)!r} for {one}, {getattr(second, name, None)!r} for {two}"
            for name in names
            if getattr(first, name, None) != getattr(second, name, None)
        )
        raise UserError(f"channel '{signal.name}': {'; '.join(differences)}")
    return _Link(groups.exchange, tag, groups.group.rank, ours, ranks, theirs, deadline)


class _MpiSender(Sender):
    def __init__(self, signal: Signal, source: str, destination: str, link: _Link) -> None:
        super().__init__(signal, source, destination, link.items)
        self._link = link
        self._sequence = 0
        self._positions: list[NDArray[np.int64]] = []
        self._slots: list[list[Message]] = [[] for _ in range(AHEAD)]
        self._last: list[Message] = []
        for index, wanted in enumerate(link.theirs):
            items, positions, _ = shared_items(link.items, wanted)
            # who wants nothing still has to know the time and the end
            if items.size or (link.rank == 0 and not wanted.size):
                self._positions.append(positions)
                # the end has a place of its own, so that closing never has to wait
                for slot in (*self._slots, self._last):
                    slot.append(link.message(index, signal.room(items.size)))

    def _put(self, window: Window) -> None:
        slot = self._slots[self._sequence % AHEAD]
        what = f"{self} cannot send the window {window} before one of its last {AHEAD} is taken"
        self._link.wait(slot, self.destination, what)
        for message, positions in zip(slot, self._positions, strict=True):
            numbers = self.signal.pack(window.values, positions)
            message.values[: numbers.size] = numbers
            message.send((WINDOW, self._sequence, window.start, window.stop), numbers.size)
        self._sequence += 1

    def _put_end(self) -> None:
        for message in self._last:
            message.send((END, self._sequence, self.step, self.step), 0)

    def progress(self) -> None:
        for slot in self._slots:
            unfinished(slot)

    def poll(self) -> bool:
        return not unfinished([message for slot in (*self._slots, self._last) for message in slot])


class _MpiReceiver(Receiver):
    def __init__(self, signal: Signal, source: str, destination: str, link: _Link) -> None:
        super().__init__(signal, source, destination, link.items)
        self._link = link
        self._sequence = 0
        self._positions: list[NDArray[np.int64]] = []
        self._messages: list[Message] = []
        self._ended = False
        for index, owned in enumerate(link.theirs):
            items, _, positions = shared_items(owned, link.items)
            if items.size or (index == 0 and not link.items.size):
                self._positions.append(positions)
                self._messages.append(link.message(index, signal.room(items.size)))
        self._ask()

    def _ask(self) -> None:
        for message in self._messages:
            message.receive()

    def poll(self) -> bool:
        while not self._ended and not unfinished(self._messages):
            window = self._take()
            self.step = self.step if window is None else window.stop
        return self._ended

    def _take(self) -> Window | None:
        self._link.wait(self._messages, self.source, f"{self} waits for the window that begins at step {self.step}")
        kind, sequence, start, stop = header = self._messages[0].header
        if sequence != self._sequence or any(message.header != header for message in self._messages):
            raise ChannelError(f"{self}: messages out of order: {[message.header for message in self._messages]}")
        self._sequence += 1
        if kind == END:
            self._ended = True
            return None
        values = self.signal.new(stop - start, len(self.items))
        for message, positions in zip(self._messages, self._positions, strict=True):
            self.signal.unpack(message.values, values, positions)
        self._ask()
        return Window(start, stop, values)
