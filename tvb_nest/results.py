"""The results of a run, ours or the original's, as arrays with names, units and coordinates."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from mpi_coupling.failure import UserError
from tvb_nest import sensing
from tvb_nest.nest_side.output_files import recorder_files
from tvb_nest.parameters import Parameters, read_parameters
from tvb_nest.parameters.tvb import STATE_VARIABLES
from tvb_nest.recording import NAMES, NEST_FOLDER, RESOLVED, SUCCESS, SUMMARY, TVB_FOLDER

UNITS = {"E": "kHz", "I": "kHz", "C_ee": "kHz2", "C_ei": "kHz2", "C_ii": "kHz2", "W_e": "pA", "W_i": "pA"}
"""Of the mean field's state variables."""

MONITORS = ("Raw", "TemporalAverage", "Bold", *sensing.NAMES)
"""In the order of the files; only those that are switched on are in them."""


@dataclass(frozen=True)
class Results:
    """The result folder of a simulation.

    Attributes:
        folder: the folder.
    """

    folder: Path

    @classmethod
    def of(cls, path: Path | str) -> Results:
        """The results of a simulation folder or parameter file.

        Raises:
            UserError: nothing was computed yet.
        """
        results = cls(read_parameters(path).result_folder)
        if not any((results.folder / name).is_dir() for name in (TVB_FOLDER, NEST_FOLDER)):
            raise UserError(f"no results in {results.folder}; run: tvb-nest run {path}")
        return results

    @property
    def is_finished(self) -> bool:
        """Whether the run came to its end."""
        return (self.folder / SUCCESS).exists()

    @cached_property
    def parameters(self) -> Parameters:
        """The parameters of the run, all of them."""
        resolved = self.folder / RESOLVED
        return read_parameters(resolved if resolved.exists() else self.folder)

    @cached_property
    def summary(self) -> dict[str, float]:
        """Numbers of the run by name; empty for an unfinished one."""
        file = self.folder / SUMMARY
        return json.loads(file.read_text()) if file.exists() else {}

    def monitor(self, name: str) -> xr.DataArray:
        """What a monitor saw: dimensions time (ms), variable and region; for sensors time and sensor.

        Raises:
            UserError: the monitor was off, or the run ended before its first sample.
        """
        settings = self.parameters.resolved.param_tvb_monitor
        on = [*sensing.active(self.parameters), *(other for other in MONITORS if getattr(settings, other, False))]
        active = [monitor for monitor in MONITORS if monitor in on]
        if name not in active:
            raise UserError(f"the monitor {name} was off; on were: {', '.join(active) or 'none'}")
        rows = [row for file in self._files() for row in _rows(file, active.index(name))]
        values, times = np.array([state[..., 0] for _, state in rows]), [time for time, _ in rows]
        if name in sensing.NAMES:
            labels = self._names.get("sensors", {}).get(name) or list(map(str, range(values.shape[-1])))
            coordinates = {"time": times, "sensor": labels}
            return xr.DataArray(values.reshape(len(times), len(labels)), coordinates, ("time", "sensor"), name=name)
        if not rows:
            raise UserError(f"{self.folder}: the monitor {name} has no sample; its period is longer than the run")
        names = self._variables(name, values.shape[1])
        return xr.DataArray(
            values,
            dims=("time", "variable", "region"),
            coords={"time": times, "variable": names, "region": np.arange(values.shape[2])},
            name=name,
            attrs={"units": {variable: self._unit(variable) for variable in names}},
        )

    @property
    def rate_variable(self) -> str:
        """The state variable of the brain that is the rate of NEST's regions."""
        return str(self._names.get("rate", STATE_VARIABLES[1][0]))

    @property
    def is_mean_field(self) -> bool:
        """Whether the brain is the mean field, whose rates are in kHz, and not another model."""
        return self.parameters.resolved.param_tvb_nest.tvb_model is None

    def recording(self, label: str) -> dict[str, NDArray[Any]]:
        """A recording of NEST by its label: the columns of its file by name (sender, time_ms, V_m ...).

        Raises:
            UserError: there is none of this label.
        """
        found = sorted((self.folder / NEST_FOLDER).glob(recorder_files(label)))
        if not found:
            labels = sorted({path.name.rsplit("-", 2)[0] for path in (self.folder / NEST_FOLDER).glob("*.dat")})
            raise UserError(f"{self.folder / NEST_FOLDER}: no recording {label!r}; there are {', '.join(labels)}")
        tables = [_table(path) for path in found]
        return {name: np.concatenate([table[name] for table in tables]) for name in tables[0]}

    @property
    def spike_labels(self) -> list[str]:
        """Labels of the spike recordings."""
        background = self.parameters.resolved.param_nest_background
        if not (background.record_spike and (self.folder / NEST_FOLDER).is_dir()):
            return []
        return list(background.record_spike_list)

    def _files(self) -> list[Path]:
        files = (self.folder / TVB_FOLDER).glob("step_[0-9]*.npy")
        return sorted(files, key=lambda path: int(path.stem.removeprefix("step_")))

    @cached_property
    def _names(self) -> dict[str, Any]:
        """What the axes are; the original's results do not say it."""
        file = self.folder / TVB_FOLDER / NAMES
        return json.loads(file.read_text(encoding="utf-8")) if file.exists() else {}

    def _unit(self, variable: str) -> str:
        return UNITS.get(variable, "") if self.is_mean_field else ""

    def _variables(self, monitor: str, count: int) -> list[str]:
        resolved = self.parameters.resolved
        all_names = self._names.get("variables") or [*STATE_VARIABLES[resolved.param_tvb_model.order], "ou_drift"]
        if monitor == "Raw":
            return [*all_names, *map(str, range(len(all_names), count))][:count]
        return [all_names[k] for k in getattr(resolved.param_tvb_monitor, f"parameter_{monitor}").variables_of_interest]


def _rows(file: Path, index: int) -> NDArray[Any]:
    """Time and state of each sample of a monitor in a file."""
    return np.load(file, allow_pickle=True)[index]


def _table(path: Path) -> dict[str, NDArray[Any]]:
    with path.open() as file:
        lines = file.readlines()
    if lines and not lines[-1].endswith("\n"):  # a run that goes on, or was killed, while it wrote this line
        del lines[-1]
    header = next((k for k, line in enumerate(lines) if line.startswith("sender")), None)
    if header is None:
        return dict.fromkeys(("sender", "time_ms"), np.empty(0))
    names = lines[header].split()
    values = np.array([line.split() for line in lines[header + 1 :]], dtype=float).reshape(-1, len(names))
    return dict(zip(names, values.T, strict=True))
