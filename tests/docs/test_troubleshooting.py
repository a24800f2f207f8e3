"""The messages that docs/troubleshooting.md explains are those of the programs."""

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "troubleshooting.md"
FOREIGN = {
    "mpirun has detected an attempt to run as root",
    "There are not enough slots available in the system",
    "unsupported PMI version PMIx",
    "mod/kdelayed.mod:40: syntax error",
}
"""Of Open MPI, SLURM, NEURON's translator and the system."""


def symptoms() -> Iterator[str]:
    """Messages in the first column of the page's tables: quoted, and more than a name."""
    for cell in re.findall(r"^\| (.*?) \|", PAGE.read_text(), re.MULTILINE):
        for message in re.findall(r"`([^`]+)`", cell):
            yield from (part.strip(" :()") for part in re.split(r"\.\.\.", message) if part.count(" ") >= 2)


@cache
def texts() -> str:
    """All texts of the sources, without their values."""
    found = []
    for package in ("mpi_coupling", "multiscale_run", "tvb_nest"):
        for file in (ROOT / package).rglob("*.py"):
            found += [
                node.value
                for node in ast.walk(ast.parse(file.read_text()))
                if isinstance(node, ast.Constant) and isinstance(node.value, str)
            ]
    return "\n".join(found)


def test_there_are_symptoms():
    assert len(set(symptoms())) > 30


@pytest.mark.parametrize("message", sorted(set(symptoms()) - FOREIGN))
def test_program_says_so(message: str) -> None:
    assert message in texts()
