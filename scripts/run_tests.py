"""Runs the whole suite: modules of tests/integration, hpc and mpi each in a process or job, the rest in one.

Engines share a process badly: NEURON builds one model, STEPS and libRoadRunner bring libraries that others have too. A
rank that fails before a collective call would drag the next test down with it, so no two MPI modules share a job. A
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
TESTS = ROOT / "tests"
RANKS = 2
SERIAL_TIMEOUT, MPI_TIMEOUT = 600, 120
"""Seconds that one test may take."""
MPI_MODULE_TIMEOUT = 600
OUTCOME = re.compile(r"(\d+) (passed|failed|skipped|error)")


def run_serial(*paths: Path) -> Counter[str]:
    """Some tests in one pytest; returns counts. A process that dies counts as one failure."""
    names = [str(path.relative_to(ROOT)) for path in paths]
    print(f"\n-- {' '.join(names)}", flush=True)
    with TemporaryDirectory() as folder:
        junit = Path(folder) / "junit.xml"
        command = [sys.executable, "-m", "pytest", "-q", f"--timeout={SERIAL_TIMEOUT}", f"--junitxml={junit}"]
        status = subprocess.run([*command, "--durations=3", "-rs", *names], cwd=ROOT).returncode
        suite = ElementTree.parse(junit).getroot().find("testsuite") if junit.exists() else None
    if suite is None:
        print(f"{' '.join(names)}: pytest died with status {status}", flush=True)
        return Counter(failed=1)
    failed = int(suite.get("failures", 0)) + int(suite.get("errors", 0))
    skipped = int(suite.get("skipped", 0))
    passed = int(suite.get("tests", 0)) - failed - skipped
    return Counter(passed=passed, failed=max(failed, int(status != 0)), skipped=skipped)


def run_mpi_module(module: Path) -> Counter[str]:
    """One module of tests/mpi on two ranks; returns the counts of one rank."""
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
    return counts


def main() -> int:
    total = run_serial(TESTS / "unit") + run_serial(TESTS / "cli")
    for module in sorted([*(TESTS / "integration").rglob("test_*.py"), *(TESTS / "hpc").glob("test_*.py")]):
        total += run_serial(module)
    for module in sorted((TESTS / "mpi").glob("test_*.py")):
        total += run_mpi_module(module)
    print(f"total: {total['passed']} passed, {total['failed']} failed, {total['skipped']} skipped")
    return 1 if total["failed"] else 0


if __name__ == "__main__":
    sys.exit(main())
