"""Signals by which a scheduler or a user asks a running job for a checkpoint or for an orderly end."""

from __future__ import annotations

import signal
from types import FrameType, TracebackType
from typing import Any, Self

from mpi_coupling.world import World

CHECKPOINT, STOP = signal.SIGUSR1, signal.SIGTERM
"""Signals that ask for a checkpoint, and for a checkpoint and the end."""


class SignalWatch:
    """A `with` block in which the two signals do not end the process but are remembered until they are asked for.

    Args:
        world: the ranks; a signal to one of them counts for all.
    """

    def __init__(self, world: World) -> None:
        self._world = world
        self._received: set[int] = set()
        self._earlier: dict[int, Any] = {}

    def __enter__(self) -> Self:
        for number in (CHECKPOINT, STOP):
            self._earlier[number] = signal.signal(number, self._remember)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for number, handler in self._earlier.items():
            signal.signal(number, handler)

    def take(self) -> signal.Signals | None:
        """The strongest request that any rank has received since the last call; None without one. Collective."""
        level = 2 if STOP in self._received else 1 if CHECKPOINT in self._received else 0
        self._received.clear()
        return (None, CHECKPOINT, STOP)[int(self._world.maximum(level))]

    def _remember(self, number: int, frame: FrameType | None) -> None:
        self._received.add(number)
