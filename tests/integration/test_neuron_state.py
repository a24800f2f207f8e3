"""A model of NEURON restored in a new process goes on with the same bits, on 1, 2 and 3 ranks, one of them empty."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

pytest.importorskip("neurodamus", reason="neurodamus is not installed")

PROGRAM = Path(__file__).with_name("neuron_state_driver.py")
WINDOW = {"delay": 2.0, "duration": 1000.0, "node_set": "Neurons"}
CURRENT = {**WINDOW, "input_type": "current_clamp"}
INPUTS = {
    "noise": {**CURRENT, "module": "noise", "mean": 0.01, "variance": 0.001},
    "pulse": {**CURRENT, "module": "pulse", "amp_start": 0.4, "width": 2.0, "frequency": 40.0},
    "shots": {
        **CURRENT,
        **{"module": "shot_noise", "rise_time": 0.4, "decay_time": 4.0, "rate": 300.0},
        **{"amp_mean": 0.03, "amp_var": 0.001},
    },
    "conductance": {
        **{**WINDOW, "input_type": "conductance", "module": "ornstein_uhlenbeck", "reversal": 0.0},
        **{"mean": 0.001, "sigma": 0.001, "tau": 3.0},
    },
    "clamp": {
        **WINDOW,
        "delay": 0.0,
        "node_set": "One",
        "input_type": "voltage_clamp",
        "module": "seclamp",
        "voltage": -60.0,
    },
    "replay": {**WINDOW, "input_type": "spikes", "module": "synapse_replay", "spike_file": "spikes.h5"},
}
NODE_SETS = {
    "One": {"population": "neurons", "node_id": [4]},
    "TwoNeurons": {"population": "neurons", "node_id": [3, 4]},
    "TwoAstrocytes": {"population": "astrocytes", "node_id": [0, 1]},
    "Few": ["TwoNeurons", "TwoAstrocytes"],
}
FILES = [
    *("whole/0", "whole/10", "whole/25.3", "whole/35"),
    *("resumed/0", "resumed/10", "resumed/25.3", "resumed/35", "resumed_again/25.3", "resumed_again/35"),
]
Run = Callable[..., subprocess.CompletedProcess]


@pytest.fixture
def simulation(tiny: Callable[..., Any]) -> Path:
    """The tiny circuit with every kind of input, replayed spikes and spontaneous miniatures."""

    def demanding(settings: dict[str, Any]) -> None:
        settings["reports"] = {}
        settings["inputs"].update(INPUTS)
        settings["inputs"]["background"]["delay"] = 0.0
        minis = {"name": "minis", "source": "Neurons", "target": "Neurons", "spont_minis": 30.0}
        settings["connection_overrides"] = [minis]

    folder = tiny(demanding).path
    node_sets = json.loads((folder / "node_sets.json").read_text())
    (folder / "node_sets.json").write_text(json.dumps(node_sets | NODE_SETS))
    random = np.random.default_rng(0)
    with h5py.File(folder / "spikes.h5", "w") as file:
        group = file.create_group("spikes/neurons")
        group["timestamps"] = np.sort(random.uniform(0, 100, 200))
        group["timestamps"].attrs["units"] = "ms"
        group["node_ids"] = random.integers(0, 10, 200).astype(np.uint64)
        order = h5py.enum_dtype({"none": 0, "by_id": 1, "by_time": 2}, basetype=np.uint8)
        group.attrs.create("sorting", 2, dtype=order)
    return folder


@pytest.fixture
def run(simulation: Path, tmp_path: Path, tools: Mapping[str, Any]) -> Run:
    """Runs the program with its arguments; results go to a folder of the given name."""

    def launch(name: str, origin: str, *stops: str, ranks: int = 1) -> subprocess.CompletedProcess:
        origin = origin if origin == "new" else str(tmp_path / origin)
        command = [sys.executable, str(PROGRAM), str(simulation), str(tmp_path / name), origin, *stops]
        command = ["mpirun", "-n", str(ranks), *command] if ranks > 1 else command
        clean = {k: v for k, v in os.environ.items() if not k.startswith(("OMPI_COMM_WORLD", "PMIX_", "PMI_"))}
        options = {"env": clean | tools["mpi_environment"], "capture_output": True, "text": True, "timeout": 240}
        return subprocess.run(command, cwd=tmp_path, **options)

    return launch


@pytest.mark.parametrize(("ranks", "node_set"), [(1, "All"), (2, "All"), (3, "Few")])
def test_resumed_run_has_the_bits_of_an_uninterrupted_one(
    run: Run, simulation: Path, tmp_path: Path, ranks: int, node_set: str
) -> None:
    file = simulation / "simulation_config.json"
    file.write_text(json.dumps(json.loads(file.read_text()) | {"node_set": node_set}))
    plans = {
        "whole": ("new", "0!", "10", "25.3", "35"),
        "resumed": ("whole", "0", "10", "25.3!", "35"),
        "resumed_again": ("resumed", "25.3", "35"),
    }
    for name, plan in plans.items():
        done = run(name, *plan, ranks=ranks)
        assert done.returncode == 0, done.stdout + done.stderr
    for rank in range(ranks):
        results = {file: np.load(tmp_path / f"{file}.{rank}.npz") for file in FILES}
        n_spikes = len(results["whole/25.3"]["spike_times"])
        for file in FILES:
            before = n_spikes if file.startswith("resumed_again") else 0
            assert_same(results[file], results[f"whole/{file.split('/')[1]}"], before)
    assert_that_something_happens([np.load(tmp_path / f"whole/25.3.{rank}.npz") for rank in range(ranks)])
    if node_set == "Few":
        assert len(np.load(tmp_path / "whole/35.2.npz")["v"]) == 0


def assert_same(resumed: Mapping[str, np.ndarray], whole: Mapping[str, np.ndarray], n_spikes_before: int = 0) -> None:
    """Compare bit for bit; the spikes before the state was saved are not in a resumed run."""
    assert set(resumed) == set(whole)
    for name in whole:
        since = n_spikes_before if name.startswith("spike") else 0
        np.testing.assert_array_equal(resumed[name], whole[name][since:], err_msg=name)


def assert_that_something_happens(ranks: list[Mapping[str, np.ndarray]]) -> None:
    """That there was something to restore."""
    assert sum(len(found["spike_times"]) for found in ranks) > 0
    assert sum(found["draws"].sum() for found in ranks) > 100
    assert sum(found["glutamate"].sum() for found in ranks) > 0


def test_state_of_another_number_of_ranks_is_refused(run: Run) -> None:
    assert run("saved", "new", "0!", ranks=2).returncode == 0
    refused = run("resumed", "saved", "1")
    assert refused.returncode != 0
    assert "belongs to another model" in refused.stderr


def test_pending_python_event_is_refused(run: Run) -> None:
    refused = run("saved", "new", "1", "event")
    assert refused.returncode != 0
    assert "an event that calls Python is pending" in refused.stderr
