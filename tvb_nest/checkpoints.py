"""Checkpoints of a brain that runs without NEST, whose kernel cannot be saved."""

from __future__ import annotations

from collections.abc import Sequence
from types import TracebackType
from typing import Self

from mpi_coupling import CheckpointStore, Clock, Groups, SignalWatch, UserError, get_logger
from mpi_coupling.keeping import CheckpointKeeper, CheckpointPlan, Start, saved_state
from tvb_nest.parameters import Mode, Parameters, fingerprint
from tvb_nest.recording import CHECKPOINTS
from tvb_nest.sides import BrainSide, Side

log = get_logger(__name__)


class Checkpoints:
    """What a run keeps to be continued, and what it continues from; nothing at all where NEST takes part.

    A `with` block in which signals ask for a checkpoint.

    Args:
        parameters: of the simulation, with all that follows from them.
        groups: of the job.
        plan: when checkpoints are written.
        start: whether the run continues from the newest one.

    Attributes:
        start: the step at which the run begins.

    Raises:
        UserError: NEST takes part and a checkpoint is asked for; or there is none to continue from, or one of other
            parameters.
    """

    def __init__(self, parameters: Parameters, groups: Groups, plan: CheckpointPlan, start: Start) -> None:
        self.start, self._state = 0, None
        self._signals: SignalWatch | None = None
        self._job, self._parameters, self._plan = groups.job, parameters, plan
        if parameters.mode != Mode.TVB:
            if start is Start.RESUME or plan.every_ms is not None:
                raise UserError(
                    f"{parameters.file}: NEST cannot save its state, so {parameters.mode} has no checkpoints; run it "
                    "from the beginning, without --resume and --checkpoint-every"
                )
            return
        folder = parameters.result_folder / CHECKPOINTS
        self._store = CheckpointStore(groups.job, folder, fingerprint(parameters))
        self.start, self._state = saved_state(self._store, start) or (0, None)
        self._signals = SignalWatch(groups.job)

    @property
    def continues(self) -> bool:
        """Whether the run goes on with what an earlier one has written."""
        return self._state is not None

    def attach(self, sides: Sequence[Side], window: int) -> None:
        """Take the sides to where the run begins, and know their state from now on.

        Args:
            sides: of this process.
            window: steps of a window, at whose end a checkpoint may be written.
        """
        if self._signals is None:
            return
        (side,) = sides
        assert isinstance(side, BrainSide)
        clock = Clock.from_config(self._parameters.resolved.param_nest.sim_resolution, self._parameters.resolved.end)
        if self._state is not None:
            side.restore(self._state)
            log.info("resuming at %g ms", clock.ms(self.start))
        resume = f"tvb-nest run --resume {self._parameters.file.parent}"
        self._keeper = CheckpointKeeper(
            self._job, self._plan, clock, window, lambda step: self._store.save(step, side.state()), resume
        )

    def keep(self, step: int) -> None:
        """Write a checkpoint at the end of a window if it is time for one or a signal asks for it. Collective.

        Raises:
            StoppedBySignal: a signal asked for the end; a checkpoint has been written.
        """
        if self._signals is not None:
            self._keeper.keep(step, self._signals)

    def __enter__(self) -> Self:
        if self._signals is not None:
            self._signals.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._signals is not None:
            self._signals.__exit__(kind, error, trace)
