"""All four engines on the tiny circuit: conservation across scales, every combination of them, any number of ranks.

Started with a folder and a file, this module is also the program that runs on the ranks.
"""

from __future__ import annotations

import itertools
import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

ORIGINAL = Path(__file__).parents[3] / "shared" / "data" / "configs" / "tiny_CI"
MOLES_PER_MM_UM3 = 1e-18
AVOGADRO = 6.02214076e23


def main(folder: Path, result: Path) -> None:
    """Run, and write potassium inside and outside the neurons at every step of the extracellular space."""
    from mpi_coupling.profile import Profiler
    from mpi_coupling.world import World

    world = World.start()
    from multiscale_run.config import load_config
    from multiscale_run.coupling import SEGMENTS, TETRAHEDRA, Sample
    from multiscale_run.simulation import Simulation

    config = load_config(folder)
    simulation = Simulation(config, world, Profiler())
    model = simulation.model
    neurons, steps = model.neurons, model.simulators["steps"]
    inside, outside = [], []

    def measure() -> None:
        millimolar = neurons.segments.variable("ki").read()
        inside.append(world.sum((millimolar * neurons.segments.volume).sum()) * MOLES_PER_MM_UM3)
        outside.append(steps.molecules.sum() / config.multiscale_run.steps.conc_factor / AVOGADRO)

    conclude = simulation._conclude

    def conclude_and_measure(tick: int) -> None:
        conclude(tick)
        measure()

    simulation._conclude = conclude_and_measure  # type: ignore[method-assign]
    volumes = Sample(neurons.segments.volume, SEGMENTS)
    spread = model.transfers.transfer(volumes, TETRAHEDRA).values
    whole = world.sum(neurons.segments.volume.sum())
    simulation.run()
    if world.is_root:
        np.savez(result, inside=inside, outside=outside, spread=spread, whole=whole)


@pytest.fixture
def measured(tiny, tools, tmp_path):
    """Runs :func:`main` on some ranks; returns what it wrote."""

    def launch(ranks, *changes):
        folder = tiny(*changes, name=f"on{ranks}")
        command = [sys.executable, __file__, str(folder.path), str(tmp_path / "outcome.npz")]
        command = ["mpirun", "-n", str(ranks), *command] if ranks > 1 else command
        clean = {k: v for k, v in os.environ.items() if not k.startswith(("OMPI_COMM_WORLD", "PMIX_", "PMI_"))}
        job = subprocess.run(command, env=clean | tools["mpi_environment"], capture_output=True, text=True, timeout=300)
        assert job.returncode == 0, job.stdout + job.stderr
        return dict(np.load(tmp_path / "outcome.npz"))

    return launch


@pytest.mark.parametrize("ranks", [1, 2])
def test_potassium_is_neither_made_nor_lost(measured, tools, ranks):
    """What the neurons lose is in the extracellular space, to 1e-9 of what moved; and the segments' volume is there."""
    found = measured(ranks, tools["duration"](300.0))
    lost, won = found["inside"][0] - found["inside"], found["outside"] - found["outside"][0]
    moved = np.abs(lost).max()
    assert moved > 1e-4 * found["outside"][0], "the neurons fired"
    assert np.abs(lost - won).max() < 1e-9 * moved
    assert abs(found["spread"].sum() / found["whole"] - 1) < 1e-9


def switches(steps, bloodflow, metabolism):
    """Only some of the simulators, all exchanging every 25 ms."""

    def change(settings):
        section = settings["multiscale_run"]
        section |= {"with_steps": steps, "with_bloodflow": bloodflow, "with_metabolism": metabolism, "ndts": 1000}
        for name in ("steps", "bloodflow", "metabolism"):
            section[name]["ndts"] = 1000

    return change


@pytest.mark.parametrize(("steps", "bloodflow", "metabolism"), list(itertools.product([False, True], repeat=3)))
def test_every_combination_is_the_same_on_any_number_of_ranks(tiny, tools, steps, bloodflow, metabolism):
    changes = tools["duration"](75.0), switches(steps, bloodflow, metabolism)
    alone = tiny(*changes, name="alone").computed()
    written = {path.stem for path in alone.results.glob("*.h5")} - {"out"}
    for simulator, takes_part in (("steps", steps), ("bloodflow", bloodflow), ("metabolism", metabolism)):
        assert any(name.startswith(f"{simulator}_") for name in written) == takes_part
    assert len(alone.spikes())
    for ranks in (2, 4):
        together = tiny(*changes, name=f"on{ranks}").computed(ranks=ranks)
        np.testing.assert_array_equal(alone.spikes(), together.spikes())
        for name in sorted(written):
            one, many = alone.report(name)[1], together.report(name)[1]
            np.testing.assert_allclose(many, one, rtol=1e-6, atol=1e-12, err_msg=f"{name} on {ranks} ranks")


