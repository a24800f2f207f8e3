"""Signals by which a scheduler or a user asks a running job for a checkpoint or for an end in order."""

from __future__ import annotations

import signal
from types import FrameType, TracebackType
from typing import Any, Self

from mpi_coupling.world import World

CHECKPOINT = signal.SIGUSR1
"""Asks for a checkpoint."""

STOP = signal.SIGTERM
STOPS = (signal.SIGUSR2, STOP)
"""Ask for a checkpoint and the end. Launchers hand SIGUSR2 on and wait; on SIGTERM they end the job themselves."""

_BY_STRENGTH = (CHECKPOINT, *STOPS, signal.SIGINT)


class SignalWatch:
    """A `with` block in which signals do not end the process at once but are remembered until they are asked for.

    Ctrl-C is among them: raised in the middle of an engine's step it would be lost in its callbacks. Pressed twice it
    is raised where it comes.

    Args:
        world: the ranks; a signal to one of them counts for all.
    """

    def __init__(self, world: World) -> None:
        self._world = world
        self._received: set[int] = set()
        self._earlier: dict[int, Any] = {}

    def __enter__(self) -> Self:
        for number in _BY_STRENGTH:
            self._earlier[number] = signal.signal(number, self._remember)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for number, handler in self._earlier.items():
            signal.signal(number, handler)

    def take(self) -> signal.Signals | None:
        """The strongest request that any rank has received since the last call; None without one. Collective.

        Raises:
            KeyboardInterrupt: on every rank, when Ctrl-C was pressed.
        """
        received, self._received = self._received, set()  # a signal that comes now is in one of them, and is not lost
        strength = max((1 + _BY_STRENGTH.index(signal.Signals(number)) for number in received), default=0)
        request = (None, *_BY_STRENGTH)[int(self._world.maximum(strength))]
        if request is signal.SIGINT:
            raise KeyboardInterrupt
        return request

    def _remember(self, number: int, frame: FrameType | None) -> None:
        if number == signal.SIGINT and number in self._received:
            raise KeyboardInterrupt
        self._received.add(number)
