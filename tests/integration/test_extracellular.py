"""The extracellular adapter with real STEPS solvers: diffusion, conservation, currents, seeds, checkpoints, errors."""

from __future__ import annotations

import json
import logging
import shutil
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from mpi_coupling.clock import Clock
from mpi_coupling.world import UserError, World
from multiscale_run.config import load_config
from multiscale_run.coupling import TETRAHEDRA, Expression, fields_of
from multiscale_run.geometry.boxes import cubic_mesh
from multiscale_run.simulators.extracellular import ExtracellularSimulator

# not importorskip: an import outside of the adapter would leave STEPS's log files in the working folder
pytestmark = pytest.mark.skipif(
    find_spec("steps") is None, reason="STEPS is not installed: scripts/build-steps-wheel and pip install its wheel"
)

SIDE, EDGE = 120.0, 20.0
"""Of the box and of its cubes, um: 1080 tetrahedra."""
DIFFUSION = 2e-9
PERIOD = 1000
FARADAY = 96485.33212
STOCHASTIC = {"TetOpSplit": 1e-6, "Tetexact": 1e-9}
"""Solver -> a conc_factor at which it is quick."""

Build = Callable[..., ExtracellularSimulator]


@pytest.fixture(scope="module")
def mesh() -> Any:
    return cubic_mesh(np.zeros(3), np.full(3, SIDE), EDGE)


@pytest.fixture
def build(tiny_template: Path, tmp_path: Path, mesh: Any) -> Build:
    """Builds the adapter of the tiny simulation, with keys of its section and of potassium changed."""

    def make(seed: int = 1, species: dict[str, Any] | None = None, **changes: Any) -> ExtracellularSimulator:
        folder = Path(shutil.copytree(tiny_template, tmp_path / "tiny", dirs_exist_ok=True))
        file = folder / "simulation_config.json"
        settings = json.loads(file.read_text())
        potassium = {"conc_0": 3.0, "diffcst": DIFFUSION, "ncharges": 1}
        settings["run"]["random_seed"] = seed
        settings["multiscale_run"] |= {"with_steps": True, "with_metabolism": False, "connections": {}, "reports": {}}
        settings["multiscale_run"]["steps"] = {
            "ndts": PERIOD,
            "Volsys": {"species": {"KK": potassium} if species is None else species},
        } | changes
        file.write_text(json.dumps(settings))
        config = load_config(folder)
        clock = Clock.from_config(config.run.dt, config.run.tstop)
        return ExtracellularSimulator(config, World.start(), clock, mesh)

    return make


def cosine(mesh: Any, amplitude: float = 1.0) -> np.ndarray:
    """The slowest mode of a closed box, round 3 mM."""
    return 3.0 + amplitude * np.cos(np.pi * mesh.vertices[mesh.tetrahedra].mean(axis=1)[:, 0] / SIDE)


def run(simulator: ExtracellularSimulator, n_steps: int, first: int = 1) -> np.ndarray:
    for step in range(first, first + n_steps):
        simulator.advance(step * PERIOD)
    return simulator.molecules


def test_fields_live_on_the_tetrahedra(build: Build, mesh: Any) -> None:
    space = build()
    fields = fields_of(type(space))
    assert {name for name, field in fields.items() if field.writable} == {
        "set_concentrations",
        "set_tet_concs",
        "add_curr_to_conc",
    }
    assert {field.domain for field in fields.values()} == {TETRAHEDRA}
    domain = space.domains()[TETRAHEDRA]
    assert domain.size == len(mesh.volumes) and not domain.distributed
    for name, field in fields.items():
        assert field.required == {"species_name"}
        assert field.writable or getattr(space, name)(species_name="KK").shape == (domain.size,)


def test_cosine_decays_at_the_analytic_rate(build: Build, mesh: Any) -> None:
    space = build()
    space.set_concentrations(cosine(mesh), species_name="KK")
    run(space, 20)
    seconds = 20 * PERIOD * 0.025e-3
    mode = cosine(mesh) - 3.0
    amplitude = mode @ (space.get_concentrations(species_name="KK") - 3.0) / (mode @ mode)
    rate = -np.log(amplitude) / seconds
    # the stencil's error is of second order: 0.4 % on 6 cubes
    assert rate == pytest.approx(DIFFUSION * (np.pi / (1e-6 * SIDE)) ** 2, rel=6e-3)


