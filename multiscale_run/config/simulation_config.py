"""A configuration that has been read and found in order."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from mpi_coupling.settings.json_file import merge
from mpi_coupling.settings.problems import Finding, Note, Problem
from multiscale_run.config.cross_checks.timing import periods
from multiscale_run.config.document import SECTION, Document
from multiscale_run.config.legacy import IgnoredKey
from multiscale_run.config.schema import SIMULATORS, MultiscaleRun, Run, Simulator
from multiscale_run.config.view import ConfigView


@dataclass(frozen=True)
class SimulationConfig:
    """Everything a run needs to know, from simulation_config.json and its parents.

    Attributes:
        file: the file that was read, absolute.
        document: its merged content, with references resolved and ignored keys taken out.
        run: SONATA's time and seed.
        multiscale_run: our section.
        output_dir: folder of the results, absolute.
        network: the circuit_config.json, absolute.
        node_sets_file: absolute; the circuit's own where the configuration names none.
        notes: what the user should know.
        ignored_keys: keys of the original that are accepted and have no effect.
        raw: merged content as written, without ``parent_config_path``; what programs that know only SONATA are given.
    """

    file: Path
    document: Document
    run: Run
    multiscale_run: MultiscaleRun
    output_dir: Path
    network: Path
    node_sets_file: Path
    notes: tuple[Note, ...]
    ignored_keys: tuple[IgnoredKey, ...]
    raw: Mapping[str, Any]

    @property
    def folder(self) -> Path:
        """The simulation folder, absolute."""
        return self.document.folder

    @property
    def active_simulators(self) -> tuple[Simulator, ...]:
        """Simulators that take part, in the order in which they advance; neurons always do."""
        return self.multiscale_run.active_simulators

    @property
    def external_simulators(self) -> tuple[Simulator, ...]:
        """Those of them that other packages bring along."""
        return tuple(name for name in self.active_simulators if name not in SIMULATORS)

    def periods(self) -> dict[Simulator, int]:
        """Period of each active simulator in ticks (time steps of run.dt); that of the neurons divides the others."""
        return periods(self.multiscale_run)

    def problem(self, finding: Finding) -> Problem:
        """Complete a later finding (of a registry, of a circuit) with its file and value."""
        return self.document.problem(finding)

    def attribute_view(self) -> ConfigView:
        """The configuration as expressions see it: attribute access, read-only, defaults included."""
        return self._view

    @cached_property
    def _view(self) -> ConfigView:
        return ConfigView(merge(self.raw, {**self.document.data, SECTION: self.multiscale_run.model_dump()}))
