"""Runs NEURON's compiler of mod files."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

from mpi_coupling.world import UserError

INCLUDE_FLAGS = "-DDISABLE_REPORTINGLIB -O2"
"""The macro keeps neurodamus' report mechanisms from needing libsonatareport: our reports are written in Python."""

_OUTPUT_TAIL = 30  # lines of the compiler's output in an error


def run_nrnivmodl(scratch: Path) -> None:
    """Compiles the mod files in the folder `mod` of `scratch` into a folder beside it, named after the machine.

    Raises:
        UserError: a tool is missing, or the files do not compile; the message ends with the compiler's own.
    """
    beside_python = str(Path(sys.executable).parent)
    search = os.pathsep.join([beside_python, os.environ.get("PATH", os.defpath)])
    tools = {tool: shutil.which(tool, path=search) for tool in ("nrnivmodl", "make", os.environ.get("CXX", "c++"))}
    missing = [tool for tool, place in tools.items() if place is None]
    if missing:
        raise UserError(
            f"compiling mechanisms needs {', '.join(missing)}, not found in PATH; "
            "install NEURON with pip, and the compiler with `apt-get install g++ make`"
        )
    done = subprocess.run(
        [str(tools["nrnivmodl"]), "-incflags", INCLUDE_FLAGS, "mod"],
        cwd=scratch,
        env={**os.environ, "PATH": search},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    if done.returncode:
        tail = "\n".join(done.stdout.splitlines()[-_OUTPUT_TAIL:])
        raise UserError(f"the NEURON mechanisms do not compile; correct the mod file named below:\n{tail}")
