"""The tiny circuit in neurodamus: every synapse exists, glia hear exactly their synapses, ranks do not matter."""

import json
import os
import shutil
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest
from bluepysnap import Circuit

from multiscale_run.circuits import build_circuit, named_circuit

pytest.importorskip("neurodamus", reason="neurodamus is not installed")

PROGRAM = Path(__file__).with_name("circuit_in_neurodamus.py")
ROOT = Path(__file__).parents[2]
SIMULATION = {
    "network": "circuit_config.json",
    "node_sets_file": "node_sets.json",
    "node_set": "All",
    "run": {"tstop": 20, "dt": 0.025, "random_seed": 1},
    "conditions": {"v_init": -65, "celsius": 34},
    "output": {"output_dir": "out"},
    "inputs": {
        # ends early, so that no release is on its way when the run stops
        "drive": {
            "input_type": "current_clamp",
            "module": "linear",
            "amp_start": 0.6,
            "delay": 1,
            "duration": 10,
            "node_set": "Excitatory",
        }
    },
}
MPI_ENVIRONMENT = {"OMPI_ALLOW_RUN_AS_ROOT": "1", "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM": "1"}


def _run(circuit: Path, ranks: int) -> tuple[dict, str]:
    result = circuit / f"found_{ranks}.json"
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("OMPI_", "PMIX_", "PMI_"))}
    launcher = ["mpirun", "--oversubscribe", "--mca", "mpi_yield_when_idle", "1", "-n", str(ranks)]
    done = subprocess.run(
        [*launcher, sys.executable, str(PROGRAM), str(circuit), "20", str(result)],
        cwd=circuit,
        env=clean | MPI_ENVIRONMENT | {"PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=240,  # the first run compiles the mechanisms
    )
    assert done.returncode == 0, done.stdout[-3000:]
    return json.loads(result.read_text(encoding="utf-8")), done.stdout


@pytest.fixture(scope="module")
def circuit(tmp_path_factory):
    if shutil.which("mpirun") is None:
        pytest.skip("mpirun is not installed")
    folder = tmp_path_factory.mktemp("neurodamus")
    summary = build_circuit(folder, named_circuit("tiny"))
    (folder / "simulation_config.json").write_text(json.dumps(SIMULATION))
    return summary


@pytest.fixture(scope="module")
def one_rank(circuit):
    return _run(circuit.config.parent, 1)


def test_every_synapse_is_built(circuit, one_rank):
    found, output = one_rank
    chemical = Circuit(str(circuit.config)).edges["neurons__neurons__chemical"]
    edges = chemical.get(list(range(chemical.size)), ["@source_node", "@target_node"])
    expected = {str(row): [int(source), int(target)] for row, (source, target) in enumerate(edges.to_numpy())}
    assert found["synapses"] == expected, "a synapse is missing or at another row than in the file"
    assert "v(0.0001)" not in output and "skipp" not in output.lower()


def test_cells_are_light(one_rank):
    found, _ = one_rank
    assert len(found["segments"]) == 10
    assert max(found["segments"].values()) <= 65


def test_astrocytes_hear_exactly_their_synapses(circuit, one_rank):
    found, _ = one_rank
    neuroglial = Circuit(str(circuit.config)).edges["neuroglial"]
    edges = neuroglial.get(list(range(neuroglial.size)), ["@source_node", "synapse_id", "astrocyte_section_id"])
    released: dict[str, Counter] = {name: Counter() for name in found["astrocytes"]}
    for astrocyte, synapse, section in edges.to_numpy(dtype=int):
        released[str(astrocyte)][str(section)] += found["releases"][str(synapse)]
    assert sum(found["releases"].values()) > 50
    for name, astrocyte in found["astrocytes"].items():
        assert astrocyte["heard"] == dict(released[name])
        assert sum(astrocyte["heard"].values()) > 0


def test_endfeet_are_built(circuit, one_rank):
    found, _ = one_rank
    assert all(astrocyte["endfeet"] == astrocyte["edges"] >= 1 for astrocyte in found["astrocytes"].values())
    assert sum(astrocyte["endfeet"] for astrocyte in found["astrocytes"].values()) == circuit.edges["gliovascular"]


def test_two_ranks_give_the_same(circuit, one_rank):
    found, _ = _run(circuit.config.parent, 2)
    assert found == one_rank[0]
