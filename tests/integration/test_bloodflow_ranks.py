"""Endfeet and blood flow with real astrocytes: ids, radii on their way to the vessels, the same for 1 and 2 ranks.

Started with a simulation folder and a file, this module is also the program that runs on the ranks.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from mpi_coupling.world import UserError

WIDENED = 1.1
"""What every endfoot is made to do to its vessel's radius."""


def main(folder: Path, result: Path) -> None:
    """Build neurons and vessels, widen the vessels by their endfeet, and write what came out."""
    from mpi_coupling.clock import Clock
    from mpi_coupling.world import World

    world = World.start()  # before anything that imports NEURON
    from multiscale_run.config import load_config
    from multiscale_run.coupling import ENDFEET, VESSELS, Sample, Transfers
    from multiscale_run.simulators.bloodflow import BloodflowSimulator
    from multiscale_run.simulators.endfeet import Endfeet
    from multiscale_run.simulators.neurons import NeuronSimulator

    config = load_config(folder)
    config.output_dir.mkdir(exist_ok=True)
    clock = Clock.from_config(config.run.dt, config.run.tstop)
    neurons = NeuronSimulator(config, world, clock)
    endfeet = Endfeet(config, neurons._neurodamus, neurons.h)
    vessels = BloodflowSimulator(config, world, clock)
    domains = {ENDFEET: endfeet.domain(), **vessels.domains()}
    transfers = Transfers(world, domains, [endfeet.operator()])

    def to_vessels(radii: np.ndarray) -> np.ndarray:
        return transfers.transfer(Sample(radii, ENDFEET), VESSELS).values

    outcome = {"rest_flow": vessels.get_flows(), "rest_radii": vessels.get_radii()}
    outcome["arrived"] = to_vessels(endfeet.radii())
    vessels.set_radii(outcome["arrived"])
    vessels.advance(1)
    outcome["unchanged_flow"] = vessels.get_flows()
    vessels.set_radii(to_vessels(endfeet.radii() * WIDENED))
    vessels.advance(2)
    outcome |= {"radii": vessels.get_radii(), "flow": vessels.get_flows(), "relative": vessels.get_relative_flow()}
    outcome["solvers"] = np.array(world.comm.allgather(hasattr(vessels, "_solver")))
    outcome["is_same"] = np.array(world.all((world.broadcast(vessels.get_flows()) == vessels.get_flows()).all()))
    outcome["ids"] = np.concatenate(world.comm.allgather(endfeet.ids))
    outcome["vessels"] = np.concatenate(world.comm.allgather(endfeet.vessels))
    outcome["complaint"] = np.array(complaint_of(endfeet))
    if world.is_root:
        np.savez(result, **outcome)
    neurons.close()


def complaint_of(endfeet: Any) -> str:
    """What is said when the radius of the second endfoot of the rank is lost."""
    radii = endfeet.radii()
    radii[1] = np.nan
    endfeet._radius.write(radii)
    try:
        endfeet.radii()
    except UserError as error:
        return str(error)
    return "nothing"


@pytest.fixture(scope="module")
def run(
    tiny_template: Path, tmp_path_factory: pytest.TempPathFactory, tools: Mapping[str, Any]
) -> Callable[[int, str], dict[str, np.ndarray]]:
    """Runs :func:`main` on some ranks with a solver; returns what it wrote."""
    done: dict[tuple[int, str], dict[str, np.ndarray]] = {}

    def launch(ranks: int, solver: str = "grounded") -> dict[str, np.ndarray]:
        if (ranks, solver) not in done:
            place = tmp_path_factory.mktemp("bloodflow")
            folder = Path(shutil.copytree(tiny_template, place / "tiny"))
            file = folder / "simulation_config.json"
            settings = json.loads(file.read_text())
            settings["multiscale_run"] |= {"with_bloodflow": True, "bloodflow": {"solver": solver}}
            file.write_text(json.dumps(settings))
            clean = {k: v for k, v in os.environ.items() if not k.startswith(("OMPI_COMM_WORLD", "PMIX_", "PMI_"))}
            command = [sys.executable, __file__, str(folder), str(place / "outcome.npz")]
            command = ["mpirun", "-n", str(ranks), *command] if ranks > 1 else command
            environment = clean | tools["mpi_environment"]
            job = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=300)
            assert job.returncode == 0, job.stdout + job.stderr
            done[ranks, solver] = dict(np.load(place / "outcome.npz"))
        return done[ranks, solver]

    return launch


def test_every_endfoot_is_found_with_its_vessel(run: Any, tiny_template: Path) -> None:
    with h5py.File(next(tiny_template.rglob("gliovascular.h5"))) as file:
        expected = next(iter(file["edges"].values()))["source_node_id"][:]
    outcome = run(2)
    assert sorted(outcome["ids"]) == list(range(len(expected)))
    assert (outcome["vessels"] == expected[outcome["ids"]]).all()


def test_radii_of_resting_endfeet_are_those_of_the_vasculature(run: Any) -> None:
    """Neurodamus starts vascouplingB from the vessel of the edge: an id shifted by one would show here."""
    outcome = run(1)
    held = ~np.isnan(outcome["arrived"])
    assert sorted(np.flatnonzero(held)) == sorted(set(outcome["vessels"]))
    np.testing.assert_allclose(outcome["arrived"][held], outcome["rest_radii"][held], rtol=1e-6)
    np.testing.assert_allclose(outcome["unchanged_flow"], outcome["rest_flow"], rtol=1e-4, atol=1e-3)


def test_dilated_endfeet_widen_their_vessels_only_and_shift_the_flow(run: Any) -> None:
    outcome = run(1)
    expected = outcome["rest_radii"].copy()
    expected[outcome["vessels"]] *= WIDENED
    np.testing.assert_allclose(outcome["radii"], expected, rtol=1e-6)
    assert np.abs(outcome["relative"] - 1).max() > 1e-3


def test_a_lost_radius_is_not_taken_for_no_endfoot(run: Any) -> None:
    outcome = run(1)
    expected = f"endfoot {outcome['ids'][1]} at vessel segment {outcome['vessels'][1]}: its radius is not a number (1 "
    assert str(outcome["complaint"]).startswith(expected)


def test_two_ranks_agree_with_one_to_the_bit(run: Any) -> None:
    one, two = run(1), run(2)
    for name in ("arrived", "radii", "flow", "relative"):
        np.testing.assert_array_equal(one[name], two[name], err_msg=name)
    assert two["is_same"] and two["solvers"].tolist() == [True, False]


def test_solver_of_astrovascpy_gives_the_same_flows_on_two_ranks(run: Any) -> None:
    pytest.importorskip("astrovascpy", reason="AstroVascPy is not installed: pip install AstroVascPy")
    ours, theirs = run(1), run(2, "astrovascpy")
    for name in ("rest_flow", "flow"):
        scale = np.abs(ours[name]).max()
        np.testing.assert_allclose(theirs[name] / scale, ours[name] / scale, rtol=0, atol=1e-10, err_msg=name)


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
