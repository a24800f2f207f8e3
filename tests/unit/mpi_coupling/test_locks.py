"""Locks of files."""

from __future__ import annotations

import errno
import fcntl
import threading
import time
from pathlib import Path

import pytest

from mpi_coupling.failure import UserError
from mpi_coupling.locks import hold_folder, lock


def test_a_lock_is_held_until_the_file_is_closed(tmp_path: Path) -> None:
    with (tmp_path / "lock").open("w") as one, (tmp_path / "lock").open("w") as other:
        assert lock(one, 0.0)
        assert not lock(other, 0.2)
        threading.Timer(0.2, one.close).start()
        began = time.monotonic()
        assert lock(other, 30.0)
        assert time.monotonic() - began < 25.0


@pytest.mark.parametrize(("number", "goes_on"), [(errno.ENOLCK, True), (errno.EOPNOTSUPP, True), (errno.EIO, False)])
def test_a_file_system_without_locks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int, goes_on: bool
) -> None:
    def refuse(*_: object) -> None:
        raise OSError(number, "refused")

    monkeypatch.setattr(fcntl, "flock", refuse)
    with (tmp_path / "lock").open("w") as file:
        if goes_on:
            assert lock(file, 0.0)
        else:
            with pytest.raises(OSError, match="refused"):
                lock(file, 0.0)


def test_a_file_where_the_results_should_go(tmp_path: Path) -> None:
    (tmp_path / "RESULTS").write_text("")
    for folder in (tmp_path / "RESULTS", tmp_path / "RESULTS" / "deeper"):
        with pytest.raises(UserError, match=r"RESULTS is a file, not a folder; remove it or name another folder"):
            hold_folder(folder)
