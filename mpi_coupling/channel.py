"""Typed, time-stamped exchange between two roles: the vocabulary and the checks.

A channel carries windows of one signal one way, from a source to a destination. Its two ends have the same methods and
the same checks whether their roles share a process (`local_channel.py`) or not (`mpi_coupling.connection`), so that a
coupled program runs serially and in parallel with the same lines, and with the same bits.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from mpi_coupling.failure import UserError
from mpi_coupling.payload import Signal

AHEAD = 2
"""Windows that a source can send before the destination takes the first; one more may lie ready at the destination."""


class ChannelError(RuntimeError):
    """A program does not keep to what it agreed on: a window out of order, of the wrong shape or type."""


class PeerSilent(UserError):
    """The other end of a channel did nothing for longer than the deadline."""


class End(Exception):
    """The source closed the channel: there are no more windows."""


@dataclass(frozen=True, eq=False)
class Window:
    """The values of a signal during the steps (start, stop]: after `start` up to and including `stop`.

    Attributes:
        start: the step at which the window begins, the `stop` of the one before.
        stop: its last step.
        values: of a `Signal` float64, shape (stop - start, items of this rank, ...); of `Events` a list of rows of
            float64, one for each item of this rank.
    """

    start: int
    stop: int
    values: Any

    def __str__(self) -> str:
        return f"({self.start}, {self.stop}]"


class _ChannelEnd(ABC):
    """What both ends do: know the channel's name, check each window, close.

    As a `with` block an end closes the channel, unless an exception leaves the block.
    """

    def __init__(self, signal: Signal, source: str, destination: str, items: NDArray[np.int64]) -> None:
        self.signal = signal
        self.source = source
        self.destination = destination
        self.items = items
        self.step = signal.start
        """Where the next window begins."""
        self.closed = False

    def __str__(self) -> str:
        return f"channel '{self.signal.name}' from {self.source} to {self.destination}"

    def _check_time(self, who: str, start: int, stop: int) -> None:
        if start != self.step:
            raise ChannelError(
                f"{self}: {who} the window ({start}, {stop}], but the next window begins at step {self.step}"
            )
        if not start < stop <= start + self.signal.window:
            raise ChannelError(
                f"{self}: {who} the window ({start}, {stop}] of {stop - start} steps; it must have 1 to "
                f"{self.signal.window}"
            )

    @property
    @abstractmethod
    def peer(self) -> str:
        """The role at the other end."""

    @abstractmethod
    def close(self) -> None:
        """Ends the exchange on this side. Does not wait."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is None:
            self.close()

    def poll(self) -> bool:
        """Lets a closed end take leave of the other one; returns whether that is done. Never waits."""
        return True

    def _check_open(self) -> None:
        if self.closed:
            raise ChannelError(f"{self} was closed at step {self.step}")


class Sender(_ChannelEnd):
    """The source's end."""

    @property
    def peer(self) -> str:
        return self.destination

    def send(self, window: Window) -> None:
        """Hands a window over and returns as soon as the array may be used again.

        Collective over the group of the source in so far as each rank sends its items. Waits only when `AHEAD` windows
        are still under way.

        Raises:
            ChannelError: the window is not the next one, or of the wrong length, shape or type.
            PeerSilent: the destination took no window within the deadline.
        """
        self._check_open()
        self._check_time(f"{self.source} sends", window.start, window.stop)
        wanted = self.signal.wanted(window.stop - window.start, len(self.items))
        if (found := self.signal.found(window.values)) != wanted:
            raise ChannelError(
                f"{self}: {self.source} sends {found} as window {window}, {self.destination} takes {wanted}"
            )
        self._put(window)
        self.step = window.stop

    def close(self) -> None:
        """Tells the destination that this was the last window. Does not wait: see `Groups.finish`."""
        if not self.closed:
            self.closed = True
            self._put_end()

    def progress(self) -> None:
        """Lets messages move on. Worth calling in a long computation between sends if windows are above 250 kB."""

    @abstractmethod
    def _put(self, window: Window) -> None: ...

    @abstractmethod
    def _put_end(self) -> None: ...


