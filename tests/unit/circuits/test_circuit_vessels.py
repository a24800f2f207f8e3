"""The vasculature: connected, without dead ends, Murray's law, sections."""

import numpy as np
import pytest
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from multiscale_run.circuits import CircuitSpec, tables
from multiscale_run.circuits.space import stream
from multiscale_run.circuits.vasculature import grow_vasculature
from multiscale_run.circuits.vessel_network import cortical_vessels


@pytest.fixture(scope="module", params=[(60, 1), (150, 1), (150, 2), (400, 3)])
def spec(request):
    size, seed = request.param
    return CircuitSpec(size_um=size, seed=seed)


@pytest.fixture(scope="module")
def vessels(spec):
    return grow_vasculature(spec)


def test_connected_with_inlets_and_outlets(vessels):
    count = len(vessels.points)
    assert set(vessels.ends.ravel()) == set(range(count))
    graph = coo_array((np.ones(len(vessels)), vessels.ends.T), shape=(count, count))
    assert connected_components(graph, directed=False)[0] == 1
    degree = np.bincount(vessels.ends.ravel())
    assert degree.max() == 3
    assert set(np.flatnonzero(degree == 1)) == {*vessels.inlets, *vessels.outlets}
    assert vessels.inlets and vessels.outlets


def test_tops_lie_at_the_pia(vessels, spec):
    tops = [*vessels.inlets, *vessels.outlets]
    np.testing.assert_allclose(vessels.points[tops, 1], spec.edge_um)
    assert (vessels.points >= 0).all() and (vessels.points <= spec.edge_um).all()


def test_sections_are_maximal_unbranched_chains(vessels):
    degree = np.bincount(vessels.ends.ravel())
    for section in range(vessels.section_id.max() + 1):
        rows = np.flatnonzero(vessels.section_id == section)
        assert list(vessels.segment_id[rows]) == list(range(len(rows)))
        ends = vessels.ends[rows]
        np.testing.assert_array_equal(ends[1:, 0], ends[:-1, 1])
        assert (degree[ends[1:, 0]] == 2).all()
        assert degree[ends[0, 0]] != 2 and degree[ends[-1, 1]] != 2


def test_diameters_and_types(vessels):
    inner = np.bincount(vessels.ends.ravel()) == 2
    start, end = vessels.ends.T
    both_inner = inner[start] & inner[end]
    diameters = 2 * vessels.radii
    assert set(vessels.types) == {3, 4, 5, 6, 7}
    capillaries = diameters[both_inner & (vessels.types == 7)]
    assert capillaries.min() >= 4 and capillaries.max() <= 7
    assert ((vessels.diameters[vessels.inlets] >= 10) & (vessels.diameters[vessels.inlets] <= 20)).all()
    assert ((vessels.diameters[vessels.outlets] >= 12) & (vessels.diameters[vessels.outlets] <= 25)).all()
    length = np.linalg.norm(vessels.points[end] - vessels.points[start], axis=1)
    assert length.max() < 12 and 7 < length.mean() < 11 and length.min() > 0


def test_murray_at_every_branching_of_the_trees(spec):
    network = cortical_vessels(stream(spec.seed, "vasculature"), spec.edge_um, tables.read_toml("vessels"))
    ends, types = np.array(network.ends), np.array(network.types)
    cubes = np.array(network.diameters) ** 3
    checked = 0
    for kind in ("arterioles", "venules"):
        table = tables.read_toml("vessels")[kind]
        for trunk in np.flatnonzero(types == table["type"]):
            below = ends[trunk, 1]  # trunks are drawn from the pia down
            daughters = np.flatnonzero((ends[:, 0] == below) & np.isin(types, (table["type"], table["branch_type"])))
            assert len(daughters) == 2
            assert cubes[daughters].sum() == pytest.approx(cubes[trunk])
            checked += 1
    assert checked >= 6


def test_capillary_density_is_that_of_cortex():
    vessels = grow_vasculature(CircuitSpec(size_um=500))
    length = np.linalg.norm(np.diff(vessels.points[vessels.ends], axis=1)[:, 0], axis=1).sum()
    metres_per_mm3 = length * 1e-6 / 0.5**3
    assert 0.4 < metres_per_mm3 < 1.2


def test_flow_reaches_the_outlets(vessels):
    """Kirchhoff's law on the graph: with Poiseuille conductances the venules drain all that the arterioles bring."""
    start, end = vessels.ends.T
    length = np.linalg.norm(vessels.points[end] - vessels.points[start], axis=1)
    conductance = vessels.radii**4 / length
    count = len(vessels.points)
    laplacian = np.zeros((count, count))
    np.add.at(laplacian, (start, start), conductance)
    np.add.at(laplacian, (end, end), conductance)
    np.add.at(laplacian, (start, end), -conductance)
    np.add.at(laplacian, (end, start), -conductance)
    fixed = np.array([*vessels.inlets, *vessels.outlets])
    free = np.setdiff1d(np.arange(count), fixed)
    pressure = np.zeros(count)
    pressure[vessels.inlets] = 1.0
    pressure[free] = np.linalg.solve(laplacian[np.ix_(free, free)], -laplacian[np.ix_(free, fixed)] @ pressure[fixed])
    flow = laplacian @ pressure
    brought, drained = flow[vessels.inlets].sum(), -flow[vessels.outlets].sum()
    assert brought > 0 and brought == pytest.approx(drained)
    along = conductance * np.abs(pressure[start] - pressure[end])
    assert np.median(along) > 1e-4 * brought, "most segments carry blood"
