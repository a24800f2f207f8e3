"""Segments in tetrahedra: lengths against clipping, sums, degenerate places, parts outside."""

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mpi_coupling.world import UserError
from multiscale_run.geometry import OUTSIDE, Intersector, TetMesh, cubic_mesh, gmsh_box
from multiscale_run.geometry.locator import barycentric_planes

MESHES = ("box", "irregular", "hollow")


@pytest.fixture(params=MESHES)
def mesh(request):
    return request.getfixturevalue(request.param)


def random_segments(mesh, count, length, seed, margin=0.0):
    rng = np.random.default_rng(seed)
    starts = rng.uniform(mesh.lower - margin, mesh.upper + margin, (count, 3))
    return starts, starts + rng.normal(size=(count, 3)) * length


@pytest.mark.parametrize(("length", "margin"), [(3, 0), (30, 0), (100, 0), (30, 40), (300, 100)])
def test_random_segments_equal_clipping(mesh, clip, length, margin):
    starts, ends = random_segments(mesh, 300, length, seed=length + margin, margin=margin)
    found = Intersector(mesh).intersect(starts, ends)
    np.testing.assert_allclose(found.fractions.toarray(), clip(mesh, starts, ends), rtol=0, atol=1e-9)


def test_rows_of_inside_segments_sum_to_one(irregular):
    rng = np.random.default_rng(5)
    starts, ends = rng.uniform(irregular.lower, irregular.upper, (2, 20_000, 3))
    found = Intersector(irregular).intersect(starts, ends)
    np.testing.assert_allclose(found.inside, 1, rtol=0, atol=1e-14)
    assert found.fractions.data.min() > 0
    lost, length = found.outside(np.ones(len(starts)))
    assert (len(lost), length) == (0, 0.0)


def test_a_segment_through_one_cube_by_hand():
    mesh = cubic_mesh([0, 0, 0], [1, 1, 1], 1.0)
    # along the diagonal from (0,0,0): first the corner tetrahedron x+y+z<=1, then the middle one, then to (1,1,1)
    found = Intersector(mesh).intersect(np.array([[0, 0, 0]]), np.array([[1, 1, 1]])).fractions.toarray()[0]
    np.testing.assert_allclose(sorted(found), [0, 0, 0, 1 / 3, 2 / 3], atol=1e-15)
    assert mesh.volumes[found.argmax()] == pytest.approx(1 / 3)


def test_vertex_to_vertex_segments_are_covered_exactly(mesh, clip):
    pairs = np.array(list(itertools.combinations(np.unique(mesh.tetrahedra), 2)))
    pairs = np.random.default_rng(1).permutation(pairs)[:3000]
    starts, ends = mesh.vertices[pairs[:, 0]], mesh.vertices[pairs[:, 1]]
    found = Intersector(mesh).intersect(starts, ends)
    closed = clip(mesh, starts, ends)
    assert (found.fractions.toarray() <= closed + 1e-9).all(), "a piece lies outside its tetrahedron"
    if mesh.name != "hollow":
        np.testing.assert_allclose(found.inside, 1, rtol=0, atol=1e-12)


@pytest.mark.parametrize("corners", [2, 3], ids=["edges", "faces"])
def test_segments_within_edges_and_faces_are_counted_once(irregular, corners):
    rng = np.random.default_rng(corners)
    tets = irregular.tetrahedra[:, rng.permutation(4)[:corners]]
    starts, ends = (
        np.einsum("tk,tkc->tc", rng.dirichlet(np.ones(corners), len(tets)), irregular.vertices[tets]) for _ in range(2)
    )
    found = Intersector(irregular).intersect(starts, ends)
    np.testing.assert_allclose(found.inside, 1, rtol=0, atol=1e-12)


