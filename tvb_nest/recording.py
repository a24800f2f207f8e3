"""What a run writes: the original's folders and files, and a summary of numbers."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from mpi_coupling.atomic import write_in_one_step
from mpi_coupling.checkpoint import joined, part_of
from mpi_coupling.failure import UserError
from mpi_coupling.locks import hold_folder
from mpi_coupling.world import World
from tvb_nest.parameters import Parameters, fingerprint, write_parameters
from tvb_nest.tvb_side.brain import Brain
from tvb_nest.tvb_side.monitors import Monitor, Projection, Samples

SUMMARY = "summary.json"
PROFILE, TIMELINE = "profile.json", "timeline.json"
WALL_TIME, BRAIN_RATE = "wall_seconds_per_second", "rate_excitatory_brain_Hz"
"""Numbers in the summary: the cost of the run, and the mean excitatory rate over regions and time."""

RESOLVED = "parameter_resolved.json"
"""All parameters of the run with what follows from them; parameter.json stays as the user wrote it."""

TVB_FOLDER, NEST_FOLDER, CHECKPOINTS = "tvb", "nest", "checkpoints"
NAMES = "names.json"
"""In the folder of the brain: its state variables, the one that is the rate of NEST's regions, and the sensors."""

SUCCESS = ".SUCCESS"
LOGS = "log"
FOLDERS = (NEST_FOLDER, TVB_FOLDER, LOGS, "translation")


def prepare_folder(parameters: Parameters, resume: bool = False) -> IO[Any]:
    """Make room for a run: results of an earlier one are removed, the parameters of this one written.

    Other runs are kept out of the folder as long as the file that is returned is open.

    Args:
        parameters: of the simulation.
        resume: whether the run continues an earlier one; its results then stay.

    Raises:
        UserError: the folder cannot be written, or another run writes there.
    """
    folder = parameters.result_folder
    held = hold_folder(folder)
    try:
        # the mark first: a run that is killed here must not leave it beside results that are gone
        for name in (SUCCESS, SUMMARY, PROFILE, TIMELINE):
            (folder / name).unlink(missing_ok=True)
        for name in () if resume else (*FOLDERS, CHECKPOINTS):
            shutil.rmtree(folder / name, ignore_errors=True)
        write_parameters(parameters.changed({}, folder / RESOLVED), resolved=True)
    except OSError as error:
        raise UserError(f"{error.filename or folder}: results cannot be written there: {error.strerror}") from error
    return held


def is_finished(parameters: Parameters) -> bool:
    """Whether the results are there, of a run with these very parameters."""
    file = parameters.result_folder / SUCCESS
    return file.is_file() and file.read_text() == fingerprint(parameters)


class RunSummary:
    """Numbers of a run by name, which explorations compare.

    Args:
        parameters: of the run, as read.
    """

    def __init__(self, parameters: Parameters) -> None:
        self._folder, self._fingerprint = parameters.result_folder, fingerprint(parameters)
        self._numbers: dict[str, float] = {}

    def add(self, name: str, value: float) -> None:
        """Keep a number."""
        self._numbers[name] = float(value)

    def write(self, job: World) -> None:
        """Write the numbers of all processes and mark the run as finished. Collective."""
        parts: list[dict[str, float]] = job.comm.allgather(self._numbers)

        def finish() -> None:
            together = {name: value for part in parts for name, value in part.items()}
            (self._folder / SUMMARY).write_text(json.dumps(together, indent=2) + "\n")
            write_in_one_step(self._folder / SUCCESS, self._fingerprint)

        job.on_root(finish)


