"""The tiny circuit in neurodamus with the stimulus of `multiscale-run init`: activity dilates the vessels."""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from multiscale_run.circuits import build_circuit, named_circuit
from multiscale_run.config.template import default_config

pytest.importorskip("neurodamus", reason="neurodamus is not installed")

PROGRAM = Path(__file__).with_name("circuit_in_neurodamus.py")
ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def found(tmp_path_factory):
    """Per case: relative changes of the endfeet's radii after a second, and the releases that each astrocyte heard."""
    folder = tmp_path_factory.mktemp("dilation")
    build_circuit(folder, named_circuit("tiny"))

    def run(inputs):
        (folder / "simulation_config.json").write_text(json.dumps(config | {"inputs": inputs}))
        result = folder / "found.json"
        done = subprocess.run(
            [sys.executable, str(PROGRAM), str(folder), "1000", str(result)],
            cwd=folder,
            env=os.environ | {"PYTHONPATH": str(ROOT)},
            capture_output=True,
            text=True,
            timeout=400,  # the first run compiles the mechanisms
        )
        assert done.returncode == 0, (done.stdout + done.stderr)[-3000:]
        astrocytes = json.loads(result.read_text(encoding="utf-8"))["astrocytes"].values()
        changes = [np.divide(*np.transpose(astrocyte["radii"])[::-1]) - 1 for astrocyte in astrocytes]
        return changes, [sum(astrocyte["heard"].values()) for astrocyte in astrocytes]

    config = default_config(with_metabolism=False)
    return {"active": run(config["inputs"]), "silent": run({})}


def test_without_stimulus_no_radius_changes(found):
    changes, heard = found["silent"]
    assert sum(heard) == 0
    np.testing.assert_allclose(np.concatenate(changes), 0, atol=1e-9)


def test_activity_dilates_every_vessel_measurably(found):
    changes, heard = found["active"]
    assert min(heard) > 10
    every = np.concatenate(changes)
    assert (every > 1e-3).all()
    assert 0.003 <= every.mean() < 0.03


def test_the_busiest_astrocyte_dilates_most(found):
    changes, heard = found["active"]
    assert np.argmax(heard) == np.argmax([change.mean() for change in changes])
