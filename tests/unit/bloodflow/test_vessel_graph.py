"""Reading a vasculature, and what is said of one that cannot be used."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from mpi_coupling.world import UserError
from multiscale_run.bloodflow import VesselType, read_vasculature


def test_segments_are_those_of_the_file(vasculature: Any, vasculature_file: Path) -> None:
    with h5py.File(vasculature_file) as file:
        rows = {name: data[:] for name, data in file["nodes/vasculature/0"].items() if isinstance(data, h5py.Dataset)}
    assert (vasculature.ends == np.stack([rows["start_node"], rows["end_node"]], axis=1)).all()
    assert (vasculature.types == rows["type"]).all()
    r0pas = (rows["start_diameter"].astype(float) + rows["end_diameter"]) / 4
    np.testing.assert_array_equal(vasculature.radii, r0pas, err_msg="what neurodamus gives its endfeet")
    between = [rows[f"end_{axis}"].astype(float) - rows[f"start_{axis}"] for axis in "xyz"]
    np.testing.assert_allclose(vasculature.lengths, np.linalg.norm(between, axis=0), rtol=1e-12)


def test_loose_ends_are_the_tops_of_penetrating_vessels(vasculature: Any) -> None:
    ends = vasculature.loose_ends
    assert set(vasculature.types_at(ends)) == {VesselType.VENULE, VesselType.ARTERIOLE}
    np.testing.assert_allclose(vasculature.positions[ends, 1], 310.0)


def test_main_piece_is_the_largest(graph_of: Any) -> None:
    points = [(0, 0, i) for i in range(7)]
    graph = graph_of([(0, 1), (2, 3), (3, 4), (4, 5), (5, 6)], points)
    assert graph.is_main.tolist() == [False, False, True, True, True, True, True]
    assert graph.loose_ends.tolist() == [2, 6]


def test_types_are_optional(broken_file: Any) -> None:
    graph = read_vasculature(broken_file(lambda group: group.__delitem__("type")))
    assert (graph.types == VesselType.UNKNOWN).all()


def _set(name: str, place: Any, value: Any) -> Any:
    return lambda group: group[name].__setitem__(place, value)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda group: group.__delitem__("end_x"), "lacks the attributes end_x; blood flow needs"),
        (_set("start_diameter", slice(3, 5), 0), "2 segments .the first: 3, 4. have no positive, finite diameter"),
        (_set("end_diameter", 7, np.nan), "1 segments .the first: 7. have no positive, finite diameter in um"),
        (_set("end_x", 7, np.inf), "1 segments .the first: 7. have no positive, finite length"),
        (lambda g: g["start_node"].__setitem__(2, g["end_node"][2]), "the first: 2. begin and end at the same point"),
        (lambda g: g["end_node"].__setitem__(0, len(g["end_node"])), "leave out .* number the points without gaps"),
    ],
)
def test_unusable_vessels_are_named(broken_file: Any, change: Any, message: str) -> None:
    file = broken_file(change)
    with pytest.raises(UserError, match=message) as caught:
        read_vasculature(file)
    assert str(file) in str(caught.value) and "'vasculature'" in str(caught.value)


def test_missing_file_and_population_are_named(vasculature_file: Path, tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"absent\.h5: population 'vasculature' cannot be read"):
        read_vasculature(tmp_path / "absent.h5")
    with pytest.raises(UserError, match=r"population 'vessels' cannot be read"):
        read_vasculature(vasculature_file, "vessels")
