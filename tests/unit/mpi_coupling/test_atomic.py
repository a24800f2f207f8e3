"""Files that are written in one step."""

from __future__ import annotations

import errno
import os
import tempfile
from pathlib import Path

import pytest

from mpi_coupling.atomic import write_in_one_step, writing
from mpi_coupling.failure import UserError


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
    with pytest.raises(FileNotFoundError) as e:
        write_in_one_step(tmp_path / "missing" / "file", "text")
    assert e.value.filename == str(tmp_path / "missing" / "file"), "not the temporary one"


@pytest.mark.parametrize("number", [errno.EACCES, errno.ENOSPC])
def test_errors_name_the_file_and_a_remedy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int) -> None:
    def refuse(dir: Path, prefix: str, suffix: str) -> None:
        raise OSError(number, os.strerror(number), f"{dir}/{prefix}x{suffix}" if number == errno.EACCES else None)

    monkeypatch.setattr(tempfile, "mkstemp", refuse)
    monkeypatch.chdir(tmp_path)
    for file in (tmp_path / "page.html", Path("page.html")):
        with pytest.raises(UserError) as e, writing(file, "do this"):
            write_in_one_step(file, "text")
        assert str(e.value) == f"{file} cannot be written: {os.strerror(number)}; do this"


def test_what_is_written_under_a_hidden_name_first(tmp_path: Path) -> None:
    def fail(name: str) -> None:
        with writing(tmp_path / "mod", "do this"):
            raise PermissionError(errno.EACCES, "Permission denied", str(tmp_path / name))

    for name in (".", "mod", "mod/a.mod", ".mod-3x/mod/a.mod"):
        with pytest.raises(UserError, match=r"/mod cannot be written: Permission denied; do this$"):
            fail(name)
    for name in ("other/a.mod", "../elsewhere"):
        with pytest.raises(PermissionError):
            fail(name)
