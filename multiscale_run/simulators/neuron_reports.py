"""SONATA reports of neurons: range variables sampled while NEURON runs, written by our own writer.

Neurodamus writes reports only through libsonatareport, a C++ library that no package index holds.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import libsonata
import numpy as np

from mpi_coupling.report import CompartmentReport
from mpi_coupling.world import UserError, World
from multiscale_run.config import SimulationConfig
from multiscale_run.simulators.neurons import NeuronSimulator

NANOAMPERE = 1e-2
"""mA/cm2 * um2 -> nA."""

SECTION_NAMES = {"soma": "soma", "axon": "axon", "dend": "dend", "apic": "apic"}


class SegmentReport:
    """One report of the configuration's ``reports`` section.

    Args:
        neurons: the simulator whose segments are reported.
        world: the ranks.
        config: the simulation's configuration.
        name: the report's key.
        settings: the report's block, as in the SONATA simulation file.
    """

    def __init__(
        self, neurons: NeuronSimulator, world: World, config: SimulationConfig, name: str, settings: Mapping[str, Any]
    ) -> None:
        self._h = neurons.h
        self._variable = neurons.segments.variable(settings["variable_name"].replace(".", "_"))
        self._columns, owner = self._select(neurons, config, settings)
        self._is_sum = settings["type"] == "summation"
        self._scale = self._scaling(neurons, settings)
        ids, counts = np.unique(neurons.alive.neuron_ids[owner], return_counts=True)
        self._starts = np.concatenate([[0], np.cumsum(counts)[:-1]]).astype(np.intp)
        elements = np.zeros(len(ids), dtype=int) if self._is_sum else neurons.segments.section_ids[self._columns]
        self._start, self._step = float(settings["start_time"]), float(settings["dt"])
        stop = min(float(settings["end_time"]), config.run.tstop)
        self._n_steps = round((stop - self._start) / self._step)
        self._sampled = 0
        self._file = CompartmentReport(
            world,
            config.output_dir / settings.get("file_name", f"{name}.h5"),
            neurons.population,
            node_ids=ids,
            counts=np.ones(len(ids), dtype=int) if self._is_sum else counts,
            element_ids=elements,
            start_ms=self._start,
            stop_ms=self._start + self._n_steps * self._step,
            step_ms=self._step,
            unit=settings.get("unit", ""),
        )
        self._rows: list[np.ndarray] = []
        self._handler = self._h.FInitializeHandler(2, self._begin)

    def _select(
        self, neurons: NeuronSimulator, config: SimulationConfig, settings: Mapping[str, Any]
    ) -> tuple[np.ndarray, np.ndarray]:
        """Indices of the reported segments, and the local neuron of each."""
        segments = neurons.segments
        node_sets = libsonata.NodeSets.from_file(str(config.node_sets_file))
        with_circuit = libsonata.CircuitConfig.from_file(str(config.network))
        target = settings.get("cells", config.raw.get("node_set"))
        chosen = node_sets.materialize(target, with_circuit.node_population(neurons.population)).flatten()
        kept = self._variable.present & np.isin(neurons.alive.neuron_ids, chosen)[segments.owner]
        sections = settings.get("sections", "soma")
        if sections != "all":
            kept &= segments.sections == SECTION_NAMES[sections]
        if settings.get("compartments", "center" if sections == "soma" else "all") == "center":
            kept &= segments.is_centre
        columns = np.flatnonzero(kept)
        return columns, segments.owner[columns]

    def _scaling(self, neurons: NeuronSimulator, settings: Mapping[str, Any]) -> np.ndarray | float:
        is_density = settings.get("unit", "") == "nA" and settings.get("scaling", "area") == "area"
        return NANOAMPERE * neurons.segments.area[self._columns] if is_density else 1.0

    def flush(self) -> None:
        """Bring all sampled rows to disk. Collective."""
        for row in self._rows:
            self._file.append(row)
        self._rows.clear()
        self._file.flush()

    def _begin(self) -> None:
        """Start over: NEURON has just been initialised, all currents are known."""
        self._rows.clear()
        self._sampled = 0
        if self._n_steps == 0:
            return
        if self._start > 0:
            self._h.cvode.event(self._start, self._sample)
        else:
            self._sample()

    def _sample(self) -> None:
        values = self._variable.read()[self._columns] * self._scale
        if self._is_sum and values.size:
            values = np.add.reduceat(values, self._starts)
        self._rows.append(values)
        self._sampled += 1
        if self._sampled < self._n_steps:
            self._h.cvode.event(self._start + self._sampled * self._step, self._sample)


def build_reports(neurons: NeuronSimulator, world: World, config: SimulationConfig) -> list[SegmentReport]:
    """The neuron reports of a configuration, recording from the next initialisation on.

    Raises:
        UserError: a report asks for a variable that no neuron has.
    """
    reports = []
    for name, settings in config.raw.get("reports", {}).items():
        if not settings.get("enabled", True):
            continue
        variable = settings["variable_name"].replace(".", "_")
        if not world.any(bool(neurons.segments.variable(variable).present.any())):
            raise UserError(f"reports.{name}.variable_name: no neuron has a variable {variable!r}")
        reports.append(SegmentReport(neurons, world, config, name, settings))
    return reports
