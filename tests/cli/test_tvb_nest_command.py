"""``tvb-nest`` as a user types it: what it prints, its exit codes, and what it leaves on disk."""

from __future__ import annotations

import json
import subprocess
import sys

import numpy as np
import pytest


def launch(*arguments, cwd=None):
    command = [sys.executable, "-m", "tvb_nest", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=120, cwd=cwd, check=False)


@pytest.fixture(scope="module")
def demo(tmp_path_factory):
    """What ``tvb-nest init`` writes; do not change it."""
    folder = tmp_path_factory.mktemp("demo") / "demo"
    done = launch("init", "--example", "two-regions", folder)
    assert done.returncode == 0, done.stderr
    assert (
        done.stdout
        == f"wrote {folder}/parameter.json with README.md and simulation.sbatch\nnext: tvb-nest check {folder}\n"
    )
    return folder


def test_the_job_script(demo, tmp_path):
    script = (demo / "simulation.sbatch").read_text()
    assert "#SBATCH --ntasks-per-node=2\n" in script and "--signal" not in script
    assert script.endswith('exec tvb-nest run --continue --launcher srun "$folder"\n')
    small = launch("init", "--ntasks-per-node", "1", tmp_path / "small")
    assert small.returncode == 2 and not (tmp_path / "small").exists()
    assert "the simulation has 2 processes, and nodes = 1 with ntasks_per_node = 1 have room for 1" in small.stderr


def test_help():
    shown = launch("--help")
    assert shown.returncode == 0
    for command in ("init", "params", "check", "import-connectome", "explore"):
        assert command in shown.stdout
    assert launch("--version").stdout.startswith("tvb-nest, version ")
    wrong = launch("parms")
    assert wrong.returncode == 2 and "No such command 'parms'" in wrong.stderr


def test_help_loads_neither_engines_nor_mpi():
    code = "import sys, tvb_nest.cli as c\ntry: c.group(['--help'])\nexcept SystemExit: pass\n"
    code += "assert not {'nest', 'tvb', 'pydantic', 'matplotlib', 'mpi4py.MPI'} & set(sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, check=False).returncode == 0


def test_params(demo):
    rows = {line.split("│")[1].strip(): line for line in launch("params", demo).stdout.splitlines() if "│" in line}
    b = [cell.strip() for cell in rows["param_nest_topology.param_neuron_excitatory.b"].split("│")]
    assert b[2:5] == ["10.0", "pA", "Adaptation added by a spike."]
    links = launch("params", demo, "--links").stdout
    row = next(line for line in links.splitlines() if "param_tvb_model.Q_i" in line)
    assert [cell.strip() for cell in row.split("│")][2:5] == [
        "10.0",
        "nS",
        "param_nest_connection.weight_local * param_nest_connection.g",
    ]
    resolved = json.loads(launch("params", demo / "parameter.json", "--resolved").stdout)
    assert resolved["param_TR_nest_to_tvb"]["nb_neurons"] == 160.0
    assert json.loads(launch("params", "--schema").stdout)["properties"]["param_nest"]


def test_errors_of_a_file(demo, tmp_path):
    content = json.loads((demo / "parameter.json").read_text())
    content["param_nest"]["master_sed"] = 3
    content["param_tvb_model"]["Q_i"] = 1
    (tmp_path / "parameter.json").write_text(json.dumps(content))
    done = launch("params", cwd=tmp_path)
    assert done.returncode == 2 and done.stdout == ""
    first, second = done.stderr.splitlines()
    assert first == (
        'Error: parameter.json: param_nest.master_sed = 3: is not a key of this section; did you mean "master_seed"?'
    )
    assert second.startswith("parameter.json: param_tvb_model.Q_i = 1: is linked to")


def test_check_names_files_that_are_not_there(tmp_path):
    launch("init", "--example", "mouse-brain", tmp_path)
    done = launch("check", tmp_path)
    assert done.returncode == 2
    assert (
        f'parameter.json: param_tvb_nest.connectome = "./connectome": no such folder or zip: {tmp_path}/connectome; '
        "`tvb-nest import-connectome` makes one"
    ) in done.stderr