def test_ode_agrees_with_the_exponential_of_the_stencil(build: Build, mesh: Any) -> None:
    """The two-point flux D A / d between barycentres, integrated exactly."""
    from scipy.sparse import coo_matrix, diags
    from scipy.sparse.linalg import expm_multiply

    faces = np.sort(mesh.tetrahedra[:, [[1, 2, 3], [0, 2, 3], [0, 1, 3], [0, 1, 2]]], axis=2).reshape(-1, 3)
    _, face = np.unique(faces, axis=0, return_inverse=True)
    order = np.argsort(face, kind="stable")
    pairs = np.flatnonzero(np.diff(face.ravel()[order]) == 0)
    one, other = order[pairs] // 4, order[pairs + 1] // 4
    points = 1e-6 * mesh.vertices[faces[order[pairs]]]
    area = 0.5 * np.linalg.norm(np.cross(points[:, 1] - points[:, 0], points[:, 2] - points[:, 0]), axis=1)
    centres = 1e-6 * mesh.vertices[mesh.tetrahedra].mean(axis=1)
    flux = DIFFUSION * area / np.linalg.norm(centres[one] - centres[other], axis=1)
    rows, columns = np.concatenate([one, other]), np.concatenate([other, one])
    exchange = coo_matrix((np.concatenate([flux, flux]), (rows, columns)), shape=(len(centres),) * 2).tocsr()
    matrix = diags(1 / (1e-18 * mesh.volumes)) @ (exchange - diags(np.asarray(exchange.sum(axis=1)).ravel()))

    start = 3.0 + np.random.default_rng(5).uniform(-1, 1, len(centres))
    space = build()
    space.set_concentrations(start, species_name="KK")
    run(space, 4)
    expected = expm_multiply(matrix * (4 * PERIOD * 0.025e-3), start)
    np.testing.assert_allclose(space.get_concentrations(species_name="KK"), expected, rtol=0, atol=2e-5)


@pytest.mark.parametrize("solver", ["TetODE", *STOCHASTIC])
def test_diffusion_conserves_every_ion(build: Build, mesh: Any, solver: str) -> None:
    space = build(solver=solver, conc_factor=STOCHASTIC.get(solver, 1.0))
    space.set_concentrations(cosine(mesh, 2.0), species_name="KK")
    before = space.molecules.sum()
    after = run(space, 4).sum()
    assert abs(after / before - 1) < 1e-12
    assert np.abs(space.molecules - space.amounts.molecules(cosine(mesh, 2.0))).max() > 1e-3 * space.molecules.mean()


@pytest.mark.parametrize("solver", ["TetODE", *STOCHASTIC])
@pytest.mark.parametrize(("charge", "fraction"), [(1, 1.0), (-1, 0.2)])
def test_current_and_diffusion_balance_the_charge(
    build: Build, mesh: Any, solver: str, charge: int, fraction: float
) -> None:
    ion = {"X": {"conc_0": 3.0, "diffcst": DIFFUSION, "ncharges": charge}}
    factor = STOCHASTIC.get(solver, 1.0)
    space = build(species=ion, solver=solver, conc_factor=factor, extracellular_volume_fraction=fraction)
    litres = 1e-15 * fraction * mesh.volumes
    moles = [1e-3 * (space.get_concentrations(species_name="X") * litres).sum()]
    currents = np.random.default_rng(2).normal(1e-9, 3e-9, len(mesh.volumes))  # mA
    for step in range(1, 5):
        space.advance(step * PERIOD)
        space.add_curr_to_conc(currents, species_name="X")
        moles.append(1e-3 * (space.get_concentrations(species_name="X") * litres).sum())
    expected = 1e-3 * currents.sum() * PERIOD * 0.025e-3 / (charge * FARADAY)
    scale = 1e-3 * np.abs(currents).sum() * PERIOD * 0.025e-3 / FARADAY
    np.testing.assert_allclose(np.diff(moles) / scale, expected / scale, rtol=0, atol=1e-9)


def test_original_unit_survives_the_original_expression(build: Build, mesh: Any) -> None:
    space = build(conc_factor=1e-9)
    space.set_concentrations(cosine(mesh), species_name="KK")
    text = "vals * (1.0 / (1.0e-3 * config.multiscale_run.steps.conc_factor))"
    view = SimpleNamespace(multiscale_run=SimpleNamespace(steps=SimpleNamespace(conc_factor=1e-9)))
    millimolar = Expression(text, view)(space.get_tet_concs(species_name="KK"))
    np.testing.assert_allclose(millimolar, cosine(mesh), rtol=1e-14)
    space.set_tet_concs(space.get_tet_concs(species_name="KK") * 2, species_name="KK")
    np.testing.assert_allclose(space.get_concentrations(species_name="KK"), 2 * cosine(mesh), rtol=1e-14)


