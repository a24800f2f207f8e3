"""The analysis library of the field opens our results through a simulation configuration, as its users do."""

from __future__ import annotations

import json
from pathlib import Path

import bluepysnap
import h5py
import numpy as np
import pytest

from mpi_coupling import CompartmentReport, SpikeWriter, World


@pytest.fixture
def simulation(world: World, tmp_path: Path) -> bluepysnap.Simulation:
    """A circuit of three nodes without morphologies, and the results of a run of two steps."""
    with h5py.File(tmp_path / "nodes.h5", "w") as file:
        nodes = file.create_group("nodes/neurons")
        nodes["node_type_id"] = np.full(3, -1)
        nodes["0/model_type"] = np.array([b"virtual"] * 3)
    node_population = {"nodes_file": "nodes.h5", "populations": {"neurons": {"type": "virtual"}}}
    write_json(tmp_path / "circuit_config.json", {"networks": {"nodes": [node_population], "edges": []}})
    write_json(tmp_path / "node_sets.json", {"All": {"population": "neurons"}})
    report = {"type": "compartment", "variable_name": "v", "dt": 0.5, "start_time": 0, "end_time": 1}
    write_json(
        tmp_path / "simulation_config.json",
        {
            "version": 1,
            "network": "circuit_config.json",
            "node_sets_file": "node_sets.json",
            "node_set": "All",
            "run": {"tstop": 1.0, "dt": 0.5, "random_seed": 1},
            "output": {"output_dir": "RESULTS", "spikes_file": "spikes.h5"},
            "reports": {"v": {**report, "sections": "all"}, "atp": {**report, "sections": "soma"}},
        },
    )
    write_results(world, tmp_path / "RESULTS")
    return bluepysnap.Simulation(tmp_path / "simulation_config.json")


def write_json(path: Path, content: dict) -> None:
    path.write_text(json.dumps(content))


def write_results(world: World, folder: Path) -> None:
    times = {"start_ms": 0, "stop_ms": 1, "step_ms": 0.5}
    with CompartmentReport(world, folder / "v.h5", "neurons", [2, 0], [1, 2], [0, 0, 3], unit="mV", **times) as v:
        v.append([-62, -60, -63])
        v.append([-52, -50, -53])
    with CompartmentReport.per_node(world, folder / "atp.h5", "neurons", [2, 0], unit="mM", **times) as atp:
        atp.append([1.2, 1.0])
        atp.append([1.3, 1.1])
    with SpikeWriter(world, folder / "spikes.h5") as spikes:
        spikes.append("neurons", [0.7, 0.2], [0, 2])


def test_compartment_report(simulation: bluepysnap.Simulation) -> None:
    report = simulation.reports["v"]
    assert (report.data_units, report.time_units, report.dt) == ("mV", "ms", 0.5)
    frame = report["neurons"].get()
    assert list(frame.columns) == [(0, 0), (0, 3), (2, 0)]
    np.testing.assert_array_equal(frame.to_numpy(), [[-60, -63, -62], [-50, -53, -52]])
    np.testing.assert_array_equal(frame.index, [0.0, 0.5])


def test_per_node_report_as_soma_report(simulation: bluepysnap.Simulation) -> None:
    frame = simulation.reports["atp"]["neurons"].get()
    assert list(frame.columns) == [0, 2]
    np.testing.assert_allclose(frame.to_numpy(), [[1.0, 1.2], [1.1, 1.3]], rtol=1e-6)


def test_spikes(simulation: bluepysnap.Simulation) -> None:
    spikes = simulation.spikes["neurons"].get()
    assert list(spikes.items()) == [(0.2, 2), (0.7, 0)]
