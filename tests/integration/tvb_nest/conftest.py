"""Runs scenarios of NEST in processes of their own."""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

SCENARIOS = Path(__file__).with_name("scenarios.py")
ROOT = Path(__file__).parents[3]


@pytest.fixture
def environment():
    """For a process that is no rank of pytest's MPI job."""
    clean = {k: v for k, v in os.environ.items() if not k.startswith(("OMPI_COMM_WORLD", "PMIX_", "PMI_"))}
    # a spinning thread on a busy machine takes the time of the working one
    return clean | {"PYTHONPATH": str(ROOT), "OMP_WAIT_POLICY": "passive", "OMP_NUM_THREADS": "1"}


@pytest.fixture
def scenario(tmp_path, environment):
    """``scenario(name, **arguments)`` returns what the scenario found."""

    def run(name, **arguments):
        result = tmp_path / f"{name}-{len(list(tmp_path.iterdir()))}.npz"
        command = [sys.executable, str(SCENARIOS), name, str(result), json.dumps(arguments)]
        done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=120)
        assert done.returncode == 0, done.stdout + done.stderr
        with np.load(result) as found:
            return dict(found)

    return run
