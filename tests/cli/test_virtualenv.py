"""``virtualenv`` as a developer types it: from a checkout, an installation without one, another Python environment."""

import os
import shutil
import subprocess
import sys
import venv
from pathlib import Path

import pytest

from multiscale_run.mechanisms import mechanism_library

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("mpi_coupling", "multiscale_run", "tvb_nest")


@pytest.fixture
def checkout(tmp_path):
    """A checkout of ones own, whose `stats --help` is recognisable."""
    folder = tmp_path / "checkout"
    for package in PACKAGES:
        shutil.copytree(ROOT / package, folder / package, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("pyproject.toml", "README.md", "LICENSE", "LICENSE.GPL"):
        shutil.copy(ROOT / name, folder / name)
    mark(folder, "first")
    return folder


def mark(source, word):
    file = source / "multiscale_run" / "cli" / "stats.py"
    lines = [line for line in file.read_text().splitlines(keepends=True) if not line.startswith("command.help")]
    file.write_text("".join(lines) + f"command.help = 'edited: {word}'\n")


def shell(*lines, **variables):
    """What bash prints; variables are added to a copy of the environment."""
    environment = os.environ | variables | {"OMPI_ALLOW_RUN_AS_ROOT": "1", "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM": "1"}
    done = subprocess.run(
        ["bash", "-ec", "\n".join(lines)], env=environment, capture_output=True, text=True, timeout=300
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_edits_of_a_checkout_take_effect_and_the_shell_is_left_as_it_was(tools, checkout):
    done = tools["launch"]("virtualenv", cwd=checkout)
    assert done.returncode == 0, done.stdout
    assert f".venv runs the source in {checkout}, version" in done.stdout
    activate = f"source {checkout / '.venv' / 'bin' / 'activate'}"
    assert activate in done.stdout
    theirs = {"HOC_LIBRARY_PATH": "/theirs/hoc", "NRNMECH_LIB_PATH": "/theirs/libnrnmech.so"}
    show = 'echo "$NRNMECH_LIB_PATH|$HOC_LIBRARY_PATH|${_MULTISCALE_RUN_ACTIVE-none}"'
    # PYTHONPATH with another copy of the suite is what a module or `spack load` leaves
    shown = shell(activate, show, "multiscale-run stats --help", "deactivate", show, PYTHONPATH=str(ROOT), **theirs)
    inside, *usage, outside = shown.splitlines()
    library, hoc, _ = inside.split("|")
    assert library == str(mechanism_library().library_path)
    ours, neurodamus = hoc.split(":")
    assert ours == str(checkout / "multiscale_run" / "mechanisms" / "hoc")
    assert (Path(neurodamus) / "neurodamus.hoc").is_file()
    assert "edited: first" in " ".join(usage)
    assert outside == "/theirs/libnrnmech.so|/theirs/hoc|none"

    mark(checkout, "second")
    program = checkout / ".venv" / "bin" / "multiscale-run"
    assert "edited: second" in shell(f"{program} stats --help", PYTHONPATH=str(ROOT))


def test_programs_and_pip_belong_to_the_new_environment(tools, checkout, tmp_path):
    folder = tmp_path / "a b"  # a space, as some home folders have
    done = tools["launch"]("virtualenv", "--source", checkout, folder)
    assert done.returncode == 0, done.stdout
    test = tmp_path / "test_where.py"
    test.write_text(
        f"import multiscale_run\ndef test():\n    assert multiscale_run.__file__.startswith('{checkout}')\n"
    )
    shown = shell(
        f"source '{folder}/bin/activate'",
        f"pytest -q {test}",
        "ruff --version",
        "pip show --files multiscale-run",
        "python -c 'import numpy, sys; print(sys.prefix)'",
    )
    assert "1 passed" in shown
    assert f"Editable project location: {checkout}" in shown
    assert str(folder) in shown


def test_an_environment_upon_an_environment(tools, checkout, tmp_path):
    first, second = tmp_path / "first", tmp_path / "second"
    done = tools["launch"]("virtualenv", first, cwd=checkout)
    assert done.returncode == 0, done.stdout
    shared = first / "share" / "multiscale-run" / "compiled"
    shared.mkdir(parents=True)
    clone = shutil.copytree(checkout, tmp_path / "clone", symlinks=True)
    mark(clone, "clone")
    shell(f"{first}/bin/multiscale-run virtualenv --source {clone} {second}")
    assert "edited: clone" in shell(f"{second}/bin/multiscale-run stats --help")
    assert "edited: first" in shell(f"{first}/bin/multiscale-run stats --help")
    assert (second / "share" / "multiscale-run" / "compiled").samefile(shared)


def test_an_existing_folder_is_left_alone(tools, tmp_path):
    (tmp_path / "venv").mkdir()
    (tmp_path / "venv" / "thesis.tex").write_text("precious")
    for folder in (tmp_path / "venv", tmp_path / "venv" / "thesis.tex"):
        done = tools["launch"]("virtualenv", folder)
        assert done.returncode == 2
        assert f"{folder} exists and is left as it is; name another folder" in done.stdout
    assert (tmp_path / "venv" / "thesis.tex").read_text() == "precious"
    wrong = tools["launch"]("virtualenv", "--source", tmp_path, tmp_path / "new")
    assert wrong.returncode == 2
    assert "no checkout of multiscale-run" in wrong.stdout
    assert not (tmp_path / "new").exists()


def test_an_installation_without_a_checkout_gives_a_copy_to_edit(checkout, tmp_path):
    """As under a module or a Spack environment: a prefix in PYTHONPATH; called while another environment is active."""
    prefix, other, folder = tmp_path / "prefix", tmp_path / "other", tmp_path / "venv"
    pip = [sys.executable, "-m", "pip", "install", "-q", "--no-deps", "--disable-pip-version-check"]
    subprocess.run([*pip, "--target", str(prefix), str(checkout)], check=True, timeout=300)
    venv.create(other)
    shutil.rmtree(checkout)
    shown = shell(
        f"source {other}/bin/activate",
        f"cd {tmp_path}",
        f"{prefix}/bin/multiscale-run virtualenv {folder}",
        PYTHONPATH=str(prefix),
        LOADEDMODULES="unstable:py-multiscale-run/1.0",
        SPACK_ENV="/sites/environments/neurons",
    )
    assert f"runs the source in {folder / 'src'}" in shown
    steps = [line.strip() for line in shown.partition("next:\n")[2].splitlines()]
    assert steps[:2] == ["module load unstable py-multiscale-run/1.0", "spack env activate /sites/environments/neurons"]
    assert steps[2] == f"source {folder}/bin/activate"
    mark(folder / "src", "copy")
    for variables in ({}, {"PYTHONPATH": str(prefix)}):
        shown = shell(steps[2], "echo $HOC_LIBRARY_PATH", "multiscale-run stats --help", **variables)
        assert shown.startswith(str(folder / "src" / "multiscale_run" / "mechanisms" / "hoc"))
        assert "edited: copy" in shown