def test_released_potassium_comes_back_to_the_neurons(tiny, tools):
    """Without the way back the shells relax to 3 mM; with it they relax to what the tissue holds."""

    def one_way(settings):
        connections = settings["multiscale_run"]["connections"]["after_steps_advance"]
        connections[:] = [c for c in connections if c["dest_simulator"] == "steps"]

    time = tools["duration"](400.0)
    both, only_out = tiny(time, name="both").computed(), tiny(time, one_way, name="out").computed()
    potassium = both.report("steps_potassium_after_sync")[1]
    assert potassium.max() > 3.0005
    difference = both.report("ko")[1][-1].mean() - only_out.report("ko")[1][-1].mean()
    assert difference > 0.2 * (potassium[-1].mean() - 3.0)


@pytest.mark.slow
def test_activity_dilates_vessels_and_raises_their_flow(tiny, tools):
    time = tools["duration"](1000.0)
    active, at_rest = tiny(time, name="active").computed(ranks=2), tiny(time, tools["quiet"], name="rest").computed()
    radius, flow = (active.report(f"bloodflow_{name}_after_sync")[1] for name in ("radius", "flow"))
    held = radius[-1] != radius[0]
    assert 5 <= held.sum() <= 9, "vessel segments with an endfoot"
    assert (radius[-1, held] / radius[0, held]).min() > 1.003
    inlet = np.argmax(np.abs(flow[0]))
    assert abs(flow[-1, inlet]) > 1.0002 * abs(flow[0, inlet]), "the whole network takes more"
    assert active.report("metabolism_inflow_after_sync")[1][-1].mean() > 0.012
    for name in ("radius", "flow", "relative_flow"):
        first, *later = at_rest.report(f"bloodflow_{name}_after_sync")[1]
        np.testing.assert_allclose(later, np.broadcast_to(first, np.shape(later)), rtol=1e-6, atol=1e-6)


def test_potassium_of_the_tissue_dilates_vessels(tiny, tools):
    """Half a millimolar more in the extracellular space, no activity: astrocytes feel it, unless nobody tells them."""

    def more_potassium(told):
        def change(settings):
            section = settings["multiscale_run"]
            section["steps"]["Volsys"]["species"]["KK"]["conc_0"] = 3.5
            section["bloodflow"]["ndts"] = 1000
            wanted = ["set_glia_var"] if told else []
            section["connections"]["after_steps_advance"] = [
                c for c in section["connections"]["after_steps_advance"] if c["dest_set_func"] in wanted
            ]

        return change

    time = tools["duration"](300.0)
    for told in (True, False):
        folder = tiny(time, tools["quiet"], more_potassium(told), name=f"told-{told}").computed(ranks=2)
        radius = folder.report("bloodflow_radius_after_sync")[1]
        assert ((radius[-1] > 1.0005 * radius[0]).sum() >= 5) == told


def test_pulses_are_reported_as_the_current_of_clamps(tiny, tools):
    def pulses(settings):
        pulse = {"module": "pulse", "input_type": "current_clamp", "node_set": "Neurons", "delay": 1.0}
        settings["inputs"] = {"pulses": pulse | {"duration": 100.0, "amp_start": 0.5, "width": 5.0, "frequency": 50.0}}
        injected = {"cells": "Neurons", "type": "summation", "variable_name": "IClamp", "unit": "nA"}
        times = {"dt": 0.5, "start_time": 0.0, "end_time": 100.0}
        pump = {"cells": "Neurons", "type": "compartment", "variable_name": "nakpump.ipump", "sections": "all"}
        settings["reports"] |= {"injected": injected | times, "pump": pump | times | {"unit": "mA/cm2"}}

    folder = tiny(tools["duration"](100.0), pulses).computed()
    times, current = folder.report("injected")
    # through the membrane, so negative when it enters; on for 5 of 20 ms from 1 ms on
    is_on = ((times - 1.0) % 20.0 > 0.25) & ((times - 1.0) % 20.0 < 4.75) & (times > 1.0)
    np.testing.assert_allclose(current[is_on], -0.5, rtol=1e-6)
    is_off = ((times - 1.0) % 20.0 > 5.25) & ((times - 1.0) % 20.0 < 19.75)
    np.testing.assert_array_equal(current[is_off], 0.0)
    assert folder.report("pump")[1].min() > 0


def test_a_simulator_may_run_less_often_than_metabolism(tiny, tools):
    def slow(settings):
        section = settings["multiscale_run"]
        section["steps"]["ndts"], section["bloodflow"]["ndts"], section["metabolism"]["ndts"] = 3000, 6000, 2000

    folder = tiny(tools["duration"](300.0), slow)
    checked = folder.command("check")
    assert "steps advances every 3000 time steps, less often than metabolism (2000)" in checked.stdout
    folder.computed(ranks=2)
    assert len(folder.report("steps_potassium_after_sync")[1]) == 5
    assert len(folder.report("bloodflow_radius_after_sync")[1]) == 3
    assert len(folder.report("metabolism_atp_after_sync")[1]) == 7


