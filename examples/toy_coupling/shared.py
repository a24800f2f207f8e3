"""What the two programs of the toy must agree on: their roles, the signals between them, and the order of a window."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from mpi_coupling import Channel, Groups, Receiver, Role, Sender, Signal, Window, connect

PLAN = [Role("neurons"), Role("brain")]
STEP_MS, WINDOW, WINDOWS = 0.1, 20, 100
"""A step of 0.1 ms; what one program does reaches the other a window (2 ms) later; 100 windows are 0.2 s."""

RATE = Signal("rate", unit="Hz", shape=(1,), window=WINDOW)
DRIVE = Signal("drive", unit="mV", shape=(1,), window=WINDOW)


def channels(groups: Groups) -> tuple[Channel, Channel]:
    """The two channels, neurons to brain and back; each program holds one end of each."""
    return connect(groups, RATE, "neurons", "brain"), connect(groups, DRIVE, "brain", "neurons")


def couple(advance: Callable[[np.ndarray], np.ndarray], receiver: Receiver, sender: Sender) -> np.ndarray:
    """Runs one program: its window k is driven by window k - 1 of the other, so that both compute at once."""
    with receiver, sender:
        arrived = np.zeros((WINDOW, 1))
        for k in range(WINDOWS):
            if k > 0:
                arrived = receiver.receive(stop=k * WINDOW).values
            computed = advance(arrived)
            sender.send(Window(k * WINDOW, (k + 1) * WINDOW, computed))
    return computed
