"""The transfer function of NEST's neurons, measured and fitted by the program."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from importlib.util import find_spec

import numpy as np
import pytest

pytestmark = pytest.mark.skipif(find_spec("nest") is None, reason="NEST is not installed: scripts/setup")

DURATION = 1000.0


def launch(tools, *words, code=0):
    clean = {k: v for k, v in os.environ.items() if not k.startswith(("OMPI_COMM_WORLD", "PMIX_", "PMI_"))}
    command = [sys.executable, "-m", "tvb_nest", *map(str, words)]
    done = subprocess.run(command, env=clean | tools["mpi_environment"], capture_output=True, text=True, timeout=300)
    assert done.returncode == code, done.stdout + done.stderr
    return done


@pytest.fixture
def folder(tools, tmp_path):
    launch(tools, "init", "--example", "two-regions", tmp_path / "simulation")
    return tmp_path / "simulation"


def table_of(output):
    """Population, inputs, misfit and chance of each row."""
    rows = [[cell.strip() for cell in line.split("│")[1:-1]] for line in output.splitlines() if "│" in line]
    return [(row[0], int(row[2]), float(row[3]), float(row[4])) for row in rows]


def test_fit(tools, folder):
    """The polynomial follows the neurons as closely as their spikes can be counted, and goes into the file."""
    before = json.loads((folder / "parameter.json").read_text())
    output = launch(tools, "fit-transfer-function", "--duration", DURATION, folder).stdout
    rows = table_of(output)
    assert {row[0] for row in rows} == {"excitatory", "inhibitory"} and sum(row[1] for row in rows) > 150
    for population, inputs, misfit, chance in rows:
        assert misfit < 1.5 * chance + 0.1, (population, inputs, misfit, chance)
    after = json.loads((folder / "parameter.json").read_text())
    for name in ("P_e", "P_i"):
        assert after["param_tvb_model"].pop(name) != before["param_tvb_model"].pop(name)
    assert after == before, "nothing else was changed"


def test_the_examples_coefficients_are_those_of_its_neurons(folder):
    """Measured anew in this process, with other spikes."""
    from tvb_nest import building
    from tvb_nest.parameters import read_parameters
    from tvb_nest.transfer_function import measure_and_fit
    from tvb_nest.tvb_side.mean_field.fitting import _Inputs

    parameters = read_parameters(folder).changed({("param_nest", "master_seed"): 7})
    mean_field = building.mean_field_parameters(parameters)
    for kind, fit in measure_and_fit(parameters, DURATION).items():
        rates = fit.measured.rates
        shipped = _Inputs(fit.measured, mean_field, kind).transfer(np.array(getattr(mean_field, f"P_{kind}")))
        # chosen by what is expected: chosen by what was counted, the counts would be biased at both ends
        slow = (shipped > 0.5e-3) & (shipped < 20e-3)
        chance = np.sqrt(np.mean(shipped[slow] / fit.measured.durations[slow]))
        assert np.sqrt(np.mean((shipped - rates)[slow] ** 2)) < 1.6 * chance
        # three standard errors of a count this short
        assert np.mean(shipped[slow]) == pytest.approx(np.mean(rates[slow]), rel=0.1)


def test_dry_run_and_neurons_of_ones_own(tools, folder):
    file = folder / "parameter.json"
    before = file.read_text()
    assert "P_i = [" in launch(tools, "fit-transfer-function", "--dry-run", "--duration", 500, folder).stdout
    assert file.read_text() == before
    document = json.loads(before)
    document["param_tvb_nest"]["network_file"] = "own.py"
    file.write_text(json.dumps(document))
    error = launch(tools, "fit-transfer-function", folder, code=2).stderr
    assert 'parameter.json: param_tvb_nest.network_file = "own.py": makes neurons that only it knows' in error