def test_results_of_the_ode_do_not_depend_on_the_factor(build: Build, mesh: Any) -> None:
    results = []
    for changes in ({}, {"conc_factor": 1e-9}, {"conc_factor": 1e-3, "extracellular_volume_fraction": 0.2}):
        space = build(**changes)
        space.set_concentrations(cosine(mesh), species_name="KK")
        run(space, 3)
        results.append(space.get_concentrations(species_name="KK"))
    for other in results[1:]:
        np.testing.assert_allclose(other, results[0], rtol=1e-6)


def test_counts_are_concentrations_times_volume(build: Build, mesh: Any) -> None:
    space = build(conc_factor=1e-3, extracellular_volume_fraction=0.2)
    expected = 3.0 * 0.2e-18 * mesh.volumes * 6.02214076e23 * 1e-3
    np.testing.assert_allclose(space.get_tet_counts(species_name="KK"), expected, rtol=1e-13)


@pytest.mark.parametrize("solver", list(STOCHASTIC))
def test_stochastic_solver_scatters_round_the_deterministic_one(build: Build, mesh: Any, solver: str) -> None:
    results = {}
    for name in ("TetODE", solver):
        space = build(solver=name, conc_factor=STOCHASTIC[solver])
        space.set_concentrations(cosine(mesh, 2.0), species_name="KK")
        run(space, 4)
        results[name] = space.molecules[0]
    # Poisson: the variance of a count is its mean
    deviation = (results[solver] - results["TetODE"]) / np.sqrt(results["TetODE"])
    assert 0.8 < np.sqrt(np.mean(deviation**2)) < 1.2


@pytest.mark.parametrize("solver", list(STOCHASTIC))
def test_seed_alone_decides_a_stochastic_run(build: Build, solver: str) -> None:
    options = {"solver": solver, "conc_factor": STOCHASTIC[solver]}
    one, same, other = (run(build(seed=seed, **options), 2) for seed in (7, 7, 8))
    np.testing.assert_array_equal(one, same)
    assert (one != other).mean() > 0.5


@pytest.mark.parametrize("solver", list(STOCHASTIC))
def test_each_period_draws_new_random_numbers(build: Build, solver: str) -> None:
    space = build(solver=solver, conc_factor=STOCHASTIC[solver])
    changes = []
    for step in (1, 2):
        space.set_concentrations(np.full(space.molecules.shape[1], 3.0), species_name="KK")
        before = space.molecules
        changes.append(run(space, 1, first=step) - before)
    assert abs(np.corrcoef(*np.concatenate(changes))[0, 1]) < 0.2


@pytest.mark.parametrize("solver", ["TetODE", *STOCHASTIC])
def test_restored_state_continues_to_the_same_bits(build: Build, mesh: Any, solver: str) -> None:
    options = {"solver": solver, "conc_factor": STOCHASTIC.get(solver, 1.0)}
    currents = np.random.default_rng(3).normal(0.0, 2e-9, len(mesh.volumes))
    space = build(**options)
    space.set_concentrations(cosine(mesh, 2.0), species_name="KK")
    run(space, 3)
    saved = {name: np.copy(values) for name, values in space.state().items()}
    space.add_curr_to_conc(currents, species_name="KK")
    run(space, 3, first=4)
    for other in (space, build(**options)):
        expected = space.molecules.copy()
        other.restore(saved)
        other.add_curr_to_conc(currents, species_name="KK")
        np.testing.assert_array_equal(run(other, 3, first=4), expected)


def test_two_species_do_not_mix(build: Build, mesh: Any) -> None:
    still = {"conc_0": 140.0, "diffcst": 0.0, "ncharges": 1}
    moving = {"conc_0": 3.0, "diffcst": DIFFUSION, "ncharges": 1}
    space = build(species={"Na": still, "KK": moving})
    space.set_concentrations(140.0 + cosine(mesh), species_name="Na")
    space.set_concentrations(cosine(mesh), species_name="KK")
    run(space, 4)
    np.testing.assert_allclose(space.get_concentrations(species_name="Na"), 140.0 + cosine(mesh), rtol=1e-14)
    alone = build()
    alone.set_concentrations(cosine(mesh), species_name="KK")
    run(alone, 4)
    together, by_itself = (s.get_concentrations(species_name="KK") for s in (space, alone))
    np.testing.assert_allclose(together, by_itself, rtol=1e-5)


def test_ions_spread_from_one_tetrahedron_into_empty_space(build: Build, mesh: Any) -> None:
    space = build(species={"KK": {"conc_0": 0.0, "diffcst": DIFFUSION, "ncharges": 1}})
    values = np.zeros(len(mesh.volumes))
    values[500] = 10.0
    space.set_concentrations(values, species_name="KK")
    before = space.molecules.sum()
    run(space, 3)
    concentrations = space.get_concentrations(species_name="KK")
    assert abs(space.molecules.sum() / before - 1) < 1e-12
    assert (concentrations >= 0).all() and np.argmax(concentrations) == 500 and (concentrations > 0).mean() > 0.9


