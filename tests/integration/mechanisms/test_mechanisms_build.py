"""Compilation and cache: real compiler, real processes."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

PATCH = """
NEURON { SUFFIX %s RANGE answer }
ASSIGNED { answer }
INITIAL { answer = 42 }
"""
ASK = "from pathlib import Path; from multiscale_run.mechanisms import mechanism_library as find; import logging, sys; "
ASK += "logging.basicConfig(level='INFO'); print(find(Path(sys.argv[1])).library_path)"
LOAD = "from neuron import h; h.nrn_load_dll(__import__('sys').argv[1]); s = h.Section(); "
LOAD += "[s.insert(m) for m in ('added', 'kdelayed', 'nakpump')]; h.finitialize(); "
LOAD += "print(s.answer_added, s.answer_kdelayed, s(0.5).nakpump.density)"


def environment(cache: Path) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if name != "NRNMECH_LIB_PATH"}
    return kept | {"MULTISCALE_RUN_CACHE": str(cache)}


def start(cache: Path, mods: Path) -> subprocess.Popen:
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    return subprocess.Popen([sys.executable, "-c", ASK, str(mods)], env=environment(cache), **pipes)


@pytest.fixture
def mods(tmp_path):
    """A user's folder: one mechanism more, and one in place of ours."""
    folder = tmp_path / "mod"
    folder.mkdir()
    for name in ("added", "kdelayed"):
        (folder / f"{name}.mod").write_text(PATCH % name)
    return folder


def test_two_processes_compile_once_and_the_users_files_win(tmp_path, mods):
    processes = [start(tmp_path / "cache", mods) for _ in range(2)]
    outputs = [process.communicate(timeout=240) for process in processes]
    assert [process.returncode for process in processes] == [0, 0], outputs
    (first, one_log), (second, other_log) = outputs
    assert first == second
    assert (one_log + other_log).count("compiling") == 1
    library = Path(first.strip())
    assert [file.name for file in library.parent.iterdir()] == ["libnrnmech.so"], "nothing half made is left"
    command = [sys.executable, "-c", LOAD, str(library)]
    loaded = subprocess.run(command, capture_output=True, text=True, check=True, cwd=tmp_path)
    assert loaded.stdout.splitlines()[-1] == "42.0 42.0 1.0"


def test_a_finished_entry_is_used_without_writing(library, tmp_path):
    from multiscale_run.mechanisms import mechanism_library
    from multiscale_run.mechanisms.library import cache_folder

    before = {file: file.stat().st_mtime_ns for file in cache_folder().rglob("*")}
    found = mechanism_library().library_path
    assert found in before
    assert {file: file.stat().st_mtime_ns for file in cache_folder().rglob("*")} == before


def test_compiler_errors_are_shown(tmp_path, mods):
    (mods / "broken.mod").write_text("NEURON { SUFFIX broken }\nBREAKPOINT { SOLVE nothing METHOD cnexp }\n")
    process = start(tmp_path / "cache", mods)
    _, errors = process.communicate(timeout=120)
    assert process.returncode != 0
    assert "the NEURON mechanisms do not compile" in errors
    assert "broken" in errors
    leftovers = [file for file in (tmp_path / "cache").rglob("*") if file.is_file() and file.suffix != ".lock"]
    assert leftovers == []


def test_a_cache_that_cannot_be_written_is_named(tmp_path, mods):
    (tmp_path / "cache").write_text("a file, not a folder")
    process = start(tmp_path / "cache", mods)
    _, errors = process.communicate(timeout=60)
    assert process.returncode != 0
    assert f"{tmp_path / 'cache' / 'mechanisms'}: cannot keep the compiled mechanisms there" in errors
    assert "MULTISCALE_RUN_CACHE" in errors


def test_the_command_prints_the_library(library):
    command = [sys.executable, "-m", "multiscale_run.mechanisms.build"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert Path(done.stdout.strip()).is_file()
    assert done.stderr == ""


def test_all_ranks_find_the_library_of_the_root(library):
    code = "from mpi_coupling.world import World; from multiscale_run.mechanisms import mechanism_library as find; "
    # printed by one rank: mpirun may mix the lines of several
    code += (
        "found = World.start().comm.gather(str(find(world=World.start()).library_path)); print(*found or [], sep='\\n')"
    )
    settings = {"OMPI_ALLOW_RUN_AS_ROOT": "1", "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM": "1"}
    command = ["mpirun", "--oversubscribe", "--mca", "mpi_yield_when_idle", "1", "-n", "2", sys.executable, "-c", code]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, env=os.environ | settings, check=True)
    lines = done.stdout.split()
    assert len(lines) == 2
    assert lines[0] == lines[1]
