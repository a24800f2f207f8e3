"""When a run keeps what is needed to continue it: regularly, at the end, and when a signal asks for it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from typing import Self

from mpi_coupling.checkpoint import CheckpointStore, State
from mpi_coupling.clock import Clock
from mpi_coupling.console import get_logger
from mpi_coupling.failure import RunStopped, UserError
from mpi_coupling.signals import CHECKPOINT, STOP, STOPS, SignalWatch
from mpi_coupling.world import World

log = get_logger(__name__)


class StoppedBySignal(RunStopped):
    """A run that was asked to stop and can be continued."""

    exit_code = 128 + STOP


class Start(Enum):
    """Where a run starts."""

    ANEW = "at time 0; removes old checkpoints"
    RESUME = "from the newest checkpoint"
    CONTINUE = "from the newest checkpoint, at time 0 without one"

    @classmethod
    def of(cls, resume: bool, go_on: bool) -> Self:
        """The choice of the options --resume and --continue.

        Raises:
            UserError: both are given.
        """
        if resume and go_on:
            raise UserError("--resume and --continue exclude each other: --continue resumes where it can")
        return cls.CONTINUE if go_on else cls.RESUME if resume else cls.ANEW


@dataclass(frozen=True)
class CheckpointPlan:
    """When a run keeps what is needed to continue it; a signal asks for it at any time.

    Attributes:
        every_ms: biological time between two checkpoints, ms; None: no regular ones.
        at_end: whether the end of the run is kept as well.
    """

    every_ms: float | None = None
    at_end: bool = False

    def is_due(self, clock: Clock, tick: int, step: int) -> bool:
        """Whether a regular checkpoint belongs to a tick; it may lie at multiples of a step (ticks) only."""
        if self.every_ms is None:
            return False
        return tick % max(step, round(self.every_ms / clock.dt) // step * step) == 0


def saved_state(store: CheckpointStore, start: Start) -> tuple[int, State] | None:
    """Time and state that a run starts from; None: at time 0. Collective.

    Raises:
        UserError: there is no checkpoint to resume from, or one that is not of this run.
    """
    saved = None if start is Start.ANEW else store.load()
    if saved is None and start is Start.RESUME:
        raise UserError(f"{store.folder}: there is no checkpoint to resume from; leave out --resume")
    return saved


class CheckpointKeeper:
    """Writes the checkpoints of a run.

    Args:
        world: the ranks of the run.
        plan: when they are written.
        clock: of the run.
        step: ticks between two moments at which a checkpoint may be written.
        save: writes one, at a tick; collective.
        resume: the command that continues the run, for the message of one that was stopped.
    """

    def __init__(
        self,
        world: World,
        plan: CheckpointPlan,
        clock: Clock,
        step: int,
        save: Callable[[int], None],
        resume: str,
    ) -> None:
        self._world, self._plan, self._clock, self._step = world, plan, clock, step
        self._save, self._resume = save, resume

    def keep(self, tick: int, signals: SignalWatch) -> None:
        """Write a checkpoint if it is time for one or a signal asks for it. Collective, at the end of every step.

        Raises:
            StoppedBySignal: a signal asked for the end; a checkpoint has been written.
            UserError: the last checkpoint of a run that ends could not be written.
        """
        request = signals.take()
        at_end = tick == self._clock.stop
        is_due = not at_end and self._plan.is_due(self._clock, tick, self._step)
        if request in STOPS and not at_end:
            self._save(tick)
            raise StoppedBySignal(
                f"stopped at {self._clock.ms(tick):g} ms by {request.name}; continue with: {self._resume}"
            )
        if at_end and self._plan.at_end:
            self._save(tick)
        elif is_due or request == CHECKPOINT:
            try:
                self._save(tick)
            except UserError as error:  # the run itself is not in danger, and the previous checkpoint is there
                if self._world.is_root:
                    log.warning("%s; the run goes on", error)