def test_a_mesh_of_the_users_own(tiny, tools):
    """The mesh that one run made, given to another at another place and in another unit."""
    first = tiny(tools["duration"](100.0), name="first").computed()

    def own_mesh(settings):
        settings["multiscale_run"] |= {"mesh_path": "own.msh", "mesh_scale": 1e-6}

    second = tiny(tools["duration"](100.0), own_mesh, name="second")
    text = (first.path / "mesh" / "autogen_mesh.msh").read_text()
    (second.path / "own.msh").write_text(text.replace("made by multiscale-run from", "made by"))
    second.computed()
    for name in ("ko", "steps_potassium_after_sync"):
        np.testing.assert_array_equal(second.report(name)[1], first.report(name)[1])


def test_neurons_outside_the_mesh_are_reported(tiny, tools):
    first = tiny(tools["duration"](100.0), name="first").computed()
    lines = (first.path / "mesh" / "autogen_mesh.msh").read_text().replace("made by multiscale-run from", "by")

    def scaled(factor):
        return lambda settings: settings["multiscale_run"].update(mesh_path="own.msh", mesh_scale=factor * 1e-6)

    small = tiny(tools["duration"](100.0), scaled(0.7), name="small")
    (small.path / "own.msh").write_text(lines)
    done = small.compute()
    assert done.returncode == 0, done.stdout
    assert "% of the neurons' volume) lie outside the mesh" in done.stdout
    far = tiny(tools["duration"](100.0), scaled(1e-3), name="far")
    (far.path / "own.msh").write_text(lines)
    done = far.compute()
    assert done.returncode == 2
    assert "no neuron lies in the mesh" in done.stdout and "mesh_scale = 1e-09 m" in done.stdout
    seen = far.command("watch", "--once")
    assert seen.returncode == 1 and "stopped at 0 of 100 ms: multiscale_run.mesh_path: no neuron" in seen.stdout
    huge = tiny(tools["duration"](100.0), scaled(1e6), name="huge")
    (huge.path / "own.msh").write_text(lines)
    done = huge.compute()
    assert done.returncode == 2
    assert "mesh_scale = 1 m makes the mesh" in done.stdout


def test_the_mesh_is_made_anew_when_its_settings_change(tiny, tools):
    folder = tiny(tools["duration"](100.0)).computed()
    before = folder.report("steps_potassium_after_sync")[1].shape[1]
    assert len(list((folder.path / "cache").glob("*.npz"))) >= 2, "matrices are kept"
    folder.configure(lambda s: s["multiscale_run"]["preprocessor"]["mesh"].update(base_length=60.0))
    done = folder.compute()
    assert done.returncode == 0 and "making anew the mesh" in done.stdout
    assert folder.report("steps_potassium_after_sync")[1].shape[1] < before


def test_a_mesh_by_gmsh(tiny, tools):
    pytest.importorskip("gmsh", exc_type=ImportError)

    def by_gmsh(settings):
        settings["multiscale_run"]["preprocessor"]["mesh"] |= {"generator": "gmsh", "refinement_steps": 1}

    folder = tiny(tools["duration"](100.0), by_gmsh).computed(ranks=2)
    potassium = folder.report("steps_potassium_after_sync")[1]
    assert 8 * 24 <= potassium.shape[1] < 1000 and potassium.shape[1] % 8 == 0, "a coarse box, each cut into eight"
    assert potassium.max() > 3.0


@pytest.fixture
def original(tiny_template, tmp_path):
    """The original's tiny_CI configuration, word for word, beside our circuit."""
    if not ORIGINAL.is_dir():
        pytest.skip("the original's configuration does not lie beside the project")

    def make(name, **switched_on):
        folder = tmp_path / name
        shutil.copytree(tiny_template, folder)
        file = folder / "simulation_config.json"
        text = next(ORIGINAL.glob("simulation_config.json")).read_text()
        for key in switched_on:
            assert text.count(f'"{key}": false') == 1
            text = text.replace(f'"{key}": false', f'"{key}": true')
        file.write_text(text)
        return folder

    return make


def test_the_original_configuration_runs_unchanged(original, tools):
    folder = original("original")
    done = tools["launch"]("compute", folder, ranks=2)
    assert done.returncode == 0, done.stdout
    written = {path.name for path in (folder / "RESULTS").iterdir()}
    assert {"metab_atpi_after_sync.h5", "ndam_v.h5", "alive_gids.h5"} <= written


def test_the_original_configuration_runs_with_all_its_simulators(original, tools):
    folder = original("all", with_steps=True, with_bloodflow=True)
    done = tools["launch"]("compute", folder, ranks=2)
    assert done.returncode == 0, done.stdout


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
