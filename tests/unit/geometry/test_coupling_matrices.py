"""Coupling matrices: definitions, sums, flows of a chain, laziness, the store, the operators."""

import dataclasses

import numpy as np
import pytest

from mpi_coupling.world import UserError, World
from multiscale_run.coupling import Domain, Expression, Sample, Transfers
from multiscale_run.geometry import (
    RECIPES,
    CouplingMatrices,
    MatrixStore,
    NeuronSegments,
    Overlap,
    Tissue,
    VesselSegments,
    cubic_mesh,
)
from multiscale_run.geometry.operators import tissue_operators

OWNER = np.repeat([0, 1, 2], [40, 30, 50])


def make_neurons(mesh, seed=1):
    rng = np.random.default_rng(seed)
    n = len(OWNER)
    starts, ends = rng.uniform(mesh.lower, mesh.upper, (2, n, 3))
    # ids begin again in every neuron
    section_ids = np.concatenate([np.arange(np.sum(k == OWNER)) // 5 for k in range(3)])
    return NeuronSegments(starts, ends, OWNER, section_ids, rng.uniform(1, 5, n), rng.uniform(1, 5, n), 3)


def make_vessel(mesh, points):
    return VesselSegments(points[:-1], points[1:], np.arange(len(points) - 1) == 0)


@pytest.fixture
def tissue(irregular):
    path = np.random.default_rng(2).uniform(irregular.lower, irregular.upper, (60, 3))
    return Tissue(irregular, make_neurons(irregular), make_vessel(irregular, path))


@pytest.fixture
def matrices(tissue, tmp_path):
    return CouplingMatrices(tissue, MatrixStore(tmp_path / "cache"))


def test_shapes_and_sums(matrices, tissue):
    n_tets, n_sections = tissue.mesh.n_tetrahedra, 8 + 6 + 10
    shapes = {name: named.matrix.shape for name, named in matrices.items()}
    assert shapes == {
        "nXsecMat": (3, n_sections),
        "nsecXnsegMat": (n_sections, 120),
        "nXnsegMatBool": (3, 120),
        "nsegXtetMat": (120, n_tets),
        "nXtetMat": (3, n_tets),
        "tetXbfVolsMat": (n_tets, 59),
        "tetXbfFlowsMat": (n_tets, 59),
        "tetXtetMat": (n_tets, n_tets),
    }
    for name in ("nXsecMat", "nsecXnsegMat", "nsegXtetMat", "nXtetMat"):
        np.testing.assert_allclose(matrices[name].dot(np.ones(shapes[name][1])), 1, atol=1e-13)
    np.testing.assert_allclose(np.asarray(matrices["tetXbfVolsMat"].matrix.sum(axis=0))[0], 1, atol=1e-13)


def test_definitions(matrices, tissue):
    neurons = tissue.neurons
    mine = (neurons.owner == 1) & (neurons.section_ids == 2)
    section = 8 + 2
    share = neurons.volumes[mine].sum() / neurons.volumes[neurons.owner == 1].sum()
    assert matrices["nXsecMat"].matrix[1, section] == pytest.approx(share)
    row = matrices["nsecXnsegMat"].matrix[[section]].toarray()[0]
    np.testing.assert_allclose(row, np.where(mine, neurons.lengths, 0) / neurons.lengths[mine].sum())
    product = matrices["nXsecMat"].matrix @ matrices["nsecXnsegMat"].matrix
    np.testing.assert_array_equal(matrices["nXnsegMatBool"].matrix.toarray(), product.toarray() > 0)
    weights = product @ matrices["nsegXtetMat"].matrix
    np.testing.assert_allclose(matrices["nXtetMat"].matrix.toarray(), weights.toarray())
    diagonal = matrices["tetXtetMat"].matrix.diagonal()
    np.testing.assert_allclose(diagonal * tissue.mesh.volumes, tissue.mesh.volumes.mean())
    assert matrices["tetXtetMat"].matrix.nnz == len(diagonal)


def test_a_vessel_brings_its_flow_once_per_visit(irregular, tmp_path):
    # off the planes of the mesh
    height = (irregular.lower + irregular.upper) / 2 + [0, 1.7, 2.3]
    ends = np.array([[irregular.lower[0], *height[1:]], [irregular.upper[0], *height[1:]]])
    for pieces in (1, 2, 7, 100, 1000):
        points = ends[0] + np.linspace(0, 1, pieces + 1)[:, None] * (ends[1] - ends[0])
        tissue = Tissue(irregular, vessels=make_vessel(irregular, points))
        flows = CouplingMatrices(tissue, MatrixStore(tmp_path))["tetXbfFlowsMat"].dot(np.ones(pieces))
        volumes = CouplingMatrices(tissue, MatrixStore(tmp_path))["tetXbfVolsMat"].dot(np.ones(pieces))
        np.testing.assert_array_equal(flows, volumes > 0, err_msg=f"{pieces} segments")


@pytest.mark.parametrize("step", [1, -1], ids=["forth", "back"])
def test_joints_in_faces_lose_no_flow(tmp_path, step):
    mesh = cubic_mesh([0, 0, 0], [6, 1, 1], 1.0)
    # every joint lies in a face between two cubes
    points = np.column_stack([np.arange(7.0), np.full(7, 0.35), np.full(7, 0.4)])[::step]
    matrices = CouplingMatrices(Tissue(mesh, vessels=make_vessel(mesh, points)), MatrixStore(tmp_path))
    flows, volumes = (matrices[name].dot(np.ones(6)) for name in ("tetXbfFlowsMat", "tetXbfVolsMat"))
    np.testing.assert_array_equal(flows, volumes > 0)


def test_a_segment_within_one_tetrahedron_counts_only_as_inlet(box, tmp_path):
    here = box.barycentres[[7, 7]] + [[0, 0, 0], [0.1, 0, 0]]
    for is_inlet, expected in ((True, 1), (False, 0)):
        tissue = Tissue(box, vessels=VesselSegments(here[:1], here[1:], np.array([is_inlet])))
        assert CouplingMatrices(tissue, MatrixStore(tmp_path))["tetXbfFlowsMat"].matrix.sum() == expected


def test_expressions_use_them_and_only_what_they_name_is_made(matrices, tissue):
    assert "intersector" not in vars(tissue), "nothing is made before it is used"
    expression = Expression("tetXtetMat.dot(tetXbfVolsMat.dot(vals)) * 5e-10", matrices=matrices)
    volumes = np.arange(59.0)
    expected = tissue.mesh.volumes.mean() / tissue.mesh.volumes * matrices["tetXbfVolsMat"].dot(volumes) * 5e-10
    np.testing.assert_allclose(expression(volumes), expected)
    made = {name for name, named in matrices.items() if "matrix" in vars(named)}
    assert made == {"tetXtetMat", "tetXbfVolsMat"}
    chained = Expression("nXsecMat.dot(nsecXnsegMat).dot(vals)", matrices=matrices)
    np.testing.assert_allclose(chained(np.ones(120)), 1)


def test_what_takes_no_part_is_explained(irregular, tmp_path):
    matrices = CouplingMatrices(Tissue(mesh=irregular), MatrixStore(tmp_path))
    assert list(matrices) == ["tetXtetMat"]
    with pytest.raises(UserError, match="tetXbfVolsMat needs vessels, which take no part in this run"):
        matrices["tetXbfVolsMat"]
    with pytest.raises(UserError, match="no coupling matrix 'tetXtet'; there are nXsecMat"):
        matrices["tetXtet"]


def test_segments_without_length_or_volume_are_refused(box):
    neurons = make_neurons(box)
    with pytest.raises(
        UserError, match=r"1 segments have no positive, finite volume \(the first: neuron 1 section 0\)"
    ):
        dataclasses.replace(neurons, volumes=np.where(np.arange(120) == 41, 0, neurons.volumes))


def test_parts_outside_are_summed(tissue, matrices):
    neurons = tissue.neurons
    shift = np.array([0, 0, 30.0])
    shifted = dataclasses.replace(neurons, starts=neurons.starts + shift, ends=neurons.ends + shift)
    overlap = Overlap(RECIPES["nsegXtetMat"].make(tissue.intersector, shifted))
    segments, lost = overlap.outside(neurons.volumes)
    kept = overlap.fractions.T @ neurons.volumes
    assert kept.sum() + lost == pytest.approx(neurons.volumes.sum(), rel=1e-12)
    above = np.maximum(shifted.starts, shifted.ends)[:, 2] > tissue.mesh.upper[2]
    np.testing.assert_array_equal(segments, np.flatnonzero(above))


class TestStore:
    """The store of matrices."""

    def obtain(self, store, tissue):
        made = []
        matrix = store.obtain(
            "m", tissue.data("neurons"), lambda: made.append(1) or RECIPES["nXsecMat"].make(tissue.neurons)
        )
        return matrix, bool(made)

    def test_is_keyed_by_content(self, tissue, tmp_path):
        store = MatrixStore(tmp_path / "new" / "cache")
        first, made = self.obtain(store, tissue)
        again, made_again = self.obtain(store, tissue)
        assert (made, made_again) == (True, False)
        np.testing.assert_array_equal(first.toarray(), again.toarray())
        other = dataclasses.replace(tissue, neurons=make_neurons(tissue.mesh, seed=2))
        assert self.obtain(store, other)[1]

    def test_saves_and_loads_only_when_asked(self, tissue, tmp_path):
        for save, load, expected in ((False, True, 0), (False, False, 0), (True, False, 1)):
            assert self.obtain(MatrixStore(tmp_path, save, load), tissue)[1]
            assert len(list(tmp_path.iterdir())) == expected
        assert self.obtain(MatrixStore(tmp_path, True, False), tissue)[1]
        assert not self.obtain(MatrixStore(tmp_path, False, True), tissue)[1]

    @pytest.mark.parametrize("keep", [0.0, 0.5, 0.98])
    def test_damaged_files_are_made_again(self, tissue, tmp_path, caplog, keep):
        store = MatrixStore(tmp_path)
        good, _ = self.obtain(store, tissue)
        (file,) = tmp_path.iterdir()
        content = file.read_bytes()
        file.write_bytes(content[: int(keep * len(content))])
        matrix, made = self.obtain(store, tissue)
        assert made
        assert "cannot be used and is made again" in caplog.text
        np.testing.assert_array_equal(matrix.toarray(), good.toarray())
        assert not self.obtain(store, tissue)[1]

    def test_does_no_harm_where_it_cannot_write(self, tissue, tmp_path, caplog):
        (tmp_path / "file").write_text("")
        assert self.obtain(MatrixStore(tmp_path / "file" / "cache"), tissue)[1]
        assert "cannot keep" in caplog.text


def test_operators_conserve_and_average(matrices, tissue):
    world = World.start()
    sizes = {"neurons": 3, "segments": 120, "tetrahedra": tissue.mesh.n_tetrahedra, "vessels": 59}
    domains = {name: Domain(name, np.arange(size)) for name, size in sizes.items()}
    transfers = Transfers(world, domains, tissue_operators(matrices))
    rng = np.random.default_rng(6)
    current, area = rng.normal(size=120), rng.uniform(1, 9, 120)
    carried = transfers.transfer(Sample(current, "segments", area), "tetrahedra")
    assert carried.values.sum() == pytest.approx((current * area).sum(), rel=1e-12)
    blood = transfers.transfer(Sample(np.arange(59.0), "vessels"), "tetrahedra")
    assert blood.values.sum() == pytest.approx(np.arange(59.0).sum(), rel=1e-12)
    flat = Sample(np.full(sizes["tetrahedra"], 3.0), "tetrahedra")
    for target in ("segments", "neurons"):
        np.testing.assert_allclose(transfers.transfer(flat, target).values, 3.0, rtol=1e-13)
    gradient = Sample(rng.uniform(2, 4, sizes["tetrahedra"]), "tetrahedra")
    expected = matrices["nXtetMat"].dot(gradient.values)
    np.testing.assert_allclose(transfers.transfer(gradient, "neurons").values, expected, rtol=1e-12)
