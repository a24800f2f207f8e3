"""The tiny circuit, built once, and access to its files."""

from dataclasses import dataclass
from pathlib import Path

import h5py
import libsonata
import numpy as np
import pytest

from multiscale_run.circuits import CircuitSummary, build_circuit, named_circuit

CHEMICAL = "neurons__neurons__chemical"


@dataclass(frozen=True)
class BuiltCircuit:
    folder: Path
    summary: CircuitSummary

    @property
    def config(self) -> libsonata.CircuitConfig:
        return libsonata.CircuitConfig.from_file(self.summary.config)

    def nodes(self, population: str, *attributes: str) -> list[np.ndarray]:
        nodes = self.config.node_population(population)
        return [np.asarray(nodes.get_attribute(name, nodes.select_all())) for name in attributes]

    def edges(self, population: str, *attributes: str) -> list[np.ndarray]:
        edges = self.config.edge_population(population)
        everything = edges.select_all()
        ends = {"source": edges.source_nodes, "target": edges.target_nodes}
        return [
            np.asarray(ends[name](everything) if name in ends else edges.get_attribute(name, everything))
            for name in attributes
        ]

    def positions(self, population: str) -> np.ndarray:
        return np.stack(self.nodes(population, "x", "y", "z"), axis=1).astype(float)

    def hdf5(self, name: str) -> h5py.File:
        return h5py.File(self.folder / name, "r")


@pytest.fixture(scope="session")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> BuiltCircuit:
    folder = tmp_path_factory.mktemp("tiny")
    return BuiltCircuit(folder, build_circuit(folder, named_circuit("tiny")))
