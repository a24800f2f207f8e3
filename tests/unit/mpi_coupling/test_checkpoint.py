"""Snapshots: what is read is what was written, damage and foreign snapshots are found, a failure keeps the old ones."""

import json

import numpy as np
import pytest

from mpi_coupling.checkpoint import KEPT, CheckpointStore
from mpi_coupling.failure import UserError
from mpi_coupling.world import World

STATE = {
    "neurodamus/window a/b[0]": np.array([1.5, -0.0, np.nan]),
    "alive/reasons": np.array(["", "ATP is low"], dtype=np.str_),
    "bytes": np.frombuffer(b"\0\1\2", np.uint8),
    "nothing": np.empty((0, 3)),
}


@pytest.fixture
def store(tmp_path):
    return CheckpointStore(World.start(), tmp_path / "checkpoints", "abc")


def folders(store):
    return sorted(path.name for path in store._folder.iterdir())


def test_every_bit_comes_back(store):
    store.save(4000, STATE)
    tick, state = store.load()
    assert tick == 4000
    assert list(state) == list(STATE)
    for name, array in STATE.items():
        assert state[name].dtype == array.dtype
        assert state[name].tobytes() == array.tobytes()


def test_the_newest_is_read_and_the_previous_one_kept(store):
    for tick in (1000, 2000, 3000, 12000):
        store.save(tick, {"tick": np.array(tick)})
    assert len(folders(store)) == KEPT
    assert store.load()[0] == 12000


def test_nothing_to_read(store):
    assert store.load() is None
    store.save(1, {})
    store.clear()
    assert store.load() is None


@pytest.mark.parametrize("spoil", ["cut", "flip", "remove", "no manifest", "bad manifest"])
def test_where_the_newest_is_damaged_the_one_before_is_read(store, spoil):
    for tick in (1, 2):
        store.save(tick, {"values": np.full(1000, float(tick))})
    newest = store._folder / "tick-000000000002"
    data, manifest = newest / "rank-00000.npz", newest / "manifest.json"
    content = bytearray(data.read_bytes())
    match spoil:
        case "cut":
            data.write_bytes(content[:500])
        case "flip":
            content[len(content) // 2] ^= 1
            data.write_bytes(content)
        case "remove":
            data.unlink()
        case "no manifest":
            manifest.unlink()
        case "bad manifest":
            manifest.write_text("{}")
    tick, state = store.load()
    assert tick == 1 and (state["values"] == 1.0).all()


def test_all_damaged(store):
    store.save(1, STATE)
    (store._folder / "tick-000000000001" / "rank-00000.npz").write_bytes(b"")
    with pytest.raises(UserError, match="none of the 1 checkpoints can be read"):
        store.load()


def test_a_snapshot_that_was_not_finished_does_not_count(store):
    store.save(1, STATE)
    part = store._folder / "tick-000000000002.part"
    part.mkdir()
    (part / "manifest.json").write_text(json.dumps({"tick": 2, "ranks": 1, "fingerprint": "abc"}))
    assert store.load()[0] == 1
    store.save(2, {})
    assert "tick-000000000002.part" not in folders(store)


def test_of_another_run(store, tmp_path):
    store.save(1, STATE)
    other = CheckpointStore(World.start(), tmp_path / "checkpoints", "xyz")
    with pytest.raises(UserError, match="another configuration, circuit or mechanisms"):
        other.load()


def test_of_another_number_of_ranks(store):
    store.save(1, STATE)
    manifest = store._folder / "tick-000000000001" / "manifest.json"
    manifest.write_text(json.dumps(json.loads(manifest.read_text()) | {"ranks": 3}))
    with pytest.raises(UserError, match="written by 3 ranks and cannot be read by 1; resume with -n 3"):
        store.load()


def test_a_folder_that_cannot_be_written(tmp_path):
    (tmp_path / "file").write_text("")
    store = CheckpointStore(World.start(), tmp_path / "file" / "checkpoints", "abc")
    with pytest.raises(UserError, match="the checkpoint cannot be written"):
        store.save(1, STATE)


def test_a_disk_that_fills_up_keeps_the_earlier_snapshot(store, monkeypatch):
    store.save(1, STATE)

    def full(*_, **__):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("mpi_coupling.checkpoint.np.savez", full)
    with pytest.raises(UserError, match="No space left on device"):
        store.save(2, STATE)
    monkeypatch.undo()
    assert store.load()[0] == 1
    assert folders(store) == ["tick-000000000001"]
