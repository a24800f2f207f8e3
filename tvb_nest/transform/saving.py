"""Saved histograms of spikes, for runs of NEST alone; the original's files."""

from __future__ import annotations

from pathlib import Path
from types import TracebackType

import numpy as np
from numpy.typing import NDArray

from tvb_nest.transform.to_rates import spike_histogram


class HistogramSaver:
    """Writes ``<name>_<windows>.npy``, (steps, 1) counts, after every `save_step` windows, and the rest at the end.

    Args:
        folder: made when missing.
        name: of the recorder.
        save_step: windows per file; 0 writes one file at the end.
        dt: time step (ms).
    """

    def __init__(self, folder: Path, name: str, save_step: int, dt: float) -> None:
        if save_step < 0:
            raise ValueError(f"save_step must be 0 or more windows, not {save_step}")
        folder.mkdir(parents=True, exist_ok=True)
        self._folder, self._name, self._save_step, self._dt = folder, name, save_step, dt
        self._pending: list[NDArray[np.int64]] = []
        self._windows = 0

    def add(self, start_step: int, n_steps: int, times: NDArray[np.float64]) -> None:
        """Count the spikes (times in ms) of the window after `start_step`.

        Raises:
            ValueError: a spike is not in the window.
        """
        self._pending.append(spike_histogram(times, start_step, n_steps, self._dt))
        self._windows += 1
        if len(self._pending) == self._save_step:
            self._write()

    def close(self) -> None:
        """Write what is left."""
        if self._pending:
            self._write()

    def __enter__(self) -> HistogramSaver:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _write(self) -> None:
        np.save(self._folder / f"{self._name}_{self._windows}.npy", np.concatenate(self._pending)[:, np.newaxis])
        self._pending.clear()
