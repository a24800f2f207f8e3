"""Flow against resistor networks by hand, Kirchhoff's law, and AstroVascPy."""

from __future__ import annotations

import importlib.util
import sys
from typing import Any

import numpy as np
import pytest

from mpi_coupling.world import UserError
from multiscale_run.bloodflow import Boundary, find_boundary, make_solver, resistance
from multiscale_run.bloodflow.solver import GroundedSolver, PerfusionSolver
from multiscale_run.config.schema.bloodflow import Bloodflow

VISCOSITY, BASE = 1.2e-6, 1.33e-3


def boundary_of(graph: Any, inlet: int, outlet: int, flow: float) -> Boundary:
    flows = np.zeros(graph.n_points)
    flows[[inlet, outlet]] = flow, -flow
    return Boundary(np.array([inlet]), np.array([outlet]), np.array([], int), flows)


def imbalance(graph: Any, flow: np.ndarray, inflow: np.ndarray) -> np.ndarray:
    """What enters each point minus what leaves it."""
    start, end = graph.ends.T
    return inflow - np.bincount(start, flow, graph.n_points) + np.bincount(end, flow, graph.n_points)


def test_resistance_is_poiseuille_times_the_hematocrit_factor() -> None:
    poiseuille = 8 * 1.2e-6 * 10 / (np.pi * 3.0**4)
    factor = 4 * (1 - 0.863 * np.exp(-3 / 14.3) + 27.5 * np.exp(-3 / 0.351))
    np.testing.assert_allclose(resistance(np.array([10.0]), np.array([3.0]), 1.2e-6), poiseuille * factor, rtol=1e-14)


@pytest.fixture
def ladder(graph_of: Any) -> Any:
    """An inlet, two paths in parallel (one of them of three segments, one against the walk), an outlet."""
    positions = [(0, 9, 0), (0, 8, 0), (1, 7, 0), (1, 6, 0), (0, 4, 0), (0, 0, 0)]
    ends = [(0, 1), (1, 4), (1, 2), (3, 2), (3, 4), (4, 5)]
    return graph_of(ends, positions, [4.0, 2.0, 2.5, 3.0, 3.5, 5.0])


def test_resistors_in_series_and_parallel_by_hand(ladder: Any) -> None:
    r = resistance(ladder.lengths, ladder.radii, VISCOSITY)
    solution = GroundedSolver(ladder, boundary_of(ladder, 0, 5, 1000.0), VISCOSITY, BASE).solve(ladder.radii)
    series = r[2] + r[3] + r[4]
    direct, around = 1000 * series / (r[1] + series), 1000 * r[1] / (r[1] + series)
    np.testing.assert_allclose(solution.flow, [1000, direct, around, -around, around, 1000], rtol=1e-11)
    p5 = BASE
    p4 = p5 + 1000 * r[5]
    p3 = p4 + around * r[4]
    p2 = p3 + around * r[3]
    p1 = p4 + direct * r[1]
    np.testing.assert_allclose(solution.pressure, [p1 + 1000 * r[0], p1, p2, p3, p4, p5], rtol=1e-11)


def test_wider_path_takes_more_of_the_same_flow(ladder: Any) -> None:
    solver = GroundedSolver(ladder, boundary_of(ladder, 0, 5, 1000.0), VISCOSITY, BASE)
    before = solver.solve(ladder.radii).flow
    wider = ladder.radii.copy()
    wider[1] *= 1.1
    after = solver.solve(wider).flow
    assert after[1] > before[1] and after[2] < before[2]
    assert after[0] == pytest.approx(1000, rel=1e-12)
    np.testing.assert_array_equal(solver.solve(ladder.radii).flow, before, err_msg="no memory of other radii")


