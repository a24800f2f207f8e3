"""The page of ``multiscale-run view``: its numbers are those of the files, and it needs nothing from elsewhere."""

from __future__ import annotations

import base64
import json
import re
import sys

import h5py
import libsonata
import numpy as np
import pytest

from mpi_coupling.failure import UserError
from multiscale_run.analysis.html_report import external_resources
from multiscale_run.analysis.sites import Sites
from multiscale_run.config import load_config
from multiscale_run.geometry import TetMesh
from multiscale_run.view import page
from multiscale_run.view.anatomy import evenly, read_anatomy
from multiscale_run.view.page import packed, write_page
from multiscale_run.view.shapes import outline, spheres, tubes

TYPES = {"f4": "<f4", "f8": "<f8", "i4": "<i4"}


def unpacked(array):
    shape = tuple(int(n) for n in array["shape"].split(","))
    return np.frombuffer(base64.b64decode(array["bdata"]), TYPES[array["dtype"]]).reshape(shape)


def written(folder, **options):
    """The page of a simulation: its text and its data."""
    file, _ = write_page(load_config(folder.path), **options)
    text = file.read_text(encoding="utf-8")
    return text, json.loads(re.search(r'id="data">(.*?)</script>', text, re.DOTALL).group(1))


def quantity(data, key):
    (found,) = [q for q in data["quantities"] if q["key"] == key]
    times = unpacked(found["times"])
    return found, times, unpacked(found["values"]).reshape(len(times), -1)


def test_neurons_have_the_mean_of_their_compartments(folder, rows):
    folder.compartments("atpi", rows)
    text, data = written(folder)
    found, times, values = quantity(data, "atp")
    with h5py.File(folder.results / "atpi.h5") as file:
        expected = file["report/neurons/data"][:].reshape(10, 10, 4).mean(axis=2)
    np.testing.assert_allclose(values, expected, rtol=1e-6)
    assert times.tolist() == [100.0 * n for n in range(10)] and found["unit"] == "mM" and found["kind"] == "neuron"
    assert unpacked(data["moments"]).tolist() == times.tolist()
    assert external_resources(text) == []


def test_vessels_show_their_change_since_rest(folder):
    known = Sites(load_config(folder.path)).vessels
    rest = known["radius_at_rest"].values
    radii = rest * np.array([[1.0], [1.02], [0.97]])
    folder.per_node("bloodflow_radius_after_sync", radii, "vasculature", unit="um")
    _, data = written(folder)
    _, _, change = quantity(data, "radius_change")
    np.testing.assert_allclose(change, np.broadcast_to([[0.0], [2.0], [-3.0]], change.shape), atol=2e-4)
    _, _, radius = quantity(data, "vessel_radius")
    np.testing.assert_allclose(radius, radii, rtol=1e-6)


def test_changes_and_flows_have_colours_about_zero(folder):
    size = len(Sites(load_config(folder.path)).vessels["vessel"])
    along = np.linspace(-1.0, 4.0, size)
    folder.per_node("bloodflow_flow_after_sync", np.tile(along, (2, 1)), "vasculature", unit="um3/s")
    folder.per_node("bloodflow_radius_after_sync", np.linspace(3.0, 3.3, size * 2).reshape(2, -1), "vasculature")
    _, data = written(folder)
    flow, *_ = quantity(data, "blood_flow")
    assert flow["unit"] == "µm³/s" and flow["scale"] == "Coolwarm"
    assert flow["limits"][0] == -flow["limits"][1] and flow["limits"][1] == pytest.approx(4.0, rel=0.01)
    assert flow["part"] == [0.0, 1.0]
    radius, *_ = quantity(data, "vessel_radius")
    assert radius["scale"] == "Cividis" and radius["limits"][0] == pytest.approx(3.0) and radius["part"] == [0.0, 1.0]


