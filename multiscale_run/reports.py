"""Reports with one value per neuron: fields of any simulator, written before and after each synchronisation."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from mpi_coupling.clock import Clock
from mpi_coupling.report import CompartmentReport
from mpi_coupling.world import World
from multiscale_run.config import SimulationConfig
from multiscale_run.coupling import NEURONS, Transfers
from multiscale_run.coupling.connections import Port
from multiscale_run.simulators import NeuronSimulator, Simulator

SUCCESS = ".SUCCESS"
"""File in the output folder that a finished run leaves."""

Moment = Literal["before_sync", "after_sync"]


@dataclass(frozen=True)
class _Report:
    simulator: str
    moment: Moment
    port: Port
    file: CompartmentReport


class SimulatorReports:
    """The reports of the configuration's ``multiscale_run.reports`` section.

    Row k holds the values at k periods of the simulator; row 0 the state after the first exchange.

    Args:
        config: the simulation's configuration.
        world: the ranks.
        clock: ticks and milliseconds.
        simulators: active simulators by name; reports of others are left out.
        neurons: whose neurons the rows belong to.
        transfers: carry the values to the neurons.
    """

    def __init__(
        self,
        config: SimulationConfig,
        world: World,
        clock: Clock,
        simulators: dict[str, Simulator],
        neurons: NeuronSimulator,
        transfers: Transfers,
    ) -> None:
        self._transfers = transfers
        self._periods = {name: simulator.period for name, simulator in simulators.items()}
        self._reports = [
            _Report(
                simulator=name,
                moment=settings.when,
                port=Port.of(
                    simulators[name],
                    settings.src_get_func,
                    settings.src_get_kwargs,
                    reader=f"multiscale_run.reports.{name}.{key}",
                ),
                file=CompartmentReport.per_node(
                    world,
                    config.output_dir / settings.file_name,
                    neurons.population,
                    node_ids=neurons.alive.neuron_ids,
                    start_ms=0.0,
                    stop_ms=clock.ms((clock.stop // simulators[name].period + 1) * simulators[name].period),
                    step_ms=clock.ms(simulators[name].period),
                    unit=settings.unit,
                ),
            )
            for name in simulators
            for key, settings in getattr(config.multiscale_run.reports, name).items()
        ]

    def record(self, simulator: str, moment: Moment, tick: int) -> None:
        """Take one row of every report of a simulator that belongs to this moment; none off the simulator's period."""
        if tick % self._periods[simulator]:
            return  # the short last step of a run
        for report in self._reports:
            if (report.simulator, report.moment) == (simulator, moment):
                report.file.append(self._transfers.transfer(report.port.read(), NEURONS).values)

    def flush(self) -> None:
        """Bring all recorded rows to disk. Collective."""
        for report in self._reports:
            report.file.flush()
