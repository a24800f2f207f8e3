"""Which files are compiled, under which name they are kept, what the environment says afterwards."""

import errno
import fcntl
import os
import platform
from pathlib import Path

import pytest

from mpi_coupling.world import UserError
from multiscale_run.mechanisms import MechanismLibrary, activate, library, mechanism_library, mod_folder

pytest.importorskip("neurodamus")


@pytest.fixture(autouse=True)
def clean_environment(monkeypatch, tmp_path):
    monkeypatch.setenv("MULTISCALE_RUN_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv("NRNMECH_LIB_PATH", raising=False)
    monkeypatch.delenv("HOC_LIBRARY_PATH", raising=False)


@pytest.fixture
def user_mods(tmp_path):
    folder = tmp_path / "mod"
    folder.mkdir()
    (folder / "nakpump.mod").write_text(": theirs")
    (folder / "extra.mod").write_text(": more")
    (folder / "notes.txt").write_text("not compiled")
    return folder


def test_sources_are_neurodamus_and_ours():
    names = set(library.sources(None))
    assert {"SonataReports.mod", "vecevent.mod"} <= names
    assert {"nakpump.mod", "ionpools.mod", "release.inc", "ProbAMPANMDA_EMS.mod", "cadifus.mod"} <= names


def test_files_of_the_user_win(user_mods):
    found = library.sources(user_mods)
    assert found["nakpump.mod"].parent == found["extra.mod"].parent == user_mods
    assert found["ionpools.mod"].parent != user_mods
    assert "notes.txt" not in found


def test_the_entry_depends_on_content_not_on_place(user_mods, tmp_path):
    first = library.fingerprint(library.sources(user_mods))
    moved = user_mods.rename(tmp_path / "moved")
    assert library.fingerprint(library.sources(moved)) == first
    (moved / "extra.mod").write_text(": changed")
    changed = library.fingerprint(library.sources(moved))
    assert len({first, changed, library.fingerprint(library.sources(None))}) == 3


def test_the_entry_depends_on_the_compiler(monkeypatch):
    first = library.fingerprint(library.sources(None))
    monkeypatch.setenv("CXX", "another-compiler")
    assert library.fingerprint(library.sources(None)) != first


@pytest.mark.parametrize(
    ("variables", "expected"),
    [
        ({"MULTISCALE_RUN_CACHE": "/a"}, "/a/mechanisms"),
        ({"XDG_CACHE_HOME": "/b"}, "/b/multiscale-run/mechanisms"),
        ({"HOME": "/c"}, "/c/.cache/multiscale-run/mechanisms"),
    ],
)
def test_place_of_the_cache(monkeypatch, variables, expected):
    for name in ("MULTISCALE_RUN_CACHE", "XDG_CACHE_HOME"):
        monkeypatch.delenv(name, raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    assert library.cache_folder() == Path(expected)


def test_the_users_library_wins(monkeypatch):
    monkeypatch.setenv("NRNMECH_LIB_PATH", "/theirs/libnrnmech.so")
    found = mechanism_library()
    assert found.library_path == Path("/theirs/libnrnmech.so")
    activate(found)
    assert os.environ["NRNMECH_LIB_PATH"] == "/theirs/libnrnmech.so"


def test_a_missing_folder_of_mods_is_named(tmp_path):
    with pytest.raises(UserError, match="absent: no such folder of mod files"):
        mechanism_library(tmp_path / "absent")


def test_mod_folder_of_a_simulation(tmp_path, user_mods):
    assert mod_folder(tmp_path) == user_mods
    assert mod_folder(tmp_path / "elsewhere") is None


@pytest.fixture
def compiled(tmp_path):
    return MechanismLibrary(tmp_path / "libnrnmech.so", tmp_path / "hoc")


def test_activate_adds_to_the_hoc_path_once(monkeypatch, compiled):
    monkeypatch.setenv("HOC_LIBRARY_PATH", "/theirs")
    activate(compiled)
    activate(compiled)
    folders = os.environ["HOC_LIBRARY_PATH"].split(":")
    assert folders[:2] == ["/theirs", str(compiled.hoc_path)]
    assert folders[2].endswith("neurodamus/data/hoc")
    assert len(folders) == 3
    assert os.environ["NRNMECH_LIB_PATH"] == str(compiled.library_path)


def test_compiled_mechanisms_in_the_current_folder_are_refused(monkeypatch, tmp_path, compiled):
    monkeypatch.delitem(__import__("sys").modules, "neuron", raising=False)
    stray = tmp_path / platform.machine()
    stray.mkdir()
    (stray / "libnrnmech.so").touch()
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UserError, match="remove that folder, or run from another one"):
        activate(compiled)


def test_a_file_system_without_locks_is_no_obstacle(monkeypatch, tmp_path):
    def unsupported(*_):
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr(fcntl, "flock", unsupported)
    with library._locked(tmp_path / "entry.lock"):
        pass


def test_a_lock_that_is_never_released_does_not_hang(monkeypatch, tmp_path):
    monkeypatch.setattr(library, "LOCK_PATIENCE", 0.3)
    lock = tmp_path / "entry.lock"
    with (
        library._locked(lock),
        pytest.raises(UserError, match=r"entry\.lock: locked for 0\.3 s"),
        library._locked(lock),
    ):
        pass


def test_an_installation_for_many_users_brings_them_compiled(monkeypatch, tmp_path):
    monkeypatch.setattr(library.sys, "prefix", str(tmp_path / "installed"))
    name = library.fingerprint(library.sources(None))
    file = library.installed_folder() / name / library.LIBRARY_NAME
    file.parent.mkdir(parents=True)
    file.touch()
    monkeypatch.setenv("CXX", "a-compiler-of-the-user")
    assert mechanism_library().library_path == file
    monkeypatch.setenv("NRNMECH_LIB_PATH", str(file))  # what the module sets
    assert mechanism_library().library_path == file
    assert not library.cache_folder().exists()