def test_grazing_lines_have_no_gaps_and_stay_in_their_tetrahedra(irregular):
    rng = np.random.default_rng(12)
    # the fourth vertex is opposite to a face inside: on the surface itself either side would be right
    corners = rng.choice(irregular.corners[irregular.neighbours[:, 3] >= 0, :3], 4000)
    one, other = (np.einsum("tk,tkc->tc", rng.dirichlet(np.ones(3), 4000), corners) for _ in range(2))
    along = (other - one) / np.linalg.norm(other - one, axis=1)[:, None]
    tilt = rng.normal(size=along.shape) * 10.0 ** rng.uniform(-16, -6, (4000, 1))
    starts, ends = one - 150 * (along + tilt), one + 150 * (along + tilt)
    for origin in (starts, one):
        found = Intersector(irregular).intersect(origin, ends)
        expected = [inside_of_box(a, b, irregular.lower, irregular.upper) for a, b in zip(origin, ends, strict=True)]
        np.testing.assert_allclose(found.inside, expected, rtol=0, atol=1e-9)
    # the last ones start inside, so that each piece begins where the one before ended
    pieces = found.fractions
    row = np.repeat(np.arange(4000), np.diff(pieces.indptr))
    reached = np.cumsum(pieces.data) - np.r_[0, np.cumsum(found.inside)][row]
    planes = barycentric_planes(irregular.corners)[pieces.indices]
    for part in (reached, reached - pieces.data / 2):
        points = one[row] + part[:, None] * (ends - one)[row]
        assert (np.einsum("ikj,ij->ik", planes[:, :, :3], points) + planes[:, :, 3]).min() > -1e-9


def test_axis_parallel_lines_through_vertices_and_in_the_surface(box):
    ticks = [np.unique(box.vertices[:, axis]) for axis in range(3)]
    starts, ends = [], []
    for axis in range(3):
        for a, b in itertools.product(*(ticks[k] for k in range(3) if k != axis)):
            starts.append(np.insert([a, b], axis, box.lower[axis]))
            ends.append(np.insert([a, b], axis, box.upper[axis]))
    forth = Intersector(box).intersect(starts, ends)
    back = Intersector(box).intersect(ends, starts)
    np.testing.assert_allclose(forth.inside, 1, rtol=0, atol=1e-13)
    np.testing.assert_allclose(back.inside, 1, rtol=0, atol=1e-13)


def test_parts_outside_are_reported(box):
    far, high, above = np.array([[200.0, 0, 0], [0, 0, 40], [0, 0, 31]])
    starts = np.array([[0, 0, 0], -far, far, [0, 0, 0], above, high]) + (box.lower + box.upper) / 2
    ends = np.array([far, far, far + 1, [1, 1, 1], above, -high]) + (box.lower + box.upper) / 2
    found = Intersector(box).intersect(starts, ends)
    np.testing.assert_allclose(found.inside, [0.25, 0.25, 0, 1, 0, 60 / 80], atol=1e-14)
    lost, length = found.outside(np.linalg.norm(ends - starts, axis=1))
    np.testing.assert_array_equal(lost, [0, 1, 2, 4, 5])
    assert length == pytest.approx(150 + 300 + np.sqrt(3) + 0 + 20)


def test_points_are_segments_of_no_length(box):
    points = np.vstack([box.barycentres, box.vertices, box.lower - 1])
    crossing = Intersector(box)
    found = crossing.intersect(points, points)
    np.testing.assert_array_equal(found.inside, np.r_[np.ones(len(points) - 1), 0])
    np.testing.assert_array_equal(crossing.locate(box.barycentres), np.arange(box.n_tetrahedra))
    assert crossing.locate(points)[-1] == OUTSIDE
    short = crossing.intersect(points[:-1], points[:-1] + 1e-300)
    np.testing.assert_allclose(short.inside, 1)


def test_lengths_are_conserved_when_a_segment_is_cut(irregular):
    starts, ends = random_segments(irregular, 500, 60, seed=8, margin=30)
    cuts = np.linspace(0, 1, 8)
    crossing = Intersector(irregular)
    parts = [
        crossing.intersect(starts + a * (ends - starts), starts + b * (ends - starts)).fractions * (b - a)
        for a, b in itertools.pairwise(cuts)
    ]
    whole = crossing.intersect(starts, ends).fractions
    assert abs(sum(parts) - whole).max() < 1e-9


