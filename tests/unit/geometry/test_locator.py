"""Points in tetrahedra, whatever the search begins with, against all barycentric coordinates."""

import numpy as np
import pytest

from multiscale_run.geometry import OUTSIDE, Intersector
from multiscale_run.geometry.locator import TOLERANCE, Locator, barycentric_planes, mirrored_faces


@pytest.fixture(params=["box", "irregular", "hollow"])
def mesh(request):
    return request.getfixturevalue(request.param)


@pytest.fixture
def misled(monkeypatch):
    """Make every search begin at the first tetrahedron, so that most walks are too long or run into the surface."""
    guessed = Locator.__init__

    def start_at_first(self, mesh):
        guessed(self, mesh)
        self.cells = self.cells._replace(guess=np.zeros_like(self.cells.guess))

    return lambda: monkeypatch.setattr(Locator, "__init__", start_at_first)


def lowest_coordinates(mesh, points):
    """The smallest barycentric coordinate of each point in each tetrahedron, shape (points, tetrahedra)."""
    planes = barycentric_planes(mesh.corners)
    return (np.einsum("tfc,pc->ptf", planes[:, :, :3], points) + planes[:, :, 3]).min(axis=2)


def points_about(mesh, count=3000):
    """Points in and around a mesh, on its faces, edges and vertices."""
    rng = np.random.default_rng(7)
    margin = 0.2 * (mesh.upper - mesh.lower)
    corners = rng.choice(mesh.corners, count)
    on_faces, on_edges = (np.einsum("tk,tkc->tc", rng.dirichlet(np.ones(n), count), corners[:, :n]) for n in (3, 2))
    return np.vstack(
        [rng.uniform(mesh.lower - margin, mesh.upper + margin, (count, 3)), on_faces, on_edges, mesh.vertices]
    )


@pytest.mark.parametrize("is_misled", [False, True], ids=["guessed", "misled"])
def test_points_lie_in_the_tetrahedra_they_get(mesh, misled, is_misled):
    if is_misled:
        misled()
    points = points_about(mesh)
    found, lowest = Locator(mesh).locate(points), lowest_coordinates(mesh, points)
    is_inside = found != OUTSIDE
    assert lowest[is_inside, found[is_inside]].min() > -10 * TOLERANCE
    assert lowest[~is_inside].max() < TOLERANCE
    # away from faces there is only one answer
    is_clear = lowest.max(axis=1) > 1e-9
    np.testing.assert_array_equal(found[is_clear], lowest.argmax(axis=1)[is_clear])


def test_points_get_the_same_whatever_they_are_asked_with(irregular):
    points, locator = points_about(irregular), Locator(irregular)
    order = np.random.default_rng(2).permutation(len(points))
    np.testing.assert_array_equal(locator.locate(points)[order], locator.locate(points[order]))
    np.testing.assert_array_equal(locator.locate(points[:50]), [locator.locate(point)[0] for point in points[:50]])


def test_points_far_off_and_broken_ones_are_outside(mesh):
    points = [[1e300, 0, 0], [-1e300, 1e300, 0], [0, np.nan, 0], [np.nan] * 3, [np.inf, 0, 30], [950, -np.inf, 30]]
    np.testing.assert_array_equal(Locator(mesh).locate(points), OUTSIDE)


@pytest.mark.parametrize("length", [5, 60])
def test_a_bad_guess_changes_no_length(mesh, clip, misled, length):
    rng = np.random.default_rng(length)
    starts = rng.uniform(mesh.lower, mesh.upper, (300, 3))
    ends = starts + rng.normal(size=starts.shape) * length
    guessed = Intersector(mesh).intersect(starts, ends).fractions.toarray()
    misled()
    np.testing.assert_array_equal(Intersector(mesh).intersect(starts, ends).fractions.toarray(), guessed)
    np.testing.assert_allclose(guessed, clip(mesh, starts, ends), rtol=0, atol=1e-9)


def test_mirrors_face_each_other(mesh):
    mirror = mirrored_faces(mesh.neighbours).ravel()
    faces = np.flatnonzero(mirror >= 0)
    np.testing.assert_array_equal(mirror[mirror[faces]], faces)
    np.testing.assert_array_equal(mirror[faces] // 4, mesh.neighbours.ravel()[faces])
