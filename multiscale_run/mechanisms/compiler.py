"""Runs NEURON's compiler of mod files."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import sysconfig
from collections.abc import Mapping
from pathlib import Path

from mpi_coupling.world import UserError
from multiscale_run.mechanisms.diagnosis import explain

INCLUDE_FLAGS = "-DDISABLE_REPORTINGLIB -O2"
"""The macro keeps neurodamus' report mechanisms from needing libsonatareport: our reports are written in Python."""

_DEBIAN = "with `apt-get install g++ make`, or on a cluster by loading the module of a compiler"


def run_nrnivmodl(scratch: Path, files: Mapping[str, Path]) -> None:
    """Compiles the mod files in the folder `mod` of `scratch` into a folder beside it, named after the machine.

    Args:
        scratch: where to compile.
        files: name of each file in `mod` -> where the user has it, for messages.

    Raises:
        UserError: a tool is missing, or the files do not compile; the message names the mod file and the first error.
    """
    beside_python = str(Path(sys.executable).parent)
    search = os.pathsep.join([beside_python, os.environ.get("PATH", os.defpath)])
    nrnivmodl = _tool("nrnivmodl", search, "it comes with NEURON: pip install 'multiscale-run[neurons]'")
    make = _tool("make", search, f"install it {_DEBIAN}")
    done = subprocess.run(
        [nrnivmodl, "-incflags", INCLUDE_FLAGS, "mod"],
        cwd=scratch,
        env={
            **os.environ,
            "PATH": search,
            "CXX": _compiler(Path(nrnivmodl), search),
            "LC_ALL": "C",
            "MAKEFLAGS": make_flags(make),
        },
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    if done.returncode:
        raise UserError(f"the NEURON mechanisms do not compile: {explain(done.stdout, files)}")


def make_flags(make: str) -> str:
    """The user's flags of make, and that files that are translated at once do not mix their messages."""
    given, orderly = os.environ.get("MAKEFLAGS", ""), "--output-sync=target"
    knows = subprocess.run([make, orderly, "--version"], capture_output=True, check=False).returncode == 0  # since 4.0
    return f"{given} {orderly}".strip() if knows else given


def _tool(name: str, search: str, remedy: str) -> str:
    found = shutil.which(name, path=search)
    if found is None:
        raise UserError(f"compiling mechanisms needs {name}, which is not in PATH; {remedy}")
    return found


def _compiler(nrnivmodl: Path, search: str) -> str:
    """The C++ compiler: the user's, or the one that NEURON was made with, or that of a NEURON from PyPI's users.

    Raises:
        UserError: it is not there; the message says why this one is meant and how to get it.
    """
    chosen = os.environ.get("CXX", "")
    if chosen:
        if shutil.which(chosen.split()[0], path=search) is None:
            raise UserError(
                f"compiling mechanisms needs the compiler that the variable CXX names, {chosen}, which is not in PATH; "
                "load its module, or unset CXX"
            )
        return chosen
    own = _compiler_of_neuron(nrnivmodl)
    if own is not None:
        if shutil.which(own, path=search) is None:
            raise UserError(
                f"NEURON was made with the compiler {own}, which is not here, and mechanisms need the same; load its "
                "module (for Intel's: `module load intel-oneapi-compilers`), or name one that fits in the variable CXX"
            )
        return own
    named = (sysconfig.get_config_var("CXX") or "c++").split()[0]
    for name in (named, "c++", "g++", "clang++"):
        if shutil.which(name, path=search):
            return name
    raise UserError(f"compiling mechanisms needs a C++ compiler and there is no g++ in PATH; install it {_DEBIAN}")


def _compiler_of_neuron(nrnivmodl: Path) -> str | None:
    """The compiler that a NEURON built on this machine uses; None for a wheel, whose own is on its maker's machine."""
    makefile = nrnivmodl.resolve().parent / "nrnmech_makefile"
    if not makefile.is_file():
        return None
    line = re.search(r"^\s*CXX\s*=\s*(\S+)", makefile.read_text(errors="replace"), re.M)
    return line[1] if line else None
