"""Prints Spack's packages.yaml with what is installed already, so that Spack builds only what is missing.

`python scripts/spack_externals.py > packages.yaml`, with the Python of an environment such as that of scripts/setup or
scripts/install-prefix: everything in it that the recipes depend on, its interpreter, the compiler and Open MPI.
"""

from __future__ import annotations

import platform
import re
import shutil
import subprocess
import sys
from importlib.metadata import Distribution, distributions
from pathlib import Path
from typing import Any

import yaml
from packaging.requirements import Requirement
from spack_recipes import NAMES, PACKAGES, PROJECT, TABLE

DEPENDS_ON = re.compile(r'depends_on\("([a-z0-9-]+)')
OWN = {"py-multiscale-run", "py-tvb-nest"}
TOOLS = {"py-pip", "py-wheel", "py-pytest", "py-pytest-mpi"}
"""What builds Python packages, and what the environment dev asks for."""


def recipe_dependencies() -> set[str]:
    """Names of all packages that the recipes depend on."""
    texts = (file.read_text() for file in PACKAGES.glob("*/package.py"))
    return {name for text in texts for name in DEPENDS_ON.findall(text)}


def python_external() -> dict[str, Any]:
    """The interpreter itself, not an environment's link to it."""
    return external(f"python@{platform.python_version()}+ctypes+pyexpat+ssl+zlib", sys.base_prefix)


def external(spec: str, prefix: str | Path, **more: Any) -> dict[str, Any]:
    """A package that Spack must not build."""
    return {"buildable": False, "externals": [{"spec": spec, "prefix": str(prefix), **more}]}


def package_external(name: str, distribution: Distribution) -> dict[str, Any]:
    """A Python package of this environment; Spack wants to be told that it belongs to the interpreter."""
    python = [{"spec": f"python@{platform.python_version()}", "deptypes": ["build", "run"]}]
    spec = f"{name}@{distribution.version}{NAMES.variants.get(name, '')}"
    return external(spec, sys.prefix, dependencies=python)


def python_externals() -> dict[str, Any]:
    """What this environment has of the recipes' dependencies, and of the tools."""
    wanted = recipe_dependencies() | TOOLS
    found = {NAMES.spack_name(one.metadata["Name"]): one for one in distributions() if one.metadata["Name"]}
    own = {NAMES.spack_name(name) for name in TABLE["packages"]}
    names = sorted((wanted & found.keys() | own & found.keys()) - OWN - too_old_to_build(found))
    return {name: package_external(name, found[name]) for name in names}


def too_old_to_build(found: dict[str, Distribution]) -> set[str]:
    """Build tools that are too old for the suite, as setuptools in a new environment; Spack builds newer ones."""
    wanted = [Requirement(text) for text in PROJECT["build-system"]["requires"]]
    named = [(NAMES.spack_name(one.name), one.specifier) for one in wanted]
    return {name for name, range_ in named if name in found and not range_.contains(found[name].version)}


def version_in(command: list[str], pattern: str) -> str | None:
    """The version that a program says, or None if there is no such program."""
    if shutil.which(command[0]) is None:
        return None
    said = subprocess.run(command, capture_output=True, text=True).stdout
    match = re.search(pattern, said)
    return match[1] if match else None


def prefix_of(program: str) -> Path:
    """Two folders above a program: /usr for /usr/bin/gcc."""
    place = shutil.which(program)
    assert place is not None
    return Path(place).parent.parent


def system_externals() -> dict[str, Any]:
    """The compiler, without which Spack writes the one that it finds into the environment's file, and Open MPI."""
    found: dict[str, Any] = {}
    if (version := version_in(["gcc", "-dumpfullversion"], r"([\d.]+)")) and shutil.which("g++"):
        fortran = shutil.which("gfortran")
        compilers = {"c": shutil.which("gcc"), "cxx": shutil.which("g++")} | ({"fortran": fortran} if fortran else {})
        languages = "c,c++,fortran" if fortran else "c,c++"
        spec = f"gcc@{version} languages:='{languages}'"
        found["gcc"] = external(spec, prefix_of("gcc"), extra_attributes={"compilers": compilers})
    if version := version_in(["mpirun", "--version"], r"Open MPI\) ([\d.]+)"):
        found["openmpi"] = external(f"openmpi@{version}", prefix_of("mpirun"))
        found["mpi"] = {"buildable": False}
    return found


def packages() -> dict[str, Any]:
    """The content of packages.yaml."""
    return {"packages": {"python": python_external(), **python_externals(), **system_externals()}}


if __name__ == "__main__":
    sys.stdout.write(yaml.safe_dump(packages(), sort_keys=False))
