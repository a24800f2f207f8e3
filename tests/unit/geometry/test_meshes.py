"""Meshes: volumes, neighbours, what is refused; boxes; gmsh and its files."""

import sys

import numpy as np
import pytest

from mpi_coupling.world import UserError
from multiscale_run.geometry import TetMesh, cubic_mesh, fit_box, generated_from, gmsh_box, read_mesh, write_msh22

CORNER = np.array([[0.0, 0, 0], [1, 0, 0], [0, 1, 0], [0, 0, 1], [1, 1, 1]])


@pytest.fixture(scope="module")
def gmsh():
    return pytest.importorskip("gmsh", reason="gmsh is not installed")


def test_one_tetrahedron():
    mesh = TetMesh(CORNER, [[0, 1, 2, 3]])
    assert mesh.volumes == pytest.approx([1 / 6])
    np.testing.assert_allclose(mesh.barycentres, [[0.25, 0.25, 0.25]])
    np.testing.assert_array_equal(mesh.neighbours, [[-1, -1, -1, -1]])


def test_neighbours_are_behind_the_opposite_face():
    mesh = TetMesh(CORNER, [[0, 1, 2, 3], [1, 2, 3, 4]])
    np.testing.assert_array_equal(mesh.neighbours, [[1, -1, -1, -1], [-1, -1, -1, 0]])


def test_neighbours_are_mutual_and_share_three_vertices(irregular):
    tet, face = np.nonzero(irregular.neighbours >= 0)
    other = irregular.neighbours[tet, face]
    for a, k, b in zip(tet, face, other, strict=True):
        assert set(np.delete(irregular.tetrahedra[a], k)) <= set(irregular.tetrahedra[b])
        assert a in irregular.neighbours[b]


@pytest.mark.parametrize(
    ("tetrahedra", "message"),
    [
        ([[0, 2, 1, 3]], r"my\.msh: 1 of 1 tetrahedra \(the first: 0\) are inverted; exchange two"),
        ([[0, 1, 2, 3], [0, 1, 2, 0]], r"my\.msh: 1 of 2 tetrahedra \(the first: 1\) are flat; mesh again"),
        ([[0, 1, 2, 3], [1, 2, 0, 3]], r"\(the first: 1\) are given twice; remove the copies"),
        ([[0, 1, 2, 5]], r"name a vertex outside 0\.\.4"),
        ([[0, 1, 2]], r"tetrahedra have shape \(1, 3\); give at least one row of 4"),
        (np.zeros((0, 4)), r"tetrahedra have shape \(0, 4\)"),
    ],
)
def test_unusable_meshes_are_refused(tetrahedra, message):
    with pytest.raises(UserError, match=message):
        TetMesh(CORNER, tetrahedra, "my.msh")


def test_overlapping_tetrahedra_are_refused():
    vertices = np.vstack([CORNER, [0.5, 0.5, 2]])
    with pytest.raises(UserError, match="share a face with two others; tetrahedra must not overlap"):
        _ = TetMesh(vertices, [[0, 1, 2, 3], [0, 1, 2, 4], [0, 1, 2, 5]]).neighbours


def test_vertices_that_are_not_finite_are_refused():
    with pytest.raises(UserError, match="without finite coordinates"):
        TetMesh(np.where(CORNER == 1, np.nan, CORNER), [[0, 1, 2, 3]])


def test_box_round_points():
    lower, upper = fit_box(np.array([[0, 0, 0], [10.0, 20, 0]]), 1.1)
    np.testing.assert_allclose([lower, upper], [[-0.5, -1, 0], [10.5, 21, 0]])
    with pytest.raises(UserError, match="at least one point"):
        fit_box(np.zeros((0, 3)))
    with pytest.raises(UserError, match=r"explode_factor is 0\.9; it must be at least 1"):
        fit_box(CORNER, 0.9)


def test_cubic_mesh_fills_the_padded_box():
    mesh = cubic_mesh([0, 0, 0], [50, 70, 20], 20.0)
    np.testing.assert_allclose(mesh.lower, [-5, -5, 0])
    np.testing.assert_allclose(mesh.upper, [55, 75, 20])
    assert mesh.n_tetrahedra == 3 * 4 * 1 * 5
    assert mesh.volumes.sum() == pytest.approx(60 * 80 * 20, rel=1e-14)
    np.testing.assert_allclose(np.unique(np.round(mesh.volumes, 6)), np.round([20**3 / 6, 20**3 / 3], 6))
    on_surface = 2 * 2 * (3 * 4 + 3 * 1 + 4 * 1)
    assert (mesh.neighbours < 0).sum() == on_surface, "cubes do not fit together"


def test_lines_between_cubic_neighbours_are_normal_to_their_face(box):
    tet, face = np.nonzero(box.neighbours >= 0)
    line = box.barycentres[box.neighbours[tet, face]] - box.barycentres[tet]
    corners = np.array([np.delete(box.corners[a], k, axis=0) for a, k in zip(tet, face, strict=True)])
    normal = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    sine = np.linalg.norm(np.cross(line, normal), axis=1)
    np.testing.assert_allclose(sine / np.linalg.norm(line, axis=1) / np.linalg.norm(normal, axis=1), 0, atol=1e-12)


def test_absurd_cubes_are_refused():
    with pytest.raises(UserError, match=r"cubes of 0\.001 um .* tetrahedra, more than .*base_length"):
        cubic_mesh([0, 0, 0], [100, 100, 100], 1e-3)
    with pytest.raises(UserError, match="no finite, positive size"):
        cubic_mesh([0, 0, 0], [1, 1, 1], 0.0)