class BrainRecorder:
    """Writes what the monitors see, ``save_time`` ms in each file ``tvb/step_<k>.npy``.

    As in the original a file holds an object array of shape (monitors, samples, 2) with the time (ms) and the state of
    each sample, if all monitors have as many, else one of shape (monitors,) with such arrays.

    Args:
        parameters: of the simulation.
        monitors: by name, in the order of the files.
        brain: whose states are recorded.
    """

    def __init__(self, parameters: Parameters, monitors: Mapping[str, Monitor], brain: Brain) -> None:
        settings = parameters.resolved
        self._folder = parameters.result_folder / TVB_FOLDER
        self._folder.mkdir(parents=True, exist_ok=True)
        self._monitors = monitors
        self._steps = max(1, round(settings.param_tvb_monitor.save_time / settings.param_nest.sim_resolution))
        self._pending: dict[str, list[Samples]] = {name: [] for name in monitors}
        self._step = self._files = 0
        self._rate, self._rate_sum = brain.rate_variable, 0.0
        self._is_mean_field = settings.param_tvb_nest.tvb_model is None
        self._names = brain.state_variables
        self._write_names()

    @property
    def mean_activity(self) -> tuple[str, float]:
        """Mean over regions and time so far, with its name: the excitatory rate (Hz), or the variable of a model."""
        mean = self._rate_sum / max(self._step, 1)
        if self._is_mean_field:
            return BRAIN_RATE, 1e3 * mean
        return f"mean_{self._names[self._rate]}_brain", mean

    def record(self, states: NDArray[np.float64]) -> None:
        """Take the states of a window, shape (steps, variables, regions)."""
        self._rate_sum += float(states[:, self._rate].mean(axis=1).sum())
        first = 0
        while first < len(states):
            last = min(len(states), first + self._steps - self._step % self._steps)
            for name, monitor in self._monitors.items():
                self._pending[name].append(monitor.record(states[first:last]))
            self._step += last - first
            first = last
            if self._step % self._steps == 0:
                self._write()

    def close(self) -> None:
        """Write what is left."""
        if any(self._pending.values()):
            self._write()

    def _write_names(self) -> None:
        """What the axes of the files are."""
        sensors = {name: monitor.labels for name, monitor in self._monitors.items() if isinstance(monitor, Projection)}
        names = {"variables": self._names, "rate": self._names[self._rate], "sensors": sensors}
        (self._folder / NAMES).write_text(json.dumps(names, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")

    def state(self) -> dict[str, NDArray[Any]]:
        """All that is needed to go on from here, bit for bit."""
        own = {"clock": np.array([self._step, self._files]), "rate_sum": np.array(self._rate_sum)}
        return joined({"own": own} | {name: self._monitor_state(name) for name in self._monitors})

    def _monitor_state(self, name: str) -> dict[str, NDArray[Any]]:
        monitor, pending = self._monitors[name], self._pending[name]
        return monitor.state() | {
            "times": np.concatenate([np.empty(0), *(part.times for part in pending)]),
            "values": np.concatenate([np.empty((0, *monitor.sample_shape)), *(part.values for part in pending)]),
        }

    def restore(self, state: Mapping[str, NDArray[Any]]) -> None:
        """Go back to what `state` gave; files that were written after it are removed."""
        own = part_of(state, "own")
        self._step, self._files = (int(number) for number in own["clock"])
        self._rate_sum = float(own["rate_sum"])
        for name, monitor in self._monitors.items():
            part = part_of(state, name)
            monitor.restore(part)
            self._pending[name] = [Samples(part["times"], part["values"])] if len(part["times"]) else []
        for path in self._folder.glob("step_*.npy"):
            if int(path.stem.removeprefix("step_")) >= self._files:
                path.unlink()

    def _write(self) -> None:
        pieces = [_as_objects(samples) for samples in self._pending.values()]
        content = np.empty(len(pieces), dtype=object)
        content[:] = pieces
        if len({len(piece) for piece in pieces}) == 1:
            content = np.array([list(piece) for piece in pieces], dtype=object)
        np.save(self._folder / f"step_{self._files}.npy", content, allow_pickle=True)
        self._pending = {name: [] for name in self._monitors}
        self._files += 1


def _as_objects(samples: list[Samples]) -> NDArray[np.object_]:
    """Time and state of each sample, shape (samples, 2); states have a last axis of modes, of which there is one."""
    rows = [(time, value[..., None]) for part in samples for time, value in zip(part.times, part.values, strict=True)]
    table = np.empty((len(rows), 2), dtype=object)
    for row, (when, state) in enumerate(rows):
        table[row, 0], table[row, 1] = float(when), state
    return table
