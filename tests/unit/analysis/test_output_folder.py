"""Output that cannot be written: messages name the file that was wanted, and what to do."""

from __future__ import annotations

import errno
import os
import tempfile
from pathlib import Path

import pytest

from mpi_coupling.failure import UserError
from mpi_coupling.profile import Profiler
from mpi_coupling.world import World
from multiscale_run.analysis import Results, html_report
from multiscale_run.config import load_config
from multiscale_run.mechanisms import editing
from multiscale_run.output_folder import OutputFolder
from multiscale_run.setup_folder import CircuitRequest, write_simulation
from multiscale_run.view.page import write_page


@pytest.fixture
def locked(monkeypatch):
    """No folder takes new files."""

    def refuse(*_, dir, prefix, **__):
        raise PermissionError(errno.EACCES, "Permission denied", f"{dir}/{prefix}x3z")

    monkeypatch.setattr(tempfile, "mkstemp", refuse)
    monkeypatch.setattr(tempfile, "mkdtemp", lambda suffix, prefix, dir: refuse(dir=dir, prefix=prefix))


def test_report_and_page_name_the_option(folder, rows, monkeypatch, request):
    results = Results(folder.compartments("nai", rows).path)
    monkeypatch.setattr(html_report, "execute", lambda *_: None)  # needs folders of its own
    request.getfixturevalue("locked")
    message = "cannot be written: Permission denied; name another file with --output$"
    with pytest.raises(UserError, match=rf"^{folder.results}/report\.html {message}"):
        html_report.write_report(results)
    with pytest.raises(UserError, match=rf"^{folder.path}/view\.html {message}"):
        write_page(load_config(folder.path))


def test_folders_are_named_as_the_user_does(folder, tmp_path, monkeypatch, locked):
    monkeypatch.setattr(editing, "build", lambda: None)
    with pytest.raises(UserError, match=rf"^{folder.path}/mod cannot be written: Permission denied; make .* writable"):
        editing.copy_mod_files(folder.path)
    with pytest.raises(UserError, match=rf"^{tmp_path}/new cannot be written: Permission denied; name another folder"):
        write_simulation(tmp_path / "new", CircuitRequest.from_options("tiny", None, None, 1, None))


def test_a_simulation_that_cannot_be_replaced_stays_whole(folder, monkeypatch):
    before = {path: path.read_bytes() for path in folder.path.rglob("*") if path.is_file()}

    def refuse(path: Path, target: Path) -> None:
        raise PermissionError(errno.EACCES, "Permission denied", str(path))

    monkeypatch.setattr(Path, "rename", refuse)
    monkeypatch.setattr(os, "rename", refuse)
    with pytest.raises(UserError, match=rf"^{folder.path} cannot be written: Permission denied; name another folder"):
        write_simulation(folder.path, CircuitRequest.from_options("tiny", None, None, 2, None), force=True)
    assert {path: path.read_bytes() for path in folder.path.rglob("*") if path.is_file()} == before


def test_results_in_a_folder_that_does_not_change(tmp_path, monkeypatch):
    """As after chattr +i."""
    output = OutputFolder(World.start(), tmp_path)

    def refuse(path: Path, missing_ok: bool = False) -> None:
        raise PermissionError(errno.EPERM, os.strerror(errno.EPERM), str(path))

    monkeypatch.setattr(Path, "unlink", refuse)
    with pytest.raises(UserError, match=rf"^{tmp_path}: results cannot be written there: Operation not permitted$"):
        output.begin()


def test_a_mark_that_cannot_be_written(tmp_path, locked, capsys):
    with pytest.raises(UserError, match=rf"^{tmp_path}: results cannot be written there: Permission denied$"):
        OutputFolder(World.start(), tmp_path).finish(Profiler(), "mark")
