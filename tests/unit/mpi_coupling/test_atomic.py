"""Files that are written in one step."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from mpi_coupling.atomic import write_in_one_step


def test_replaces_a_file_with_the_rights_of_a_new_one(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_text("old")
    file.chmod(0o600)
    mask = os.umask(0o027)
    try:
        write_in_one_step(file, "new ü")
    finally:
        os.umask(mask)
    assert file.read_bytes() == "new ü".encode()
    assert file.stat().st_mode & 0o777 == 0o640
    write_in_one_step(file, b"\0")
    assert file.read_bytes() == b"\0"


def test_leaves_nothing_behind_when_it_cannot(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    with pytest.raises(OSError):
        write_in_one_step(tmp_path / "folder", "text")
    assert [path.name for path in tmp_path.iterdir()] == ["folder"]
    with pytest.raises(FileNotFoundError):
        write_in_one_step(tmp_path / "missing" / "file", "text")