def test_only_the_half_of_the_colours_that_occurs_is_shown(folder):
    rest = Sites(load_config(folder.path)).vessels["radius_at_rest"].values
    wider = rest * np.linspace(1.0, 1.01, len(rest))
    folder.per_node("bloodflow_radius_after_sync", np.stack([rest, wider]), "vasculature", unit="um")
    _, data = written(folder)
    change, _, values = quantity(data, "radius_change")
    assert change["extremes"][0] == 0.0 and (values[0] == 0).all(), "rounding of the report is no change"
    assert change["limits"][0] == 0.0 and change["part"] == [0.5, 1.0] and change["scale"] == "Coolwarm"


def test_concentrations_have_the_units_of_the_report(folder, rows):
    folder.compartments("cai", 5e-5 + rows * 1e-7).compartments("atpi", rows)
    _, data = written(folder)
    calcium, _, values = quantity(data, "calcium")
    assert calcium["unit"] == "nM"
    np.testing.assert_allclose(values[0, 0], 50.0 + rows[0, :4].mean() * 0.1, rtol=1e-5)
    assert calcium["limits"][0] == pytest.approx(values.min())
    assert quantity(data, "atp")[0]["unit"] == "mM"


def test_neurons_without_a_value_stay_without(folder, rows):
    rows[4:, :4] = np.nan
    _, data = written(folder.compartments("atpi", rows))
    _, _, values = quantity(data, "atp")
    assert np.isnan(values[4:, 0]).all() and np.isfinite(values[:4]).all() and np.isfinite(values[:, 1:]).all()


def test_a_long_report_is_thinned_in_time_and_says_so(folder, rows, monkeypatch):
    monkeypatch.setattr(page, "read_colours", lambda *a: page_colours(*a, most=40))
    from multiscale_run.view.values import read_colours as page_colours

    folder.compartments("atpi", rows)
    _, data = written(folder)
    found, times, values = quantity(data, "atp")
    assert found["every"] == 3 and times.tolist() == [0.0, 300.0, 600.0, 900.0]
    np.testing.assert_allclose(values, rows[::3].reshape(4, 10, 4).mean(axis=2), rtol=1e-6)


def test_of_a_large_circuit_a_part_is_drawn(folder, rows):
    folder.per_node("bloodflow_radius_after_sync", np.tile(np.arange(304.0), (2, 1)), "vasculature", unit="um")
    text, data = written(folder, limit=100)
    drawn = unpacked(data["ids"]["vessel"])
    assert "100 of 304 vessel segments, the thickest" in text
    thickest = Sites(load_config(folder.path)).vessels["radius_at_rest"].values
    assert len(drawn) == 100 and thickest[drawn].min() >= np.delete(thickest, drawn).max()
    _, _, radius = quantity(data, "vessel_radius")
    assert radius[0].tolist() == drawn.tolist(), "values stay with their vessels"
    assert re.search(r"\d of 10 morphologies of neurons", text)


def test_a_damaged_report_costs_only_its_colours(folder, rows, caplog):
    folder.compartments("nai", rows)
    (folder.results / "atpi.h5").write_bytes(b"rubbish")
    _, data = written(folder)
    assert [q["key"] for q in data["quantities"]] == ["sodium"]
    assert "RESULTS/atpi.h5 cannot be read: " in caplog.text


def test_without_results_the_circuit_is_drawn(folder):
    text, data = written(folder)
    assert data["quantities"] == [] and "the circuit, without results" in text
    assert {"Neurons", "Astrocytes", "Vessels", "Endfeet"} <= {layer["name"] for layer in data["layers"]}


