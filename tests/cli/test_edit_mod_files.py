"""``edit-mod-files`` as a user types it: copies, edits and results, stale builds, broken files, missing compilers."""

import os
import re
import shutil
from pathlib import Path

import numpy as np
import pytest

from multiscale_run.mechanisms import mechanism_library

CHANNEL, CURRENT = "kdelayed.mod", "ik = gbar*n*n*n*n*(v - ek)"
HALF = "ik = 0.5*gbar*n*n*n*n*(v - ek)"


@pytest.fixture
def editing(tools, tiny, tmp_path, monkeypatch):
    """A simulation with a folder mod, neurons only, and a cache of its own that has our mechanisms."""
    built = mechanism_library().library_path.parent
    shutil.copytree(built, tmp_path / "cache" / "mechanisms" / built.name)
    monkeypatch.setenv("MULTISCALE_RUN_CACHE", str(tmp_path / "cache"))
    folder = tiny(tools["duration"](20.0), only_neurons)
    done = folder.command("edit-mod-files")
    assert done.returncode == 0, done.stdout
    assert f"{folder.path / 'mod'}\n" in done.stdout
    assert f"multiscale-run edit-mod-files --rebuild {folder.path}" in done.stdout
    assert len(list((tmp_path / "cache" / "mechanisms").iterdir())) == 1, "copies are the mechanisms in use"
    return folder


def only_neurons(settings):
    section = settings["multiscale_run"]
    section.update(with_steps=False, with_bloodflow=False, with_metabolism=False)
    section["connections"] = {}
    for stimulus in settings["inputs"].values():
        stimulus["delay"] = 0.0


def edit(folder, before, after):
    file = folder.path / "mod" / CHANNEL
    text = file.read_text()
    assert before in text
    file.write_text(text.replace(before, after))
    return file


def test_stale_files_are_noticed_and_an_edited_conductance_changes_the_result(editing):
    folder = editing
    before = folder.computed().report("v")[1]
    shutil.rmtree(folder.results)
    edit(folder, CURRENT, HALF)
    checked = folder.command("check")
    assert checked.returncode == 0, checked.stdout
    assert f"{folder.path / 'mod'} is newer than its build" in checked.stdout
    assert "newer than its build" not in folder.command("check").stdout
    rebuilt = folder.command("edit-mod-files", "--rebuild")
    assert rebuilt.returncode == 0, rebuilt.stdout
    after = folder.compute()
    assert after.returncode == 0, after.stdout
    assert "newer than its build" not in after.stdout
    assert np.abs(folder.report("v")[1] - before).max() > 0.01  # mV

    edit(folder, HALF, CURRENT)
    shutil.rmtree(folder.results)
    again = folder.compute()
    assert again.returncode == 0 and "newer than its build" not in again.stdout, again.stdout
    assert np.array_equal(folder.report("v")[1], before)


def test_compute_warns_before_it_builds(editing):
    edit(editing, CURRENT, "ik = gbar*n*n*n*n*(v - ek")
    done = editing.compute()
    assert done.returncode == 2
    assert done.stdout.index("newer than its build") < done.stdout.index("do not compile")
    assert not editing.results.exists()


def test_a_broken_file_is_named_with_its_line(editing):
    file = edit(editing, CURRENT, "ik = gbar*n*n*n*n*(v - ek")
    done = editing.command("edit-mod-files", "--rebuild")
    assert done.returncode == 2
    end_of_block = file.read_text().splitlines().index("    ik = gbar*n*n*n*n*(v - ek") + 2
    assert f"{file}:{end_of_block}: syntax error" in done.stdout
    assert len([line for line in done.stdout.splitlines() if "compiling" not in line]) == 1


def test_it_overwrites_nothing_and_needs_a_simulation(editing, tools, tmp_path):
    file = edit(editing, CURRENT, "ik = 0")
    again = editing.command("edit-mod-files")
    assert again.returncode == 2
    assert "mod exists and is left as it is" in again.stdout
    assert "ik = 0" in file.read_text()
    elsewhere = tools["launch"]("edit-mod-files", tmp_path / "nowhere")
    assert elsewhere.returncode == 2
    assert "no simulation here" in elsewhere.stdout
    assert not (tmp_path / "nowhere").exists()
    shutil.rmtree(editing.path / "mod")
    nothing = editing.command("edit-mod-files", "--rebuild")
    assert nothing.returncode == 2
    assert "mod: no such folder; make it with multiscale-run edit-mod-files" in nothing.stdout


def test_a_library_of_ones_own_is_told_apart(tools, tiny, tmp_path, monkeypatch):
    other = shutil.copy(mechanism_library().library_path, tmp_path / "libnrnmech.so")
    monkeypatch.setenv("NRNMECH_LIB_PATH", str(other))
    folder = tiny(only_neurons)
    done = folder.command("edit-mod-files")
    assert done.returncode == 0, done.stdout
    assert f"is not in use, because NRNMECH_LIB_PATH names {other}" in done.stdout
    assert "simulation.sbatch now unsets NRNMECH_LIB_PATH" in done.stdout
    script = (folder.path / "simulation.sbatch").read_text().splitlines()
    program = next(i for i, line in enumerate(script) if "multiscale-run compute" in line)
    assert script[program - 1].startswith("unset NRNMECH_LIB_PATH")
    checked = folder.command("check")
    assert checked.returncode == 0, checked.stdout
    assert f"is not in use, because NRNMECH_LIB_PATH names {other}" in checked.stdout


def programs_without(folder: Path, *missing: str) -> str:
    """A PATH with the programs of this machine but some."""
    folder.mkdir()
    for place in reversed(os.environ["PATH"].split(":")):
        for program in Path(place).iterdir() if Path(place).is_dir() else ():
            if not any(re.fullmatch(name, program.name) for name in missing):
                (folder / program.name).unlink(missing_ok=True)
                (folder / program.name).symlink_to(program)
    return str(folder)


def test_a_missing_compiler_is_explained(editing, tmp_path, monkeypatch):
    monkeypatch.delenv("CXX", raising=False)
    monkeypatch.setenv("PATH", programs_without(tmp_path / "bin", r"(.*-)?(c\+\+|g\+\+|clang\+\+)(-\d+)?"))
    edit(editing, CURRENT, "ik = 0")
    done = editing.command("edit-mod-files", "--rebuild")
    assert done.returncode == 2
    assert "there is no g++ in PATH; install it with `apt-get install g++ make`" in done.stdout
    assert len(done.stdout.splitlines()) == 1


def test_a_compiler_that_is_not_loaded_is_explained(editing, monkeypatch):
    edit(editing, CURRENT, "ik = 0")
    monkeypatch.setenv("CXX", "no-such-icpx")
    absent = editing.command("edit-mod-files", "--rebuild")
    assert absent.returncode == 2
    assert "the compiler that the variable CXX names, no-such-icpx, which is not in PATH" in absent.stdout
