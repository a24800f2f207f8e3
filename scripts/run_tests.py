"""Runs the whole suite: serial tests in one pytest, then each MPI module in a fresh ``mpirun`` of its own.

A rank that fails before a collective call would drag the next test down with it, so no two MPI modules share a job. A
skipped MPI test is a failure: it would be one that nobody runs.
"""

from __future__ import annotations

import re
import subprocess
import sys
import xml.etree.ElementTree as ElementTree
from collections import Counter
from pathlib import Path
from tempfile import TemporaryDirectory

ROOT = Path(__file__).resolve().parent.parent
RANKS = 2
SERIAL_TIMEOUT, MPI_TIMEOUT = 600, 120
"""Seconds that one test may take."""
MPI_MODULE_TIMEOUT = 600
OUTCOME = re.compile(r"(\d+) (passed|failed|skipped|error)")


def run_serial() -> tuple[Counter[str], bool]:
    """All tests outside tests/mpi; returns counts and success."""
    with TemporaryDirectory() as folder:
        junit = Path(folder) / "junit.xml"
        folders = [str(path) for path in sorted((ROOT / "tests").iterdir()) if path.is_dir() and path.name != "mpi"]
        command = [sys.executable, "-m", "pytest", "-q", f"--timeout={SERIAL_TIMEOUT}", f"--junitxml={junit}"]
        command += ["--durations=15", "-rs", *folders]
        success = subprocess.run(command, cwd=ROOT).returncode == 0
        suite = ElementTree.parse(junit).getroot().find("testsuite")
    assert suite is not None
    failed = int(suite.get("failures", 0)) + int(suite.get("errors", 0))
    skipped = int(suite.get("skipped", 0))
    return Counter(passed=int(suite.get("tests", 0)) - failed - skipped, failed=failed, skipped=skipped), success


def run_mpi_module(module: Path) -> tuple[Counter[str], bool]:
    """One module of tests/mpi on two ranks; returns the counts of one rank and success of all."""
    command = ["mpirun", "-n", str(RANKS), sys.executable, "-m", "pytest", "-q", "--with-mpi", "--only-mpi"]
    command += [f"--timeout={MPI_TIMEOUT}", "--timeout-method=thread", "-p", "no:cacheprovider", str(module)]
    try:
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=MPI_MODULE_TIMEOUT)
        output, status = done.stdout + done.stderr, done.returncode
    except subprocess.TimeoutExpired as expired:
        output, status = (expired.stdout or b"").decode() + "\ntimed out", 1
    outcomes = [(int(count), kind) for count, kind in OUTCOME.findall(output)]
    counts = Counter({kind: max(n for n, k in outcomes if k == kind) for kind in {k for _, k in outcomes}})
    success = status == 0 and counts["passed"] > 0 and not counts["skipped"]
    if not success:
        print(output)
        counts["failed"] = max(counts["failed"] + counts["error"], 1)
    print(f"{module.relative_to(ROOT)} on {RANKS} ranks: {'passed' if success else 'FAILED'}", flush=True)
    return counts, success


def main() -> int:
    total, success = run_serial()
    for module in sorted((ROOT / "tests" / "mpi").glob("test_*.py")):
        counts, ok = run_mpi_module(module)
        total += counts
        success &= ok
    print(f"total: {total['passed']} passed, {total['failed']} failed, {total['skipped']} skipped")
    return 0 if success else 1


if __name__ == "__main__":
    sys.exit(main())