class Receiver(_ChannelEnd):
    """The destination's end: receives one by one, or all of them as an iterator."""

    @property
    def peer(self) -> str:
        return self.source

    def receive(self, stop: int | None = None) -> Window:
        """Waits for the next window. Every rank of the destination's group receives its items.

        Args:
            stop: the last step of the window that this program needs next, for a check; None takes what comes.

        Raises:
            End: the source closed the channel.
            ChannelError: the window is not the next one, or not up to `stop`.
            PeerSilent: the source sent nothing within the deadline.
        """
        self._check_open()
        window = self._take()
        if window is None:
            self.closed = True
            raise End(f"{self}: {self.source} closed it at step {self.step}")
        self._check_time(f"{self.source} sent", window.start, window.stop)
        if stop is not None and stop != window.stop:
            raise ChannelError(
                f"{self}: {self.source} sent the window {window}, {self.destination} needs ({self.step}, {stop}]"
            )
        self.step = window.stop
        return window

    def close(self) -> None:
        """Takes no more windows; `Groups.finish` drops what the source still sends. Does not wait.

        Both sides may therefore close their ends in any order, without one waiting for the other in a ring.
        """
        self.closed = True

    def __iter__(self) -> Iterator[Window]:
        while not self.closed:
            try:
                window = self.receive()
            except End:
                return
            yield window

    @abstractmethod
    def _take(self) -> Window | None:
        """The next window; None at the end."""


@dataclass
class Channel:
    """The ends of a channel that this process holds: one, or both when it plays both roles."""

    name: str
    source: Sender | None
    destination: Receiver | None
    deadline: float = 0.0
    """Seconds that the other side may be silent."""

    @property
    def ends(self) -> list[Sender | Receiver]:
        """The ends that this process holds."""
        return [end for end in (self.source, self.destination) if end is not None]

    @property
    def sender(self) -> Sender:
        """The end to send by.

        Raises:
            ChannelError: this process does not play the source.
        """
        if self.source is None:
            raise ChannelError(f"channel '{self.name}': only its source can send")
        return self.source

    @property
    def receiver(self) -> Receiver:
        """The end to receive from.

        Raises:
            ChannelError: this process does not play the destination.
        """
        if self.destination is None:
            raise ChannelError(f"channel '{self.name}': only its destination can receive")
        return self.destination


def shared_items(
    owned: NDArray[np.int64], wanted: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """The items that two ranks exchange.

    Returns:
        The items in ascending order, their positions in `owned` and their positions in `wanted`.
    """
    items, at_owned, at_wanted = np.intersect1d(owned, wanted, assume_unique=True, return_indices=True)
    return items, at_owned, at_wanted


def check_items(
    signal: Signal,
    source: str,
    destination: str,
    owned: list[NDArray[np.int64]],
    wanted: list[NDArray[np.int64]],
) -> None:
    """Checks that each item that a rank of the destination wants has one rank of the source that sends it.

    Args:
        signal: what is sent.
        source: role that sends.
        destination: role that receives.
        owned: items of each rank of the source.
        wanted: items of each rank of the destination.

    Raises:
        UserError: an item is sent by nobody or by two ranks.
    """
    senders = np.zeros(signal.shape[0], dtype=np.int64)
    for items in owned:
        senders[items] += 1
    needed = np.zeros(signal.shape[0], dtype=bool)
    for items in wanted:
        needed[items] = True
    where = f"channel '{signal.name}' from {source} to {destination}"
    if (missing := np.flatnonzero(needed & (senders == 0))).size:
        raise UserError(f"{where}: {destination} needs items {missing} that no rank of {source} sends")
    if (double := np.flatnonzero(senders > 1)).size:
        raise UserError(f"{where}: more than one rank of {source} sends items {double}")
