"""Running a point in processes of its own: a crash of a simulator ends the point, not the exploration."""

from __future__ import annotations

import shlex
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from mpi_coupling.launch import outside_of_jobs

COMMAND = (sys.executable, "-m", "tvb_nest", "run", "{folder}")
"""What runs a point, with the place of its folder."""

LOG_FILE = "exploration.log"
SHOWN_LINES = 3
"""Last lines of the log in the message of a failure."""


class ProgramFailed(Exception):
    """A program ended with an error; the message is the end of what it said."""


def command_of(text: str) -> tuple[str, ...]:
    """The command that a user wants points to be run with; ``{folder}`` is added where it is missing."""
    words = tuple(shlex.split(text))
    return words if any("{folder}" in word for word in words) else (*words, "{folder}")


def run_program(folder: Path, command: Sequence[str] = COMMAND) -> None:
    """Run a point; what the program says goes into the folder.

    Args:
        folder: with the parameter.json of the point.
        command: words, with ``{folder}`` in the place of the folder.

    Raises:
        ProgramFailed: it could not be started, or its exit code is not 0.
    """
    words = [word.replace("{folder}", str(folder)) for word in command]
    log = folder / LOG_FILE
    try:
        with log.open("w", encoding="utf-8") as output:
            done = subprocess.run(words, stdout=output, stderr=subprocess.STDOUT, env=outside_of_jobs(), check=False)
    except OSError as error:
        raise ProgramFailed(f"{words[0]}: {error.strerror}") from error
    if done.returncode != 0:
        raise ProgramFailed(f"exit code {done.returncode}: {_end_of(log)}")


def _end_of(log: Path) -> str:
    lines = [line.strip() for line in log.read_text(encoding="utf-8", errors="replace").splitlines() if line.strip()]
    return " | ".join(lines[-SHOWN_LINES:]) or f"it said nothing; see {log}"
