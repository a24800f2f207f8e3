"""A digest of input files: it belongs to their contents, of which long files are sampled."""

from __future__ import annotations

from multiscale_run.input_files import BLOCK, LONGEST_WHOLE, digest


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