def test_rows_do_not_depend_on_their_company(irregular):
    starts, ends = random_segments(irregular, 200, 80, seed=4, margin=20)
    crossing = Intersector(irregular)
    together = crossing.intersect(starts, ends).fractions
    halves = [crossing.intersect(starts[part], ends[part]).fractions for part in (slice(100), slice(100, None))]
    for row in range(200):
        alone = halves[row // 100][row % 100]
        np.testing.assert_array_equal(together[row].indices, alone.indices)
        np.testing.assert_array_equal(together[row].data, alone.data)


def test_any_kind_of_array_is_taken(irregular):
    starts, ends = random_segments(irregular, 50, 40, seed=6)
    crossing = Intersector(irregular)
    expected = crossing.intersect(starts, ends).fractions
    frozen = starts.copy()
    frozen.flags.writeable = False
    for kind in (frozen, np.asfortranarray(starts), starts.tolist(), np.repeat(starts, 2, axis=0)[::2]):
        assert abs(crossing.intersect(kind, ends).fractions - expected).max() == 0
    rounded = np.round(starts).astype(np.float32)
    of_integers = crossing.intersect(rounded.astype(np.int64), ends).fractions
    assert abs(crossing.intersect(rounded, ends).fractions - of_integers).max() == 0


def test_long_segments_in_a_fine_mesh_get_more_room(clip):
    mesh = cubic_mesh([0, 0, 0], [30, 2, 2], 1.0)
    rng = np.random.default_rng(11)
    starts, ends = (rng.uniform([a, 0, 0], [a + 1, 2, 2], (200, 3)) for a in (0, 29))
    found = Intersector(mesh).intersect(starts, ends)
    # with room for 16 pieces each the arrays must have grown
    assert found.fractions.nnz > 16 * len(starts) + mesh.n_tetrahedra
    np.testing.assert_allclose(found.fractions.toarray(), clip(mesh, starts, ends), rtol=0, atol=1e-9)
    np.testing.assert_allclose(found.inside, 1, rtol=0, atol=1e-14)


# thirds and halves hit faces, edges and vertices; nothing comes closer to the surface than 1e-4 without touching it
coordinate = st.one_of(
    st.sampled_from([-1.0, 0.0, 1 / 3, 0.5, 1.0, 1.5, 2.0]), st.integers(-10_000, 30_000).map(lambda n: n / 10_000)
)


def inside_of_box(start, end, lower, upper):
    """Part of a segment in a box, by clipping; of a point, whether it lies there."""
    if (start == end).all():
        return float(((start >= lower) & (start <= upper)).all())
    low, high = 0.0, 1.0
    for a, b, bottom, top in zip(start, end, lower, upper, strict=True):
        if a != b:
            enter, leave = sorted(((bottom - a) / (b - a), (top - a) / (b - a)))
            low, high = max(low, enter), min(high, leave)
        elif not bottom <= a <= top:
            return 0.0
    return max(high - low, 0.0)


@settings(max_examples=300, deadline=None)
@given(st.tuples(*[coordinate] * 3), st.tuples(*[coordinate] * 3))
def test_any_segment_in_a_small_box(start, end):
    mesh = cubic_mesh([0, 0, 0], [2, 2, 2], 1.0)
    start, end = np.array(start), np.array(end)
    found = Intersector(mesh).intersect(start, end)
    assert found.inside[0] == pytest.approx(inside_of_box(start, end, mesh.lower, mesh.upper), abs=1e-9)


def test_gmsh_mesh_equals_clipping(clip):
    pytest.importorskip("gmsh", reason="gmsh is not installed")
    mesh = gmsh_box(np.array([[0, 0, 0], [100.0, 100, 100]]), length_factor=1)
    starts, ends = random_segments(mesh, 200, 30, seed=2, margin=10)
    found = Intersector(mesh).intersect(starts, ends)
    np.testing.assert_allclose(found.fractions.toarray(), clip(mesh, starts, ends), rtol=0, atol=1e-9)


def test_slivers_and_graded_meshes(clip):
    rng = np.random.default_rng(9)
    box = cubic_mesh([0, 0, 0], [4, 4, 4], 1.0)
    mesh = TetMesh(box.vertices**4 * [1, 1, 0.01], box.tetrahedra)
    starts, ends = rng.uniform(mesh.lower, mesh.upper, (2, 500, 3))
    found = Intersector(mesh).intersect(starts, ends)
    np.testing.assert_allclose(found.inside, 1, rtol=0, atol=1e-12)
    np.testing.assert_allclose(found.fractions.toarray(), clip(mesh, starts, ends), rtol=0, atol=1e-9)


def test_broken_input_is_refused(box):
    crossing = Intersector(box)
    with pytest.raises(UserError, match=r"segment 1 goes from .*nan.* all coordinates must be finite"):
        crossing.intersect([[950, 0, 30], [np.nan, 0, 0]], [[950, 0, 31], [0, 0, 0]])
    with pytest.raises(UserError, match="2 starts and 1 ends"):
        crossing.intersect(np.zeros((2, 3)), np.zeros((1, 3)))
    assert crossing.intersect(np.zeros((0, 3)), np.zeros((0, 3))).fractions.shape == (0, box.n_tetrahedra)