def test_gmsh_box_has_the_original_number_of_tetrahedra(gmsh):
    points = np.array([[0, 0, 0], [200.0, 200, 200]])
    mesh = gmsh_box(points)
    assert mesh.n_tetrahedra == 192
    assert mesh.volumes.sum() == pytest.approx((200 * 1.001) ** 3)
    assert gmsh_box(points, refinement_steps=0).n_tetrahedra == 24
    with pytest.raises(UserError, match="is flat; gmsh needs points that do not lie in a plane"):
        gmsh_box(points * [1, 1, 0])


def test_missing_gmsh_is_explained(monkeypatch):
    monkeypatch.setitem(sys.modules, "gmsh", None)
    with pytest.raises(UserError, match=r"install it with `pip install gmsh`.* or use the cubic mesh"):
        gmsh_box(CORNER)


@pytest.mark.parametrize("scale", [1e-6, 1e-3, 1.0])
def test_written_mesh_is_read_back(irregular, tmp_path, scale):
    file = tmp_path / "mesh" / "tissue.msh"
    write_msh22(irregular, file, scale)
    mesh = read_mesh(file, scale)
    np.testing.assert_allclose(mesh.vertices, irregular.vertices, rtol=1e-15)
    np.testing.assert_array_equal(mesh.tetrahedra, irregular.tetrahedra)
    assert [path.name for path in file.parent.iterdir()] == ["tissue.msh"]


def test_a_written_mesh_tells_what_it_is_made_from(irregular, tmp_path):
    marked, unmarked = tmp_path / "marked.msh", tmp_path / "unmarked.msh"
    write_msh22(irregular, marked, origin="0123abc")
    write_msh22(irregular, unmarked)
    assert generated_from(marked) == "0123abc"
    assert generated_from(unmarked) is None
    np.testing.assert_array_equal(read_mesh(marked).vertices, read_mesh(unmarked).vertices)


@pytest.mark.parametrize("version", [2.2, 4.1])
def test_files_of_gmsh_are_read(gmsh, irregular, tmp_path, version):
    ours, theirs = tmp_path / "ours.msh", tmp_path / "theirs.msh"
    write_msh22(irregular, ours)
    gmsh.initialize(readConfigFiles=False, interruptible=False)
    try:
        gmsh.option.setNumber("General.Terminal", 0)
        gmsh.open(str(ours))
        groups = [gmsh.model.getPhysicalName(*group) for group in gmsh.model.getPhysicalGroups()]
        gmsh.option.setNumber("Mesh.MshFileVersion", version)
        gmsh.write(str(theirs))
    finally:
        gmsh.finalize()
    assert groups == ["extra"]
    mesh = read_mesh(theirs)
    np.testing.assert_allclose(mesh.corners, irregular.corners, rtol=1e-14)


def test_surface_elements_and_gaps_in_numbering_are_skipped(tmp_path):
    file = tmp_path / "mesh.msh"
    file.write_text(
        "$MeshFormat\n2.2 0 8\n$EndMeshFormat\n$Comments\nwhatever\n$EndComments\n"
        "$Nodes\n5\n70 0 0 1\n10 0 0 0\n20 2 0 0\n99 5 5 5\n30 0 3 0\n$EndNodes\n"
        "$Elements\n2\n1 2 2 1 1 10 20 99\n7 4 3 1 1 0 10 20 30 70\n$EndElements\n"
    )
    mesh = read_mesh(file, 1e-6)
    assert mesh.volumes == pytest.approx([1.0])
    assert len(mesh.vertices) == 4


def test_left_handed_meshes_are_turned_round(box, tmp_path):
    file = tmp_path / "mesh.msh"
    write_msh22(box, file)
    head, elements = file.read_text().split("$Elements\n")
    rows = [line.split() for line in elements.splitlines()]
    turned = [" ".join([*row[:5], row[6], row[5], *row[7:]]) if len(row) > 2 else row[0] for row in rows]
    file.write_text(head + "$Elements\n" + "\n".join(turned))
    assert read_mesh(file).volumes.sum() == pytest.approx(box.volumes.sum())


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda text: text.replace("2.2 0 8", "2.2 1 8"), r"is MSH 2\.2 binary; MSH 2\.2 and 4\.1 ASCII can be read"),
        (lambda text: text.replace("2.2 0 8", "4.0 0 8"), r"is MSH 4\.0 ASCII"),
        (lambda text: "vertices and so on", "is no gmsh file"),
        (lambda text: text[: len(text) // 2], r"has no complete section \$(Nodes|Elements)"),
        (lambda text: text.replace("$Elements\n", "$Elements\n9"), "is damaged .ends too early"),
        (lambda text: text.replace("900.0", "x"), "is damaged .could not convert"),
        (lambda text: text.replace(" 4 2 1 1 ", " 11 2 1 1 "), "some of second order; add `-order 1`"),
        (lambda text: text.replace("\n1 4 2 1 1 ", "\n1 4 2 1 1 7777"), "name the node 7777.*, which does not exist"),
    ],
)
def test_unusable_files_are_refused(box, tmp_path, change, message):
    file = tmp_path / "mesh.msh"
    write_msh22(box, file)
    file.write_text(change(file.read_text()))
    with pytest.raises(UserError, match=message) as caught:
        read_mesh(file)
    assert str(file) in str(caught.value)


def test_missing_and_unwritable_files_are_explained(box, tmp_path):
    with pytest.raises(UserError, match="No such file or directory; give a gmsh file or let the mesh be generated"):
        read_mesh(tmp_path / "none.msh")
    (tmp_path / "file").write_text("")
    with pytest.raises(UserError, match="cannot be written"):
        write_msh22(box, tmp_path / "file" / "mesh.msh")
