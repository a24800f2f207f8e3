"""The random streams of spontaneous miniatures, whose mechanism of neurodamus can tell nobody where they are.

An ``InhPoissonStim`` draws from one stream the interval to its next event, and from another, at each event, whether it
counts. Both streams start anew with every initialisation. So what was drawn can be drawn again, until the next event is
the one that waits in the saved queue.
"""

from __future__ import annotations

from typing import Any

from mpi_coupling.world import UserError

MECHANISM = "InhPoissonStim"
SELF_EVENTS = 3


def next_mini_events(h: Any) -> dict[str, float]:
    """When the next event of each InhPoissonStim is due, ms."""
    times, flags, targets = h.Vector(), h.Vector(), h.List()
    h.CVode().event_queue_info(SELF_EVENTS, times, flags, targets)
    due = {target.hname(): time for time, target in zip(times, targets, strict=True)}
    return {stim.hname(): due.get(stim.hname(), float("inf")) for stim in h.List(MECHANISM)}


def advance_mini_streams(h: Any, first: dict[str, float]) -> None:
    """Draw from the streams what was drawn before the state was saved.

    Args:
        h: NEURON's hoc interface, the queue restored.
        first: what :func:`next_mini_events` returned after the initialisation, before the queue was restored.

    Raises:
        UserError: the streams do not lead to the next event of the saved queue.
    """
    saved = next_mini_events(h)
    for stim in h.List(MECHANISM):
        due = first[stim.hname()]
        last = min(saved[stim.hname()], stim.duration)
        while due < last:
            due += max(0.0, 1000.0 / stim.rmax * stim.erand())
            stim.urand()
        if due != saved[stim.hname()] and due < stim.duration:
            raise UserError(f"{stim.hname()}: spontaneous miniatures cannot be restored; is their rate the same?")
