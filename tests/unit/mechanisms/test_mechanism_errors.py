"""What is said when mechanisms do not compile: the real compiler on one broken file, and tools that do not fit."""

import os
import re
import shutil
import subprocess

import pytest

from mpi_coupling.world import UserError
from multiscale_run.mechanisms import compiler, library

pytest.importorskip("neurodamus")

CURRENT = "ik = gbar*n*n*n*n*(v - ek)"


@pytest.fixture
def workplace(tmp_path):
    """A folder whose `mod` has one channel, and the files in it."""
    (tmp_path / "mod").mkdir()
    for name in ("kdelayed.mod", "rates.inc"):
        shutil.copy(library.sources()[name], tmp_path / "mod")
    return tmp_path, {file.name: file for file in (tmp_path / "mod").iterdir()}


def refused(workplace) -> str:
    with pytest.raises(UserError) as caught:
        compiler.run_nrnivmodl(*workplace)
    return str(caught.value)


@pytest.mark.parametrize(
    ("before", "after", "shown", "said"),
    [
        (CURRENT, "ik = gbar*n*n*n*n*(v - ek", "ik = gbar*n*n*n*n*(v - ek\n}", "syntax error: Illegal expression"),
        (CURRENT, "ik = gbarr*n*n*n*n*(v - ek)", "gbarr", "gbarr"),
        ("n = ninf", "VERBATIM\n    tooth();\nENDVERBATIM", "tooth", "tooth"),
        ("STATE { n }", "STATES { n }", "STATES { n }", "Illegal block"),
        ("0.032*linoid(", "0.032*linoidx(", "linoidx", "linoidx"),
    ],
)
def test_the_first_error_has_file_and_line(workplace, before, after, shown, said):
    file = workplace[1]["kdelayed.mod"]
    text = file.read_text()
    assert before in text
    text = text.replace(before, after, 1)
    file.write_text(text)
    found = re.search(rf"do not compile: {re.escape(str(file))}:(\d+): (.*)$", refused(workplace))
    assert found
    assert said in found[2]
    assert int(found[1]) == text[: text.index(shown) + len(shown)].count("\n") + 1


def test_a_missing_include_is_named(workplace):
    file = workplace[1]["kdelayed.mod"]
    (workplace[0] / "mod" / "rates.inc").unlink()
    assert f"{file}: there is no file rates.inc to INCLUDE" in refused(workplace)


def program(path, *lines: str) -> str:
    path.write_text("\n".join(["#!/bin/sh", *lines, ""]))
    path.chmod(0o755)
    return str(path)


def test_another_compiler_than_neurons_is_explained(workplace, tmp_path, monkeypatch):
    complaint = "ld: libnrniv.so: file not recognized: file format not recognized"
    lines = [f'case "$*" in *-shared*) echo "{complaint}" >&2; exit 1;; esac', 'exec g++ "$@"']
    monkeypatch.setenv("CXX", program(tmp_path / "other-linker", *lines))
    said = refused(workplace)
    assert "made by another compiler" in said and "module load intel-oneapi-compilers" in said
    assert said.endswith(complaint)


def test_the_compiler_that_neuron_was_made_with_is_asked_for(workplace, tmp_path, monkeypatch):
    """A NEURON built from source, as Spack's: its nrnivmodl lies beside a makefile that names the compiler."""
    neuron = tmp_path / "neuron"
    neuron.mkdir()
    program(neuron / "nrnivmodl", "exit 1")
    (neuron / "nrnmech_makefile").write_text("ifeq ($(origin CXX), default)\n    CXX = /opt/oneapi/bin/icpx\nendif\n")
    monkeypatch.delenv("CXX", raising=False)
    monkeypatch.setattr(compiler.sys, "executable", str(neuron / "python"))
    assert "NEURON was made with the compiler /opt/oneapi/bin/icpx, which is not here" in refused(workplace)


def test_the_output_is_shown_when_nothing_is_recognised(workplace, tmp_path, monkeypatch):
    monkeypatch.setenv("CXX", program(tmp_path / "odd", "echo the hamster is tired >&2; exit 1"))
    said = refused(workplace)
    assert "the hamster is tired" in said
    assert "Traceback" not in said


def test_files_that_are_translated_at_once_do_not_mix_their_words(tmp_path, monkeypatch):
    monkeypatch.setenv("MAKEFLAGS", "-k")
    halves = "".join(f"{name}:\n\t@printf {name}1; sleep 0.5; echo {name}2\n" for name in ("one", "two"))
    (tmp_path / "Makefile").write_text(f"all: one two\n{halves}")
    make = shutil.which("make")
    flags = compiler.make_flags(make)
    assert flags == "-k --output-sync=target"
    environment = {"PATH": os.environ["PATH"], "MAKEFLAGS": flags}
    done = subprocess.run(
        [make, "-j2", "all"], cwd=tmp_path, env=environment, capture_output=True, text=True, check=True
    )
    assert sorted(done.stdout.splitlines()) == ["one1one2", "two1two2"]
