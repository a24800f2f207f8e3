"""Where a NEST is that was built with MPI: in this environment, or in one of its own beside it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path

from mpi_coupling.failure import UserError
from mpi_coupling.launch import without_launchers

VARIABLE = "MULTISCALE_RUN_NEST_MPI"
"""Environment variable with a virtual environment, or its Python."""

SUFFIX = "-nest-mpi"
"""Of the environment that ``scripts/setup --with-nest-mpi`` makes: .venv-nest-mpi beside .venv."""

SECONDS = 60.0
"""How long a Python may take to tell what it has; it imports NEST."""

PROBE = """
import json, sys
found = {"version": list(sys.version_info[:2])}
try:
    import mpi4py.MPI, nest
    found["mpi"] = bool(nest.build_info["have_mpi"])
    found["library"] = mpi4py.MPI.Get_library_version()
except ImportError as error:
    found["missing"] = str(error)
print("found", json.dumps(found))
"""


def find() -> Path:
    """The Python of a NEST with MPI, of the version of this one.

    Raises:
        UserError: there is none; the message says what was looked at, and how to get one.
    """
    reasons = []
    for python in candidates():
        reason = unfit(python)
        if reason is None:
            return python
        reasons.append(f"{python}: {reason}")
    raise UserError(
        f"a NEST that was built with MPI is needed, and was not found ({'; '.join(reasons)}); "
        f"`scripts/setup --with-nest-mpi` builds one; one of yours is named by {VARIABLE}, its virtual environment"
    )


def candidates(environment: Mapping[str, str] = os.environ) -> Iterator[Path]:
    """Pythons that may have one: that which the user names, and no other, or this one and that of scripts/setup."""
    named = environment.get(VARIABLE)
    if named:
        place = Path(named)
        yield place / "bin" / "python" if place.is_dir() else place
    else:
        yield Path(sys.executable)
        yield Path(f"{sys.prefix}{SUFFIX}") / "bin" / "python"


@cache
def unfit(python: Path) -> str | None:
    """Why a Python cannot run the spiking regions through MPI; None if it can."""
    if not python.is_file():
        return "there is no such file"
    environment = without_launchers() | {"PYNEST_QUIET": "1"}
    try:
        done = subprocess.run([python, "-c", PROBE], env=environment, capture_output=True, text=True, timeout=SECONDS)
    except (OSError, subprocess.TimeoutExpired) as error:
        return f"cannot be run ({error})"
    answers = [line for line in done.stdout.splitlines() if line.startswith("found ")]
    if not answers:
        return f"ended with exit code {done.returncode}"
    return _unfit(json.loads(answers[-1].removeprefix("found ")))


def _unfit(found: Mapping[str, object]) -> str | None:
    from mpi4py import MPI

    if found["version"] != list(sys.version_info[:2]):
        return f"is Python {'.'.join(map(str, found['version']))}, not {sys.version_info[0]}.{sys.version_info[1]}"  # type: ignore[call-overload]
    if "missing" in found:
        return f"misses something ({found['missing']})"
    if not found["mpi"]:
        return "its NEST was built without MPI"
    if found["library"] != MPI.Get_library_version():
        return "has another MPI library than this Python"
    return None
