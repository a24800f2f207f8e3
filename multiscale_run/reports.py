"""Reports of the coupled simulators: any field that can be read, written before and after each synchronisation.

Where a field lives decides what a report has: neurons and their segments give one value per neuron, vessels one per
vessel segment, the extracellular space one per tetrahedron.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from mpi_coupling.clock import Clock
from mpi_coupling.report import CompartmentReport
from mpi_coupling.world import UserError, World
from multiscale_run.config import SimulationConfig
from multiscale_run.config.schema import Report
from multiscale_run.coupling import NEURONS, SEGMENTS, Transfers
from multiscale_run.coupling.connections import Port
from multiscale_run.simulators import Simulator

SUCCESS = ".SUCCESS"
"""File in the output folder that a finished run leaves."""

CHOSEN = "idxs"
"""Argument by which a report asks for some sites only."""

Moment = Literal["before_sync", "after_sync"]


@dataclass(frozen=True)
class _Report:
    simulator: str
    moment: Moment
    port: Port
    domain: str
    file: CompartmentReport
    is_mine: bool
    """Whether this rank has columns; of what all ranks hold the root alone reports."""


class SimulatorReports:
    """The reports of the configuration's ``multiscale_run.reports`` section.

    Row k holds the values at k periods of the simulator; row 0 the state after the first exchange.

    Args:
        config: the simulation's configuration.
        world: the ranks.
        clock: ticks and milliseconds.
        simulators: active simulators by name; reports of others are left out.
        populations: SONATA population of the sites of a domain; others are called as the domain.
        transfers: carry the values to the neurons.
        resume_tick: up to which the files of an earlier run are kept; None begins new files.

    Raises:
        UserError: a file cannot be written, or a report asks for sites that do not exist.
    """

    def __init__(
        self,
        config: SimulationConfig,
        world: World,
        clock: Clock,
        simulators: dict[str, Simulator],
        populations: dict[str, str],
        transfers: Transfers,
        resume_tick: int | None = None,
    ) -> None:
        self._config, self._world, self._clock = config, world, clock
        self._populations, self._transfers, self._resume_tick = populations, transfers, resume_tick
        self._periods = {name: simulator.period for name, simulator in simulators.items()}
        self._reports = [
            self._open(simulator, key, settings)
            for name, simulator in simulators.items()
            for key, settings in getattr(config.multiscale_run.reports, name).items()
        ]

    def record(self, simulator: str, moment: Moment, tick: int) -> None:
        """Take one row of every report of a simulator that belongs to this moment; none off the simulator's period."""
        if tick % self._periods[simulator]:
            return  # the short last step of a run
        for report in self._reports:
            if (report.simulator, report.moment) == (simulator, moment):
                values = self._transfers.transfer(report.port.read(), report.domain).values
                report.file.append(values if report.is_mine else values[:0])

    def flush(self) -> None:
        """Bring all recorded rows to disk. Collective."""
        for report in self._reports:
            report.file.flush()

    def _open(self, simulator: Simulator, key: str, settings: Report) -> _Report:
        place = f"multiscale_run.reports.{simulator.name}.{key}"
        port = Port.of(simulator, settings.src_get_func, settings.src_get_kwargs, reader=place)
        domain = NEURONS if port.field.domain == SEGMENTS else port.field.domain
        if domain not in self._transfers.domains:
            raise UserError(f"{place}: this run has no {domain}, on which {settings.src_get_func} lives")
        sites = self._transfers.domains[domain]
        ids = _chosen(sites.ids, settings.src_get_kwargs, place)
        is_mine = sites.distributed or self._world.is_root
        period = simulator.period
        file = CompartmentReport.per_node(
            self._world,
            self._config.output_dir / settings.file_name,
            self._populations.get(domain, domain),
            node_ids=ids if is_mine else ids[:0],
            start_ms=0.0,
            stop_ms=self._clock.ms((self._clock.stop // period + 1) * period),
            step_ms=self._clock.ms(period),
            unit=settings.unit,
            resume_from_step=None if self._resume_tick is None else self._resume_tick // period + 1,
        )
        return _Report(simulator.name, settings.when, port, domain, file, is_mine)


def _chosen(ids: np.ndarray, arguments: dict[str, Any], place: str) -> np.ndarray:
    """The sites that a report asks for."""
    chosen = arguments.get(CHOSEN)
    if chosen is None:
        return ids
    unknown = sorted(set(chosen) - set(ids.tolist()))
    if unknown:
        raise UserError(f"{place}.src_get_kwargs.{CHOSEN}: there is no site {unknown[0]}; ids are 0 to {len(ids) - 1}")
    return np.array(chosen, dtype=np.int64)
