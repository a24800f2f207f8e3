"""Where blood enters and leaves."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from mpi_coupling.world import UserError
from multiscale_run.bloodflow import VesselType, find_boundary
from multiscale_run.config.schema.bloodflow import Bloodflow

TOPS = [(x, 100.0, 0.0) for x in (0, 10, 20, 30)]
BOTTOM = [(5.0, 0.0, 0.0)]
JUNCTION = [(5.0, 50.0, 0.0)]
ENDS = [(0, 5), (1, 5), (2, 5), (3, 5), (5, 4)]
A, V, U = VesselType.ARTERIOLE, VesselType.VENULE, VesselType.UNKNOWN


@pytest.fixture
def star(graph_of: Any) -> Any:
    """Four vessels from the surface and one from the bottom meet in a point."""

    def make(types: Any = U, radii: Any = (5, 6, 7, 8, 4)) -> Any:
        return graph_of(ENDS, TOPS + BOTTOM + JUNCTION, radii, types)

    return make


def test_without_types_the_widest_at_the_surface_are_inlets(star: Any) -> None:
    boundary = find_boundary(star(), Bloodflow(max_nb_inputs=3))
    assert boundary.inlets.tolist() == [1, 2, 3]
    assert boundary.outlets.tolist() == [0, 4] and not len(boundary.closed)


def test_a_wide_venule_is_no_inlet(star: Any) -> None:
    boundary = find_boundary(star([A, A, V, V, U]), Bloodflow(max_nb_inputs=3))
    assert sorted(boundary.inlets) == [0, 1] and boundary.outlets.tolist() == [2, 3, 4]


def test_arterioles_beyond_the_number_are_closed_not_drains(star: Any) -> None:
    boundary = find_boundary(star([A, A, A, V, U]), Bloodflow(max_nb_inputs=1))
    assert boundary.inlets.tolist() == [2] and boundary.closed.tolist() == [0, 1]
    assert (boundary.flow[boundary.closed] == 0).all()


def test_outflow_is_shared_by_cross_section_and_balances(star: Any) -> None:
    boundary = find_boundary(star([A, A, V, V, U]), Bloodflow(input_v=1000.0))
    assert (boundary.flow[boundary.inlets] == 1000.0).all()
    np.testing.assert_allclose(boundary.flow[[2, 3, 4]], -2000 * np.array([49, 64, 16]) / 129, rtol=1e-14)
    assert abs(boundary.flow.sum()) < 1e-9


def test_axis_and_depth_choose_the_surface(star: Any) -> None:
    assert find_boundary(star(), Bloodflow(vasc_axis=0, max_nb_inputs=1)).inlets.tolist() == [3]
    everywhere = find_boundary(star(radii=(5, 6, 7, 8, 9)), Bloodflow(depth_ratio=1, max_nb_inputs=1))
    assert everywhere.inlets.tolist() == [4]


def test_no_outlet_is_an_error_with_a_remedy(star: Any) -> None:
    with pytest.raises(UserError, match=r"max_nb_inputs = 9: all 5 loose ends .* no outlet is left; lower it"):
        find_boundary(star(), Bloodflow(max_nb_inputs=9, depth_ratio=1))


def test_no_inlet_is_an_error_with_a_remedy(graph_of: Any) -> None:
    ring = [(0, 10, 0), (5, 5, 0), (0, 0, 0), (10, 0, 0)]
    graph = graph_of([(0, 1), (1, 2), (2, 0), (2, 3)], ring)
    with pytest.raises(UserError, match=r"depth_ratio = 0.05, vasc_axis = 1: none of the 1 loose ends .* along y"):
        find_boundary(graph, Bloodflow())


def test_inlets_are_those_of_astrovascpy(vasculature: Any) -> None:
    """Where types do not matter: the same points by the same rule."""
    pytest.importorskip("astrovascpy", reason="AstroVascPy is not installed: pip install AstroVascPy")
    from dataclasses import replace

    from multiscale_run.bloodflow.astrovascpy import build_graph, import_astrovascpy

    utils, bloodflow = import_astrovascpy()
    graph, settings = replace(vasculature, types=vasculature.types * 0), Bloodflow(max_nb_inputs=1, input_v=123.0)
    theirs = build_graph(utils, graph)
    inlets = utils.create_entry_largest_nodes(
        theirs,
        settings.model_dump(include={"max_nb_inputs", "depth_ratio", "vasc_axis", "blood_viscosity", "base_pressure"}),
    )
    boundary = find_boundary(graph, settings)
    assert inlets.tolist() == boundary.inlets.tolist()
    flow = bloodflow.boundary_flows_A_based(theirs, inlets, [123.0])
    np.testing.assert_allclose(boundary.flow, flow, rtol=1e-12, atol=1e-12)
