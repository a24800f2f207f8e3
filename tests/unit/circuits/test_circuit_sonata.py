"""SONATA files: written in pieces, indexed as libsonata does."""

import h5py
import libsonata
import numpy as np
import pytest

from multiscale_run.circuits.sonata import EdgeWriter, edge_index, write_nodes


def _write(path, source, target, pieces):
    with EdgeWriter(path, "edges", ("a", 7), ("b", 9), labels={"kind": ["x", "y"]}) as writer:
        for piece in np.array_split(np.arange(len(source)), pieces):
            weight = piece.astype(float)
            writer.append(source[piece], target[piece], {"weight": weight, "kind": (piece % 2).astype("u4")})


@pytest.mark.parametrize("is_sorted", [True, False])
def test_index_agrees_with_libsonata(tmp_path, is_sorted):
    rng = np.random.default_rng(0)
    source, target = rng.integers(0, 7, 200), rng.integers(0, 8, 200)  # node 8 of b has no edges
    if is_sorted:
        target.sort()
    _write(tmp_path / "edges.h5", source, target, 3)
    with h5py.File(tmp_path / "edges.h5", "a") as file:
        own = {name: file[f"edges/edges/indices/{name}"][...] for name in _INDEX_TABLES}
        del file["edges/edges/indices"]
    libsonata.EdgePopulation.write_indices(
        str(tmp_path / "edges.h5"), "edges", source_node_count=7, target_node_count=9
    )
    with h5py.File(tmp_path / "edges.h5") as file:
        for name in _INDEX_TABLES:
            reference = file[f"edges/edges/indices/{name}"][...]
            if name.endswith("node_id_to_ranges"):  # libsonata may order the ranges of different nodes otherwise
                np.testing.assert_array_equal(np.diff(own[name]), np.diff(reference))
            assert sorted(map(tuple, own[name])) == sorted(map(tuple, reference))


_INDEX_TABLES = [
    f"{direction}/{table}"
    for direction in ("source_to_target", "target_to_source")
    for table in ("node_id_to_ranges", "range_to_edge_id")
]


def test_lookup_by_node(tmp_path):
    rng = np.random.default_rng(1)
    source, target = rng.integers(0, 7, 300), rng.integers(0, 9, 300)
    _write(tmp_path / "edges.h5", source, target, 1)
    edges = libsonata.EdgeStorage(str(tmp_path / "edges.h5")).open_population("edges")
    assert (edges.source, edges.target, edges.size) == ("a", "b", 300)
    for node in range(9):
        assert sorted(edges.afferent_edges(node).flatten()) == list(np.flatnonzero(target == node))
    for node in range(7):
        assert sorted(edges.efferent_edges(node).flatten()) == list(np.flatnonzero(source == node))
    everything = edges.select_all()
    assert list(edges.get_attribute("kind", everything)[:3]) == ["x", "y", "x"]
    np.testing.assert_array_equal(edges.get_attribute("weight", everything), np.arange(300))


def test_pieces_do_not_show(tmp_path):
    source, target = np.arange(50) % 7, np.arange(50) % 9
    _write(tmp_path / "one.h5", source, target, 1)
    _write(tmp_path / "four.h5", source, target, 4)
    with h5py.File(tmp_path / "one.h5") as one, h5py.File(tmp_path / "four.h5") as four:
        for name in ("source_node_id", "target_node_id", "edge_type_id", "0/weight", "0/kind"):
            np.testing.assert_array_equal(one[f"edges/edges/{name}"], four[f"edges/edges/{name}"])


def test_index_of_no_edges():
    ranges, rows = edge_index(np.empty(0, "u8"), 4)
    assert ranges.shape == (4, 2) and rows.shape == (0, 2) and not ranges.any()


def test_nodes_of_one_value_and_of_many(tmp_path):
    write_nodes(tmp_path / "n.h5", "cells", 3, {"x": [1.0, 2, 3], "mtype": ["b", "a", "b"], "etype": "e"}, {"g": 0.5})
    nodes = libsonata.NodeStorage(str(tmp_path / "n.h5")).open_population("cells")
    everything = nodes.select_all()
    assert list(nodes.get_attribute("mtype", everything)) == ["b", "a", "b"]
    assert list(nodes.get_attribute("etype", everything)) == ["e"] * 3
    assert nodes.get_attribute("x", everything).dtype == np.float32
    assert list(nodes.get_dynamics_attribute("g", everything)) == [0.5] * 3
