"""An environment that is moved goes on working."""

import os
import subprocess
import sys
import venv
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture
def moved(tmp_path):
    made = tmp_path / "made here"
    venv.create(made, symlinks=True)
    program = made / "bin/say"
    program.write_text(f"#!{made}/bin/python3\nimport sys\nprint(sys.prefix, *sys.argv[1:])\n")
    other = made / "bin/other"
    other.write_text("#!/bin/sh\necho other\n")
    for file in (program, other):
        file.chmod(0o755)
    script = ROOT / "scripts/make_relocatable.py"
    done = subprocess.run([sys.executable, script, made], capture_output=True, text=True, check=True)
    assert done.stdout == "1 programs made relocatable\n"
    return made.rename(tmp_path / "moved there")


def said(*command, **environment):
    return subprocess.run(command, env=os.environ | environment, capture_output=True, text=True, check=True).stdout


def test_programs_find_the_interpreter_beside_them(moved):
    assert said(moved / "bin/say", "two words", "x") == f"{moved} two words x\n"
    assert said(moved / "bin/other") == "other\n"


def test_also_by_a_link_and_with_another_modules_pythonhome(moved, tmp_path):
    link = tmp_path / "link"
    link.symlink_to(moved / "bin/say")
    assert said(link, PYTHONHOME="/nowhere") == f"{moved}\n"


def test_nothing_names_the_old_place(moved):
    texts = [file.read_bytes() for file in (moved / "bin").iterdir() if not file.is_symlink()]
    assert texts and not any(b"made here" in text for text in texts)
    assert not list((moved / "bin").glob("[aA]ctivate*"))