def test_kept_pressures_let_flow_rise_with_the_radii(ladder: Any) -> None:
    boundary = boundary_of(ladder, 0, 5, 1000.0)
    rest = GroundedSolver(ladder, boundary, VISCOSITY, BASE).solve(ladder.radii)
    solver = PerfusionSolver(ladder, boundary, VISCOSITY, rest.pressure)
    same = solver.solve(ladder.radii)
    np.testing.assert_allclose(same.flow, rest.flow, rtol=1e-10)
    np.testing.assert_allclose(same.pressure, rest.pressure, rtol=1e-12)

    def whole(radii: np.ndarray) -> float:
        r = resistance(ladder.lengths, radii, VISCOSITY)
        return r[0] + r[5] + 1 / (1 / r[1] + 1 / r[2:5].sum())

    wider = ladder.radii * 1.1
    dilated = solver.solve(wider)
    assert dilated.flow[0] == pytest.approx(1000 * whole(ladder.radii) / whole(wider), rel=1e-10)
    np.testing.assert_array_equal(dilated.pressure[[0, 5]], rest.pressure[[0, 5]])


def test_single_vessel_has_no_unknown_left(graph_of: Any) -> None:
    graph = graph_of([(0, 1), (2, 1)], [(0, 9, 0), (0, 5, 0), (0, 0, 0)], [2.0, 3.0])
    boundary = boundary_of(graph, 0, 2, 100.0)
    rest = GroundedSolver(graph, boundary, VISCOSITY, BASE).solve(graph.radii)
    np.testing.assert_allclose(rest.flow, [100, -100], rtol=1e-12)
    kept = PerfusionSolver(graph, boundary, VISCOSITY, rest.pressure).solve(graph.radii)
    np.testing.assert_allclose(kept.flow, rest.flow, rtol=1e-12)
    np.testing.assert_allclose(kept.pressure, rest.pressure, rtol=1e-12)


def test_pieces_apart_have_no_flow_and_no_pressure(graph_of: Any) -> None:
    """Another piece, a ring of its own, a loop that hangs from one point."""
    positions = [(0, y, z) for z in range(4) for y in range(4)]
    ends = [
        (0, 1),
        (1, 2),
        (2, 3),
        (1, 4),
        (4, 5),
        (5, 1),
        (8, 9),
        (9, 10),
        (10, 8),
        (12, 13),
        (6, 7),
        (11, 14),
        (15, 14),
    ]
    graph = graph_of(ends, positions)
    boundary = find_boundary(graph, Bloodflow(max_nb_inputs=1, input_v=10.0))
    solution = GroundedSolver(graph, boundary, VISCOSITY, BASE).solve(graph.radii)
    np.testing.assert_allclose(solution.flow, [-10, -10, -10] + [0] * 10, atol=1e-11)
    assert (np.isnan(solution.pressure) == ~graph.is_main).all()
    assert graph.is_main.sum() == 6


def test_mass_is_conserved_at_every_point(vasculature: Any) -> None:
    boundary = find_boundary(vasculature, Bloodflow())
    solution = GroundedSolver(vasculature, boundary, VISCOSITY, BASE).solve(vasculature.radii)
    assert np.abs(imbalance(vasculature, solution.flow, boundary.flow)).max() < 1e-12 * boundary.flow.max()
    start, end = vasculature.ends.T
    drop = solution.pressure[start] - solution.pressure[end]
    expected = solution.flow * resistance(vasculature.lengths, vasculature.radii, VISCOSITY)
    np.testing.assert_allclose(drop, expected, rtol=0, atol=1e-12 * solution.pressure.max())
    assert solution.pressure[vasculature.loose_ends].min() == BASE


