"""A simulation folder whose result files are written by the suite's own writers, with numbers that tests know."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mpi_coupling.report import CompartmentReport
from mpi_coupling.spikes import SpikeWriter
from mpi_coupling.world import World
from multiscale_run.setup_folder import CircuitRequest, write_simulation

N_NEURONS = 10
SECTIONS = [0, 1, 1, 2]
"""Of the four reported compartments of every neuron."""
TIMES = {"start_ms": 0.0, "stop_ms": 1000.0, "step_ms": 100.0}


class Folder:
    """A simulation folder that has results."""

    def __init__(self, path: Path) -> None:
        self.path, self.results, self.world = path, path / "RESULTS", World.start()
        self.results.mkdir(exist_ok=True)

    def configure(self, change: Callable[[dict[str, Any]], Any]) -> Folder:
        """Edit simulation_config.json."""
        file = self.path / "simulation_config.json"
        settings = json.loads(file.read_text())
        change(settings)
        file.write_text(json.dumps(settings))
        return self

    def compartments(self, name: str, rows: np.ndarray, **options: Any) -> Folder:
        """A report of four compartments per neuron; `rows` has the shape (rows written, 40)."""
        counts = np.full(N_NEURONS, len(SECTIONS))
        sections = np.tile(SECTIONS, N_NEURONS)
        settings = TIMES | {"unit": "mM"} | options
        file = self.results / f"{name}.h5"
        with CompartmentReport(
            self.world, file, "neurons", np.arange(N_NEURONS), counts, sections, **settings
        ) as report:
            for row in rows:
                report.append(row)
        return self

    def per_node(self, name: str, rows: np.ndarray, population: str = "neurons", **options: Any) -> Folder:
        """A report of one value per node; `rows` has the shape (rows written, nodes)."""
        settings = TIMES | {"unit": "mM"} | options
        ids = np.arange(np.shape(rows)[1])
        with CompartmentReport.per_node(self.world, self.results / f"{name}.h5", population, ids, **settings) as report:
            for row in rows:
                report.append(row)
        return self

    def spikes(self, times: list[float], neurons: list[int]) -> Folder:
        """The file of spikes."""
        with SpikeWriter(self.world, self.results / "out.h5", ["neurons"]) as writer:
            writer.append("neurons", times, neurons)
        return self


@pytest.fixture(scope="session")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What init writes; do not change it."""
    folder = tmp_path_factory.mktemp("analysis") / "simulation"
    write_simulation(folder, CircuitRequest.from_options("tiny", None, None, 1, None))
    return folder


@pytest.fixture
def folder(template: Path, tmp_path: Path) -> Folder:
    """A copy of the simulation without results."""
    return Folder(Path(shutil.copytree(template, tmp_path / "simulation")))


@pytest.fixture
def rows() -> np.ndarray:
    """Ten rows of forty different values."""
    return np.arange(400.0).reshape(10, 40) / 7