def test_rounding_below_zero_is_carried_along(build: Build, mesh: Any) -> None:
    space = build(species={"KK": {"conc_0": 0.0, "diffcst": DIFFUSION, "ncharges": 1}})
    values = np.zeros(len(mesh.volumes))
    values[500] = 1.0
    space.set_concentrations(values, species_name="KK")
    currents = np.zeros(len(mesh.volumes))
    currents[7] = -1e3 * FARADAY * 1e-25 * mesh.volumes[7] / 0.025  # 1e-7 mM
    space.add_curr_to_conc(currents, species_name="KK")
    before = space.molecules.sum()
    assert space.molecules[0, 7] < 0 and space.get_concentrations(species_name="KK")[7] == 0
    assert abs(run(space, 1).sum() / before - 1) < 1e-12


def test_nan_leaves_a_tetrahedron_as_it_is(build: Build, mesh: Any) -> None:
    space = build()
    values = np.full(len(mesh.volumes), np.nan)
    values[3] = 7.0
    space.set_concentrations(values, species_name="KK")
    expected = np.full(len(values), 3.0)
    expected[3] = 7.0
    np.testing.assert_allclose(space.get_concentrations(species_name="KK"), expected, rtol=1e-15)


def test_current_that_takes_more_than_there_is_ends_the_run(build: Build, mesh: Any) -> None:
    space = build()
    currents = np.zeros(len(mesh.volumes))
    # mA that would take 5 mM in 25 ms where there are 3
    currents[[10, 20]] = -1e3 * FARADAY * 5e-18 * mesh.volumes[[10, 20]] / 0.025
    before = space.molecules.copy()
    with pytest.raises(UserError, match=r"the KK current of the 25 ms before 0 ms would leave 2 of 1080 .* -2 mM in"):
        space.add_curr_to_conc(currents, species_name="KK")
    np.testing.assert_array_equal(space.molecules, before)


@pytest.mark.parametrize("value", [-0.1, np.inf])
def test_impossible_concentration_is_refused(build: Build, mesh: Any, value: float) -> None:
    values = np.full(len(mesh.volumes), 3.0)
    values[11] = value
    with pytest.raises(UserError, match=r"setting KK would leave 1 of 1080 .* in tetrahedron 11 at"):
        build().set_concentrations(values, species_name="KK")


@pytest.mark.parametrize("solver", list(STOCHASTIC))
def test_counts_beyond_32_bits_are_refused_before_they_wrap(build: Build, mesh: Any, solver: str) -> None:
    # at 3 mM only the large tetrahedra in the middle of cubes hold more than 2^32
    with pytest.raises(UserError, match=rf"216 of 1080 tetrahedra .* {solver} can count .* steps\.conc_factor from 1"):
        build(solver=solver, conc_factor=1.0)
    space = build(solver=solver, conc_factor=STOCHASTIC[solver])
    values = np.full(len(mesh.volumes), 3.0)
    values[5] = 4.3e9 / space.amounts.per_millimolar[5]
    space.set_concentrations(values, species_name="KK")
    with pytest.raises(UserError, match=r"1 of 1080 tetrahedra .* in tetrahedron 5 at"):
        space.advance(PERIOD)


def test_what_would_take_hours_is_refused(build: Build) -> None:
    with pytest.raises(UserError, match=r"Tetexact draws the jumps of KK one by one, .* to at most .*, or set steps"):
        build(solver="Tetexact", conc_factor=1e-3)
    build(solver="TetOpSplit", conc_factor=1e-3)


def test_shot_noise_is_warned_of(build: Build, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        build(solver="TetOpSplit", conc_factor=1e-9)
        assert "concentration will fluctuate by" in caplog.text
        caplog.clear()
        build(solver="TetODE", conc_factor=1e-9)
        assert not caplog.text


def test_solver_without_build_and_unknown_species_are_refused(build: Build) -> None:
    with pytest.raises(UserError, match=r"steps\.solver is DistTetOpSplit.* use TetOpSplit"):
        build(solver="DistTetOpSplit")
    with pytest.raises(UserError, match=r"no species 'Na'; steps\.Volsys\.species has KK"):
        build().get_tet_concs(species_name="Na")


def test_uncharged_species_takes_no_current(build: Build, mesh: Any) -> None:
    space = build(species={"glucose": {"conc_0": 1.0, "diffcst": DIFFUSION, "ncharges": 0}})
    with pytest.raises(UserError, match=r"species\.glucose\.ncharges is 0"):
        space.add_curr_to_conc(np.zeros(len(mesh.volumes)), species_name="glucose")
