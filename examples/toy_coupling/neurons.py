"""100 leaky integrate-and-fire neurons with noise; sends their mean rate [Hz], receives a drive [mV]."""

from __future__ import annotations

import numpy as np
from shared import PLAN, STEP_MS, channels, couple

from mpi_coupling import Groups


class Neurons:
    """Membrane potentials above rest [mV], threshold 15 mV, time constant 20 ms."""

    def __init__(self) -> None:
        self.random = np.random.default_rng(1)
        self.potential = self.random.uniform(0.0, 15.0, 100)

    def advance(self, drive: np.ndarray) -> np.ndarray:
        rate = np.empty_like(drive)
        for step, (now,) in enumerate(drive):
            noise = self.random.normal(0.0, 0.3, self.potential.size)
            self.potential += STEP_MS / 20.0 * (14.0 + now - self.potential) + noise
            fired = self.potential > 15.0
            self.potential[fired] = 0.0
            rate[step] = fired.mean() / (STEP_MS / 1000.0)
        return rate


if __name__ == "__main__":
    groups = Groups.join(PLAN, "neurons")
    with groups.guard():
        rate, drive = channels(groups)
        print("neurons:", repr(float(couple(Neurons().advance, drive.receiver, rate.sender).mean())), "Hz at the end")