def test_cells_stand_where_the_circuit_has_them(folder):
    config = load_config(folder.path)
    anatomy = read_anatomy(config, Sites(config), 20_000)
    nodes = libsonata.CircuitConfig.from_file(str(config.network)).node_population("neurons")
    places = np.stack([nodes.get_attribute(axis, nodes.select_all()) for axis in "xyz"], axis=1)
    somas = anatomy.neurons.somas
    centres = [somas.points[somas.owner == n].mean(axis=0) for n in range(10)]
    np.testing.assert_allclose(centres, places, atol=1e-4)
    # the afferent synapses of the circuit lie on the neurites of the neuron that they belong to
    edges = libsonata.CircuitConfig.from_file(str(config.network)).edge_population("neurons__neurons__chemical")
    chosen = edges.select_all()
    points = np.stack([edges.get_attribute(f"afferent_center_{axis}", chosen) for axis in "xyz"], axis=1)
    lines = anatomy.neurons.neurites
    for point, neuron in zip(points[:50], edges.target_nodes(chosen)[:50], strict=True):
        own = np.concatenate([lines.points[lines.owner == neuron], np.tile(places[neuron], (2, 1))])
        assert np.nanmin(_distance(own, point)) < 3.0, (point, neuron)


def _distance(path, point):
    """Distance of a point to each straight piece of a path, um."""
    start, along = path[:-1], np.diff(path, axis=0)
    part = np.clip(((point - start) * along).sum(axis=1) / np.maximum((along**2).sum(axis=1), 1e-12), 0, 1)
    return np.linalg.norm(start + part[:, None] * along - point, axis=1)


def test_errors(folder, monkeypatch, tmp_path):
    with pytest.raises(UserError, match="name a file in a folder that exists"):
        written(folder, output=tmp_path / "no" / "view.html")
    monkeypatch.setitem(sys.modules, "plotly.offline", None)
    with pytest.raises(UserError, match=r"pip install 'multiscale-run\[view\]'"):
        written(folder)
    assert not (folder.path / "view.html").exists()


def test_shapes_have_the_size_that_they_stand_for():
    ball = spheres(np.array([[1.0, 2.0, 3.0], [9.0, 9.0, 9.0]]), np.array([2.0, 0.5]))
    np.testing.assert_allclose(np.linalg.norm(ball.points[ball.owner == 0] - [1, 2, 3], axis=1), 2.0, rtol=1e-9)
    a, b, c = np.moveaxis(ball.points[ball.corners], 1, 0)
    own = ball.owner[ball.corners[:, 0]] == 0
    volume = (np.einsum("ij,ij->i", a, np.cross(b, c)) / 6)[own].sum()
    assert 0.95 < volume / (4 / 3 * np.pi * 2.0**3) < 1.0, "closed, and seen from outside"
    tube = tubes(np.array([[0.0, 0, 0]]), np.array([[0.0, 10, 0]]), np.array([3.0]))
    np.testing.assert_allclose(np.hypot(tube.points[:, 0], tube.points[:, 2]), 3.0)
    assert set(tube.points[:, 1].round(9)) == {0.0, 10.0} and len(tube.corners) == 12


def test_outline_of_a_box_is_its_twelve_edges():
    corners = np.array([[x, y, z] for x in (0, 1) for y in (0, 1) for z in (0, 1)], dtype=float)
    # six tetrahedra round the diagonal from corner 0 to corner 7
    rings = [(1, 3), (3, 2), (2, 6), (6, 4), (4, 5), (5, 1)]
    tetrahedra = np.array([[0, a, b, 7] for a, b in rings])
    wrong = np.linalg.det(corners[tetrahedra[:, 1:]] - corners[tetrahedra[:, :1]]) < 0
    tetrahedra[wrong] = tetrahedra[wrong][:, [0, 2, 1, 3]]
    lines = outline(TetMesh(corners, tetrahedra))
    pieces = lines.points.reshape(-1, 3, 3)
    assert len(pieces) == 12 and np.isnan(pieces[:, 2]).all()
    np.testing.assert_allclose(np.linalg.norm(pieces[:, 1] - pieces[:, 0], axis=1), 1.0)


def test_packed_arrays_are_little_endian():
    assert unpacked(packed(np.array([1.5, -2.0], ">f4"))).tolist() == [1.5, -2.0]
    assert evenly(5, 10).tolist() == [0, 1, 2, 3, 4] and evenly(101, 3).tolist() == [0, 50, 100]
