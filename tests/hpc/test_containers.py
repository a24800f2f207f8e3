"""The container recipes, as far as they can be checked without building an image, and the scripts that they run."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
DOCKERFILE = ROOT / "containers" / "Dockerfile"
DEFINITION = ROOT / "containers" / "multiscale-run.def"
SCRIPTS = ("scripts/setup", "scripts/lib.sh", "scripts/install-prefix", "scripts/update-spack-recipes", "spack/verify")
PARTS = {"files", "post", "environment", "runscript", "test", "labels", "help"}


def tool(name: str) -> str:
    """A linter that pip has installed."""
    found = shutil.which(name, path=f"{Path(sys.executable).parent}:{os.environ['PATH']}")
    assert found, f"{name} is missing; scripts/setup installs it"
    return found


def lint(*command: str, text: str | None = None) -> None:
    done = subprocess.run(command, input=text, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, cwd=ROOT)
    assert done.returncode == 0, done.stdout


def instructions() -> list[tuple[str, str]]:
    """(instruction, arguments) of the Dockerfile, continued lines joined."""
    text = re.sub(r"^\s*#.*\n", "", DOCKERFILE.read_text(), flags=re.M)
    lines = re.sub(r"\\\n\s*", " ", text).splitlines()
    return [tuple(line.split(maxsplit=1)) for line in lines if line.strip()]  # type: ignore[misc]


def sections() -> dict[str, list[str]]:
    """Name -> lines of the Apptainer definition; its header is ''."""
    found: dict[str, list[str]] = {"": []}
    for line in DEFINITION.read_text().splitlines():
        if line.startswith("%"):
            found[name := line[1:].strip()] = []
        else:
            found[name if len(found) > 1 else ""].append(line.strip())
    return {name: [line for line in lines if line and not line.startswith("#")] for name, lines in found.items()}


def copied() -> set[str]:
    """What the Dockerfile takes from the checkout."""
    groups = (arguments for name, arguments in instructions() if name == "COPY" and "--from" not in arguments)
    return {file for group in groups for file in group.split()[:-1]}


def test_the_dockerfile_passes_hadolint():
    lint(tool("hadolint"), str(DOCKERFILE))


@pytest.mark.parametrize("script", SCRIPTS)
def test_scripts_pass_shellcheck(script):
    lint(
        tool("shellcheck"),
        "--shell=bash",
        "--external-sources",
        "--source-path=SCRIPTDIR",
        "--severity=warning",
        script,
    )


@pytest.mark.parametrize("part", ["post", "environment", "runscript", "test"])
def test_the_parts_of_the_definition_pass_shellcheck(part):
    lint(tool("shellcheck"), "--shell=sh", "--severity=warning", "-", text="\n".join(sections()[part]) + "\n")


def test_the_definition_has_the_parts_that_apptainer_knows():
    found = sections()
    header = dict(line.split(": ") for line in found.pop(""))
    assert header.keys() == {"Bootstrap", "From"} and header["Bootstrap"] == "docker"
    assert found.keys() == PARTS
    assert dict(instructions())["ARG"] is not None and f"ARG BASE={header['From']}" in DOCKERFILE.read_text()


def test_both_take_what_the_installation_needs():
    files = [line.split() for line in sections()["files"]]
    assert {source for source, _ in files} == copied()
    assert all(target == f"/source/{source}" for source, target in files)
    installer = (ROOT / "scripts/install-prefix").read_text()
    packages = re.search(r"PACKAGES=\((.*)\)", installer)
    sources = re.search(r'cp -r "\$\{PACKAGES\[@\]\}" (.*) "\$STAGING.source"', installer)
    assert packages and sources
    assert copied() == {*packages[1].split(), *sources[1].split(), "scripts", "modulefiles"}
    assert all((ROOT / name).exists() for name in copied())


def test_both_run_the_scripts_of_this_repository():
    runs = " ".join(arguments for name, arguments in instructions() if name == "RUN")
    post = "\n".join(sections()["post"])
    for command in ("scripts/setup --system-packages", "scripts/install-prefix /opt/multiscale-run"):
        assert command in runs and command in post
    assert "scripts/build-steps-wheel" in runs


def test_images_do_not_run_as_root():
    assert dict(instructions())["USER"] == "1000"


def test_system_packages_is_an_option_that_installs_nothing_else(tmp_path):
    environment = os.environ | {"MULTISCALE_RUN_VENV": str(tmp_path / "venv")}
    done = subprocess.run(
        [ROOT / "scripts/setup", "--system-packages"], env=environment, capture_output=True, text=True, timeout=300
    )
    assert done.returncode == 0, done.stderr
    assert "present: g++ make openmpi-bin" in done.stdout and not (tmp_path / "venv").exists()
