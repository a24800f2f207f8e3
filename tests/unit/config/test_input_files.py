"""What a simulation reads, and a digest of it: it belongs to the contents, of which long files are sampled."""

from __future__ import annotations

import json
import shutil

from multiscale_run.config import load_config
from multiscale_run.input_files import BLOCK, LONGEST_WHOLE, digest, input_files


def test_files_that_a_simulation_reads(tmp_path, write):
    """A circuit outside of the folder; paths with names of the manifest."""
    circuit, folder = tmp_path / "circuit", tmp_path
    names = ("nodes.h5", "types.csv", "edges.h5", "domains.h5", "node_sets.json")
    for name in (*(f"circuit/{name}" for name in names), "in/spikes.h5", "own/species.csv", "in/other.h5"):
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text("{}")
    nodes = {"nodes_file": "$BASE/nodes.h5", "node_types_file": "$BASE/types.csv"}
    nodes["populations"] = {"a": {"type": "astrocyte", "microdomains_file": "$BASE/domains.h5"}}
    edges = {"edges_file": "$BASE/edges.h5", "populations": {"a__a__chemical": {"type": "chemical"}}}
    networks = {"nodes": [nodes], "edges": [edges]}
    content = {"manifest": {"$BASE": "."}, "networks": networks, "node_sets_file": "$BASE/node_sets.json"}
    (circuit / "circuit_config.json").write_text(json.dumps(content))
    changes = {
        ("manifest",): {"$IN": "in"},
        ("network",): "circuit/circuit_config.json",
        ("node_sets_file",): ...,
        ("inputs",): {"replay": {"module": "synapse_replay", "spike_file": "$IN/spikes.h5"}},
        ("multiscale_run", "metabolism", "network_path"): "own",
    }
    found = input_files(load_config(write(changes)))
    others = {folder / "in" / "spikes.h5", folder / "own" / "species.csv"}
    assert found == {circuit / name for name in names} | others
    before = digest(found)
    shutil.move(circuit, tmp_path / "z")
    moved = {tmp_path / "z" / name for name in names} | others
    assert digest(moved) == before
    for file in moved:
        file.write_text("[]")
        assert digest(moved) != before
        file.write_text("{}")


def test_a_copy_has_the_same_digest_and_a_changed_file_another(tmp_path):
    one, copy, changed, longer = (tmp_path / name for name in ("one", "copy", "changed", "longer"))
    one.write_bytes(b"abc" * BLOCK)
    copy.write_bytes(b"abc" * BLOCK)
    changed.write_bytes(b"abc" * (BLOCK - 1) + b"abd")
    longer.write_bytes(b"abc" * BLOCK + b"a")
    assert digest([one]) == digest([copy])
    assert len({digest(files) for files in ([one], [changed], [longer], [one, copy], [])}) == 5


def test_files_do_not_run_into_each_other(tmp_path):
    for name, text in {"a": "xy", "b": "z", "c": "x", "d": "yz"}.items():
        (tmp_path / name).write_text(text)
    assert digest([tmp_path / "a", tmp_path / "b"]) != digest([tmp_path / "c", tmp_path / "d"])


def test_of_a_very_long_file_blocks_count_and_the_length(tmp_path):
    file, size = tmp_path / "long", 4 * LONGEST_WHOLE * BLOCK
    with file.open("wb") as stream:
        stream.truncate(size)  # zeros that take no room on disk
    found = {digest([file])}
    with file.open("r+b") as stream:
        stream.write(b"1")
    found.add(digest([file]))
    with file.open("r+b") as stream:
        stream.truncate(size + 1)
    found.add(digest([file]))
    assert len(found) == 3