@pytest.mark.parametrize("seed", range(8))
def test_random_networks_agree_with_a_dense_solve(graph_of: Any, seed: int) -> None:
    """Trees with loops, parallel vessels and long chains; both kinds of boundary."""
    rng = np.random.default_rng(seed)
    n = 60
    parents = np.where(rng.random(n - 1) < 0.6, np.arange(n - 1), rng.integers(0, np.arange(1, n)))
    ends = [(int(p), i + 1) for i, p in enumerate(parents)] + [tuple(rng.choice(n, 2, False)) for _ in range(12)]
    ends += [ends[5]]
    graph = graph_of(ends, rng.uniform(0, 100, (n, 3)), rng.uniform(2, 6, len(ends)))
    boundary = find_boundary(graph, Bloodflow(max_nb_inputs=1, depth_ratio=1))
    conductance = 1 / resistance(graph.lengths, graph.radii, VISCOSITY)
    incidence = np.zeros((len(ends), n))
    incidence[np.arange(len(ends)), graph.ends[:, 0]], incidence[np.arange(len(ends)), graph.ends[:, 1]] = 1, -1
    laplacian = incidence.T @ (conductance[:, None] * incidence)
    expected = conductance * (incidence @ np.linalg.lstsq(laplacian, boundary.flow, rcond=None)[0])
    solution = GroundedSolver(graph, boundary, VISCOSITY, BASE).solve(graph.radii)
    np.testing.assert_allclose(solution.flow, expected, rtol=0, atol=1e-9 * boundary.flow.max())
    kept = PerfusionSolver(graph, boundary, VISCOSITY, solution.pressure).solve(graph.radii)
    np.testing.assert_allclose(kept.flow, solution.flow, rtol=0, atol=1e-9 * boundary.flow.max())


def test_flows_are_those_of_astrovascpy(vasculature: Any) -> None:
    pytest.importorskip("astrovascpy", reason="AstroVascPy is not installed: pip install AstroVascPy")
    boundary = find_boundary(vasculature, Bloodflow())
    ours = make_solver(vasculature, boundary, Bloodflow(solver="grounded"))
    theirs = make_solver(vasculature, boundary, Bloodflow(solver="astrovascpy"))
    radii = vasculature.radii.copy()
    for _ in range(2):
        a, b = ours.solve(radii), theirs.solve(radii)
        np.testing.assert_allclose(a.flow, b.flow, rtol=0, atol=1e-10 * np.abs(b.flow).max())
        np.testing.assert_allclose(a.pressure, b.pressure, rtol=1e-10)
        radii *= np.random.default_rng(1).uniform(0.8, 1.2, len(radii))


def test_lengths_and_radii_are_those_astrovascpy_reads(vasculature: Any, vasculature_file: Any) -> None:
    pytest.importorskip("astrovascpy", reason="AstroVascPy is not installed: pip install AstroVascPy")
    from vascpy import PointVasculature

    from multiscale_run.bloodflow.astrovascpy import import_astrovascpy

    utils, _ = import_astrovascpy()
    theirs = utils.Graph.from_point_vasculature(PointVasculature.load_sonata(str(vasculature_file)))
    np.testing.assert_array_equal(theirs.edges, vasculature.ends)
    np.testing.assert_array_equal(theirs.cc_mask, vasculature.is_main)
    # it adds coordinates in single precision
    np.testing.assert_allclose(theirs.edge_properties["length"], vasculature.lengths, rtol=1e-4)
    np.testing.assert_allclose(theirs.edge_properties["radius"], vasculature.radii, rtol=1e-6)


def test_the_stand_in_for_petsc_does_not_stay(vasculature: Any) -> None:
    pytest.importorskip("astrovascpy", reason="AstroVascPy is not installed: pip install AstroVascPy")
    make_solver(vasculature, find_boundary(vasculature, Bloodflow()), Bloodflow(solver="astrovascpy"))
    is_absent = importlib.util.find_spec("petsc4py") is None  # raises if the stand-in is still there
    assert is_absent == ("petsc4py" not in sys.modules)


def test_petsc_is_refused(vasculature: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BACKEND_SOLVER_BFS", "petsc")
    with pytest.raises(UserError, match=r"BACKEND_SOLVER_BFS = petsc: .* unset it"):
        make_solver(vasculature, find_boundary(vasculature, Bloodflow()), Bloodflow(solver="astrovascpy"))
