"""Processes that another one starts: they work, their failures are its own, and nobody is left behind."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

PROGRAM = Path(__file__).with_name("worker_program.py")
ROOT = Path(__file__).parents[2]
KILLED = (137, -9)

CASES = {
    "all is well": ((0,), "done"),
    "all fail": ((2,), "Error: wrong value"),
    "all fail otherwise": ((1,), "ValueError: wrong value"),
    "one fails": ((2, *KILLED), "Error: wrong value"),
    "one dies": ((2, *KILLED), "Error: process 1 of Toy (number ", "exited on signal 9"),
    "one fails to connect": ((2, *KILLED), "Error: wrong value"),
    "one dies before it connects": ((2, *KILLED), "Error: process 1 of Toy (number ", "exited on signal 9"),
    "all connect": ((0,), "joined 2 [1, 1]"),
    "owner dies": (KILLED, "answers"),
}
"""What happens -> possible exit codes, and what of it is written. mpirun may be faster than we are."""


@pytest.mark.timeout(120)
@pytest.mark.parametrize("launcher", [[], ["mpirun", "-n", "2"]], ids=["alone", "in a job"])
@pytest.mark.parametrize("what", CASES)
def test_workers(tools, what, launcher):
    clean = {k: v for k, v in os.environ.items() if not k.startswith(("OMPI_COMM_WORLD", "PMIX_", "PMI_"))}
    environment = clean | tools["mpi_environment"] | {"PYTHONPATH": str(ROOT)}
    command = [*launcher, sys.executable, str(PROGRAM), what]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60)
    output = done.stdout + done.stderr
    codes, *texts = CASES[what]
    assert done.returncode in codes, output
    assert "answers [(42, 0, 2), (42, 1, 2)]" in output
    assert any(text in output for text in texts), output
    _, alive = psutil.wait_procs(workers(), timeout=10)
    assert not alive


def workers():
    """Those of this checkout."""
    signs = {"worker_program", str(PROGRAM.parent)}
    return [process for process in psutil.process_iter(["cmdline"]) if signs <= set(process.info["cmdline"] or [])]
