"""A mean field that follows the neurons' rate [Hz] and inhibits them; receives the rate, sends a drive [mV]."""

from __future__ import annotations

import numpy as np
from shared import PLAN, STEP_MS, channels, couple

from mpi_coupling import Groups


class Brain:
    """One activity variable [Hz] with a time constant of 10 ms."""

    def __init__(self) -> None:
        self.activity = 0.0

    def advance(self, rate: np.ndarray) -> np.ndarray:
        drive = np.empty_like(rate)
        for step, (now,) in enumerate(rate):
            self.activity += STEP_MS / 10.0 * (now - self.activity)
            drive[step] = 5.0 - 0.1 * self.activity
        return drive


if __name__ == "__main__":
    groups = Groups.join(PLAN, "brain")
    with groups.guard():
        rate, drive = channels(groups)
        print("brain:", repr(float(couple(Brain().advance, rate.receiver, drive.sender).mean())), "mV at the end")
