"""The extracellular space on 1 and 2 ranks. Started with a folder and a file, this is also the program of the ranks."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytestmark = pytest.mark.skipif(
    find_spec("steps") is None, reason="STEPS is not installed: scripts/build-steps-wheel and pip install its wheel"
)

N_STEPS, PERIOD = 4, 1000
FACTORS = {"TetODE": 1.0, "TetOpSplit": 1e-6, "Tetexact": 1e-9}


def main(folder: Path, result: Path, *loaded_first: str) -> None:
    """Let a bump of potassium spread, with currents, and write what came out; other modules can be loaded before."""
    from mpi_coupling.clock import Clock
    from mpi_coupling.world import World

    world = World.start()
    for module in loaded_first:
        import_module(module)
    from multiscale_run.config import load_config
    from multiscale_run.geometry.boxes import cubic_mesh
    from multiscale_run.simulators.extracellular import ExtracellularSimulator

    config, hook = load_config(folder), sys.excepthook
    mesh = cubic_mesh(np.zeros(3), np.array([40.0, 160.0, 40.0]), 20.0)
    space = ExtracellularSimulator(config, world, Clock.from_config(config.run.dt, config.run.tstop), mesh)
    assert sys.excepthook is hook
    bump = 3.0 + 3.0 * np.exp(-((mesh.vertices[mesh.tetrahedra].mean(axis=1)[:, 1] - 40) ** 2) / 400)
    space.set_concentrations(bump, species_name="KK")
    start = space.molecules.copy()
    for step in range(1, N_STEPS + 1):
        space.advance(step * PERIOD)
        space.add_curr_to_conc(np.linspace(-1e-9, 1e-9, len(mesh.volumes)), species_name="KK")
    same = world.all((world.broadcast(space.molecules) == space.molecules).all())
    if world.is_root:
        np.savez(result, start=start, stop=space.molecules, is_same=same)


@pytest.fixture(scope="module")
def run(
    tiny_template: Path, tmp_path_factory: pytest.TempPathFactory, tools: Mapping[str, Any]
) -> Callable[..., dict[str, np.ndarray]]:
    """Runs :func:`main` with a solver on some ranks, in an empty folder; returns what it wrote."""

    def launch(solver: str, ranks: int, *loaded_first: str) -> dict[str, np.ndarray]:
        place = tmp_path_factory.mktemp("space")
        folder = Path(shutil.copytree(tiny_template, place / "tiny"))
        file = folder / "simulation_config.json"
        settings = json.loads(file.read_text())
        species = {"KK": {"conc_0": 3.0, "diffcst": 2e-9, "ncharges": 1}}
        steps = {"solver": solver, "conc_factor": FACTORS[solver], "ndts": PERIOD, "Volsys": {"species": species}}
        settings["multiscale_run"] |= {"with_steps": True, "steps": steps}
        file.write_text(json.dumps(settings))
        clean = {k: v for k, v in os.environ.items() if not k.startswith(("OMPI_COMM_WORLD", "PMIX_", "PMI_"))}
        command = [sys.executable, __file__, str(folder), str(place / "outcome.npz"), *loaded_first]
        command = ["mpirun", "-n", str(ranks), *command] if ranks > 1 else command
        working = place / "working"
        working.mkdir()
        environment = clean | tools["mpi_environment"]
        job = subprocess.run(command, env=environment, cwd=working, capture_output=True, text=True, timeout=200)
        assert job.returncode == 0, job.stdout + job.stderr
        assert not list(working.iterdir()), "STEPS leaves log files behind"
        return dict(np.load(place / "outcome.npz"))

    return launch


@pytest.mark.parametrize("solver", ["TetODE", "Tetexact"])
def test_replicated_solver_gives_the_same_bits_on_every_rank(run: Any, solver: str) -> None:
    one, two = run(solver, 1), run(solver, 2)
    assert two["is_same"]
    np.testing.assert_array_equal(two["stop"], one["stop"])
    assert np.abs(one["stop"] - one["start"]).max() > 0.01 * one["start"].mean()


def test_split_solver_agrees_with_the_deterministic_one(run: Any) -> None:
    split, expected = run("TetOpSplit", 2), run("TetODE", 1)["stop"] * FACTORS["TetOpSplit"]
    assert split["is_same"]
    currents = np.linspace(-1e-9, 1e-9, split["stop"].size).sum()
    added = N_STEPS * currents * 1e-3 * PERIOD * 0.025e-3 / 1.602176634e-19 * FACTORS["TetOpSplit"]
    assert abs((split["stop"].sum() - split["start"].sum() - added) / split["start"].sum()) < 1e-12
    # Poisson: the variance of a count is its mean
    deviation = (split["stop"] - expected) / np.sqrt(expected)
    assert 0.8 < np.sqrt(np.mean(deviation**2)) < 1.2


def test_neuron_in_the_same_process_changes_nothing(run: Any) -> None:
    """NEURON brings a CVODE of its own, whose functions have the same names."""
    if find_spec("neuron") is None:
        pytest.skip("NEURON is not installed")
    np.testing.assert_array_equal(run("TetODE", 2, "neuron")["stop"], run("TetODE", 1)["stop"])


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]), *sys.argv[3:])
