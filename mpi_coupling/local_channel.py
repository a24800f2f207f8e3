"""The channel between two roles that one process plays in turn."""

from __future__ import annotations

from collections import deque

import numpy as np
from numpy.typing import ArrayLike, NDArray

from mpi_coupling.channel import AHEAD, ChannelError, Receiver, Sender, Window, check_items, shared_items
from mpi_coupling.payload import Signal


class LocalChannel:
    """A channel between two roles that one process plays in turn.

    What would make two processes wait for each other for ever is an error here: to receive what was not sent, or to
    send more than `AHEAD` windows and one before any is received.

    Attributes:
        sender: the source's end.
        receiver: the destination's end.
    """

    def __init__(
        self,
        signal: Signal,
        source: str = "source",
        destination: str = "destination",
        *,
        owned: ArrayLike | None = None,
        wanted: ArrayLike | None = None,
    ) -> None:
        """Connects the two ends.

        Args:
            signal: what is sent.
            source: role that sends.
            destination: role that receives.
            owned: items that the source sends; None for all.
            wanted: items that the destination receives; None for all.

        Raises:
            UserError: nobody sends one of the wanted items.
        """
        owned, wanted = signal.items(owned), signal.items(wanted)
        check_items(signal, source, destination, [owned], [wanted])
        queue: deque[Window | None] = deque()
        receiver = _LocalReceiver(signal, source, destination, wanted, queue)
        self.receiver: Receiver = receiver
        self.sender: Sender = _LocalSender(signal, source, destination, owned, queue, receiver)


class _LocalReceiver(Receiver):
    def __init__(
        self,
        signal: Signal,
        source: str,
        destination: str,
        items: NDArray[np.int64],
        queue: deque[Window | None],
    ) -> None:
        super().__init__(signal, source, destination, items)
        self._queue = queue

    def _take(self) -> Window | None:
        if not self._queue:
            raise ChannelError(f"{self}: {self.source} has not sent the window that begins at step {self.step}")
        return self._queue.popleft()


class _LocalSender(Sender):
    def __init__(
        self,
        signal: Signal,
        source: str,
        destination: str,
        items: NDArray[np.int64],
        queue: deque[Window | None],
        receiver: _LocalReceiver,
    ) -> None:
        super().__init__(signal, source, destination, items)
        self._queue = queue
        self._receiver = receiver
        _, self._at_owned, self._at_wanted = shared_items(items, receiver.items)

    def _put(self, window: Window) -> None:
        if self._receiver.closed:
            return
        if len(self._queue) > AHEAD:
            raise ChannelError(f"{self}: window {window} cannot be sent before {self.destination} received one")
        values = self.signal.new(window.stop - window.start, len(self._receiver.items))
        self.signal.unpack(self.signal.pack(window.values, self._at_owned), values, self._at_wanted)
        self._queue.append(Window(window.start, window.stop, values))

    def _put_end(self) -> None:
        self._queue.append(None)