def test_check_of_a_brain_alone(tmp_path):
    square = np.ones((3, 3)) - np.eye(3)
    for name, values in (("weights", square), ("tract_lengths", 10 * square), ("centres", np.eye(3))):
        np.savetxt(tmp_path / f"{name}.txt", values)
    (tmp_path / "labels.txt").write_text("a\nb\nc\n")
    done = launch("import-connectome", tmp_path, tmp_path / "connectome", "--length-unit", "0.1")
    assert (done.returncode, done.stdout) == (0, f"wrote 3 regions to {tmp_path}/connectome\n")
    assert np.load(tmp_path / "connectome/tract_lengths.npy")[0, 1] == 1.0
    again = launch("import-connectome", tmp_path, tmp_path / "connectome")
    assert again.returncode == 2 and "is not empty; name another folder, or use --force" in again.stderr
    settings = {
        "param_co_simulation": {"nb_MPI_nest": 0, "cluster": True},
        "param_nest_topology": {"nb_region": 3},
        "param_tvb_nest": {"connectome": "connectome"},
    }
    (tmp_path / "parameter.json").write_text(json.dumps(settings))
    done = launch("check", tmp_path)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == [
        "note: param_co_simulation.cluster: Not used: start the job yourself, with `mpirun` or `srun` before "
        "`tvb-nest run`.",
        "ok: parameters",
        "ok: engines",
        "ok: files",
        "ok: connectome",
        f"{tmp_path}/parameter.json is ready to run: tvb",
    ]
    settings["param_nest_topology"]["nb_region"] = 4
    (tmp_path / "parameter.json").write_text(json.dumps(settings))
    assert "nb_region = 4: must be <= 3, the regions of the connectome" in launch("check", tmp_path).stderr


PROGRAM = """
import json, sys
from pathlib import Path
folder = Path(sys.argv[1])
g = json.loads((folder / "parameter.json").read_text())["param_nest_connection"]["g"]
if g == 2: sys.exit("blew up")
(folder / "summary.json").write_text(json.dumps({"rate": 10 * g}))
"""


def test_explore(demo, tmp_path):
    (tmp_path / "program.py").write_text(PROGRAM)
    program = f"{sys.executable} program.py"
    command = ["explore", demo, "--vary", "g=1,2,3", "-o", "out", "-j", "2", "--command", program]
    done = launch(*command, cwd=tmp_path)
    assert done.returncode == 1
    assert done.stdout.splitlines() == [
        f"wrote {tmp_path}/out/summary.csv",
        f"wrote {tmp_path}/out/rate.png",
        "1 failed, 2 finished",
        "_g_2: exit code 1: blew up",
    ]
    assert "3 of 3 points to run" in done.stderr
    (tmp_path / "program.py").write_text(PROGRAM.replace("g == 2", "False"))
    done = launch(*command, "--retry", cwd=tmp_path)
    assert done.returncode == 0 and "1 of 3 points to run" in done.stderr
    assert done.stdout.splitlines()[-1] == "3 finished"
    table = (tmp_path / "out/summary.csv").read_text().splitlines()
    assert [line.split(",")[-1] for line in table] == ["rate", "10.0", "20.0", "30.0"]
    (tmp_path / "out/rate.png").unlink()
    assert launch(*command, "--summary", cwd=tmp_path).returncode == 0
    assert (tmp_path / "out/rate.png").is_file()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ([], "say what to vary: either --vary KEY=VALUES, once for each key, or --points FILE"),
        (["--vary", "Q_i=1"], "param_tvb_model.Q_i: is linked to"),
        (["--vary", "g=1", "--slurm", "--slurm-option", "x"], "--slurm-option x: must be NAME=VALUE"),
    ],
)
def test_explore_refuses(demo, options, message):
    done = launch("explore", demo, *options)
    assert done.returncode == 2 and message in done.stderr
