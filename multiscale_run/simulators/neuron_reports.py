"""SONATA reports of neurons: range variables sampled while NEURON runs, written by our own writer.

Neurodamus writes reports only through libsonatareport, a C++ library that no package index holds.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import libsonata
import numpy as np

from mpi_coupling.report import CompartmentReport
from mpi_coupling.world import UserError, World
from multiscale_run.config import SimulationConfig
from multiscale_run.simulators.neurons import NeuronSimulator
from multiscale_run.simulators.reported_variables import ReportedVariable

TIME_TOLERANCE = 1e-6
"""Part of a report's step by which its times may be rounded."""

TYPES = ("compartment", "summation")


class SegmentReport:
    """One report of the configuration's ``reports`` section.

    Args:
        neurons: the simulator whose segments are reported.
        world: the ranks.
        config: the simulation's configuration.
        name: the report's key.
        settings: the report's block, as in the SONATA simulation file.
        resume_ms: time up to which the file of an earlier run is kept; None begins a new file.
    """

    def __init__(
        self,
        neurons: NeuronSimulator,
        world: World,
        config: SimulationConfig,
        name: str,
        settings: Mapping[str, Any],
        resume_ms: float | None,
    ) -> None:
        self._h = neurons.h
        self._variable = ReportedVariable(neurons.segments, neurons.h, settings["variable_name"])
        self._is_sum = settings["type"] == "summation"
        self._columns, owner = self._select(neurons, config, settings)
        is_by_area = self._is_sum and settings.get("scaling", "area") == "area"
        self._read = self._variable.amounts if is_by_area else self._variable.read
        ids, counts = np.unique(neurons.alive.neuron_ids[owner], return_counts=True)
        self._starts = np.concatenate([[0], np.cumsum(counts)[:-1]]).astype(np.intp)
        self._start, self._step = float(settings["start_time"]), float(settings["dt"])
        self._stop = min(float(settings["end_time"]), config.run.tstop)
        self._file = CompartmentReport(
            world,
            config.output_dir / f"{settings.get('file_name', name).removesuffix('.h5')}.h5",
            neurons.population,
            node_ids=ids,
            counts=np.ones(len(ids), dtype=int) if self._is_sum else counts,
            element_ids=np.zeros(len(ids), dtype=int) if self._is_sum else neurons.segments.section_ids[self._columns],
            start_ms=self._start,
            stop_ms=self._stop,
            step_ms=self._step,
            unit=settings.get("unit", ""),
            resume_from_step=None if resume_ms is None else self._rows_until(resume_ms),
        )
        self._rows: list[np.ndarray] = []
        self._sampled = self._file.next_step
        neurons.recorders.append(self)

    def _select(
        self, neurons: NeuronSimulator, config: SimulationConfig, settings: Mapping[str, Any]
    ) -> tuple[np.ndarray, np.ndarray]:
        """Indices of the reported segments, and the local neuron of each."""
        segments = neurons.segments
        node_sets = libsonata.NodeSets.from_file(str(config.node_sets_file))
        with_circuit = libsonata.CircuitConfig.from_file(str(config.network))
        target = settings.get("cells", config.raw.get("node_set"))
        chosen = node_sets.materialize(target, with_circuit.node_population(neurons.population)).flatten()
        kept = np.isin(neurons.alive.neuron_ids, chosen)[segments.owner]
        # a sum is always that of the whole cell, be it 0; SONATA places it at the soma
        if not self._is_sum:
            kept &= self._variable.present
        sections = "all" if self._is_sum else settings.get("sections", "soma")
        if sections != "all":
            kept &= segments.sections == sections
        default = "center" if sections == "soma" else "all"
        if not self._is_sum and settings.get("compartments", default) == "center":
            kept &= segments.is_centre
        columns = np.flatnonzero(kept)
        return columns, segments.owner[columns]

    def flush(self) -> None:
        """Bring all sampled rows to disk. Collective."""
        for row in self._rows:
            self._file.append(row)
        self._rows.clear()
        self._file.flush()

    def schedule(self, start_ms: float, stop_ms: float) -> None:
        """Have NEURON take the rows that lie between two times while it goes from one to the other."""
        for row in range(self._rows_until(start_ms), self._rows_until(stop_ms)):
            time = self._start + row * self._step
            if time < stop_ms - TIME_TOLERANCE * self._step:
                self._h.cvode.event(time, self._sample)

    def sample_until(self, time_ms: float) -> None:
        """Take the row of the present time, if there is one; all earlier ones have been taken."""
        if self._sampled < self._rows_until(time_ms):
            self._sample()

    def _rows_until(self, time_ms: float) -> int:
        """Number of rows up to a time, that of the time itself included."""
        rows = math.floor((time_ms - self._start) / self._step + TIME_TOLERANCE) + 1
        most = math.ceil((self._stop - self._start) / self._step - TIME_TOLERANCE)
        return max(0, min(rows, most))

    def _sample(self) -> None:
        values = self._read()[self._columns]
        if self._is_sum and values.size:
            values = np.add.reduceat(values, self._starts)
        self._rows.append(values)
        self._sampled += 1


def build_reports(
    neurons: NeuronSimulator, world: World, config: SimulationConfig, resume_ms: float | None = None
) -> list[SegmentReport]:
    """The neuron reports of a configuration, which the neurons keep up to date from now on.

    Args:
        neurons: the simulator whose segments are reported.
        world: the ranks.
        config: the simulation's configuration.
        resume_ms: time up to which the files of an earlier run are kept; None begins new files.

    Raises:
        UserError: a report asks for a variable that no neuron has, for no time, or for a type that is not written.
    """
    reports = []
    for name, settings in config.raw.get("reports", {}).items():
        if settings.get("enabled", True):
            _refuse(name, settings, neurons, world, config)
            reports.append(SegmentReport(neurons, world, config, name, settings, resume_ms))
    return reports


def _refuse(
    name: str, settings: Mapping[str, Any], neurons: NeuronSimulator, world: World, config: SimulationConfig
) -> None:
    """Say what is wrong with a report that cannot be written. Collective."""
    if settings["type"] not in TYPES:
        raise UserError(
            f"reports.{name}.type = {settings['type']!r}: reports of this type are not written; use {TYPES}"
        )
    if not settings["start_time"] < min(settings["end_time"], config.run.tstop):
        raise UserError(f"reports.{name}.start_time = {settings['start_time']}: must be before end_time and run.tstop")
    variable = settings["variable_name"]
    if not world.any(ReportedVariable(neurons.segments, neurons.h, variable).is_known):
        raise UserError(
            f"reports.{name}.variable_name: no neuron has a variable {variable!r}; NEURON's names are meant, such as "
            "v, nai, nakpump.ipump, or a point process such as IClamp"
        )
