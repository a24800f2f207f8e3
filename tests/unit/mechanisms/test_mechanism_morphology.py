"""Reading reconstructions: any drawing of the soma, refusals that name the file."""

import numpy as np
import pytest

from mpi_coupling.world import UserError
from multiscale_run.mechanisms.morphology import load, soma_sphere

DENDRITE = "\n{n} 3 {x} 0 0 1 1\n{m} 3 {y} 0 0 1 {n}\n"


def swc(path, soma: list[tuple[float, ...]]):
    lines = [f"{i + 1} 1 {x} {y} {z} {r} {i if i else -1}" for i, (x, y, z, r) in enumerate(soma)]
    n = len(soma) + 1
    path.write_text("\n".join(lines) + DENDRITE.format(n=n, m=n + 1, x=10, y=50))
    return path


def test_point(tmp_path):
    centre, radius = soma_sphere(load(swc(tmp_path / "a.swc", [(1, 2, 3, 7)])))
    np.testing.assert_allclose(centre, [1, 2, 3])
    assert radius == pytest.approx(7)


def test_stack_of_cylinders_keeps_its_area(tmp_path):
    stack = [(0, y, 0, 4) for y in (-10, 0, 10)]
    _, radius = soma_sphere(load(swc(tmp_path / "a.swc", stack)))
    assert 4 * np.pi * radius**2 == pytest.approx(2 * np.pi * 4 * 20, rel=1e-6)


def test_contour_of_points_without_radius(tmp_path):
    angles = 2 * np.pi * np.arange(20) / 20
    contour = [(5 + 6 * np.cos(a), 6 * np.sin(a), 0, 0) for a in angles]
    centre, radius = soma_sphere(load(swc(tmp_path / "a.swc", contour)))
    np.testing.assert_allclose(centre, [5, 0, 0], atol=1e-6)
    assert radius == pytest.approx(6, rel=1e-6)


def test_axon_comes_first_whatever_the_file_says(tmp_path):
    path = swc(tmp_path / "a.swc", [(0, 0, 0, 5)])
    path.write_text(path.read_text() + "4 2 0 -5 0 1 1\n5 2 0 -60 0 1 4\n")
    assert [section.type.name for section in load(path).sections] == ["axon", "basal_dendrite"]


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ("1 3 0 0 0 1 -1\n2 3 9 0 0 1 1\n", "has no soma; add soma points"),
        ("nonsense\n", "not a readable morphology"),
        ("1 1 0 0 0 5 -1\n2 6 9 0 0 1 1\n3 6 19 0 0 1 2\n", "allowed: axon, basal, apical"),
    ],
)
def test_refusals_name_the_file(tmp_path, content, reason):
    path = tmp_path / "bad.swc"
    path.write_text(content)
    with pytest.raises(UserError, match=f"bad.swc: .*{reason}"):
        load(path)


def test_missing_file(tmp_path):
    with pytest.raises(UserError, match=r"absent\.swc: not a readable morphology"):
        load(tmp_path / "absent.swc")
