"""Runs the whole suite: each module of tests/integration, hpc and mpi in a process or job of its own.

Engines share a process badly: NEURON builds one model, STEPS and libRoadRunner bring libraries that others have too. A
rank that fails before a collective call would drag the next test down with it, so no two MPI modules share a job. A
skipped MPI test is a failure: it would be one that nobody runs.

    python scripts/run_tests.py                                              everything
    python scripts/run_tests.py --share 2/4 tests/integration                the second quarter of some
    python scripts/run_tests.py --launcher "srun -n" --ranks 4 tests/mpi     on a cluster
"""

from __future__ import annotations

import argparse
import re
import shlex
import subprocess
import sys
import xml.etree.ElementTree as ElementTree
from collections import Counter
from pathlib import Path
from tempfile import TemporaryDirectory

ROOT = Path(__file__).resolve().parent.parent
TESTS = ROOT / "tests"
PARTS = ("unit", "cli", "docs", "integration", "mpi", "hpc")
ONE_BY_ONE = (TESTS / "integration", TESTS / "hpc")
"""Folders whose modules have a process each: engines, and a cluster of SLURM."""
SERIAL_TIMEOUT, MPI_TIMEOUT = 600, 120
"""Seconds that one test may take."""
MPI_MODULE_TIMEOUT = 600
OUTCOME = re.compile(r"(\d+) (passed|failed|skipped|error)")


def run_serial(path: Path, reports: Path | None = None) -> Counter[str]:
    """Some tests in one pytest; returns counts. A process that dies counts as a failure. Reports are kept if named."""
    name = str(path.relative_to(ROOT))
    print(f"\n-- {name}", flush=True)
    with TemporaryDirectory() as folder:
        junit = (reports or Path(folder)) / f"{name.replace('/', '.')}.xml"
        command = [sys.executable, "-m", "pytest", "-q", f"--timeout={SERIAL_TIMEOUT}", f"--junitxml={junit}"]
        status = subprocess.run([*command, "--durations=3", "-rs", name], cwd=ROOT).returncode
        suite = ElementTree.parse(junit).getroot().find("testsuite") if junit.exists() else None
    if suite is None:
        print(f"{name}: pytest died with status {status}", flush=True)
        return Counter(failed=1)
    failed = int(suite.get("failures", 0)) + int(suite.get("errors", 0))
    skipped = int(suite.get("skipped", 0))
    passed = int(suite.get("tests", 0)) - failed - skipped
    return Counter(passed=passed, failed=max(failed, int(status != 0)), skipped=skipped)


def run_mpi_module(module: Path, launcher: str, ranks: int) -> Counter[str]:
    """One module of tests/mpi in a job of its own; returns the counts of one rank."""
    command = [*shlex.split(launcher), str(ranks), sys.executable, "-m", "pytest", "-q", "--with-mpi", "--only-mpi"]
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
    print(f"{module.relative_to(ROOT)} on {ranks} ranks: {'passed' if success else 'FAILED'}", flush=True)
    return counts


def modules_in(path: Path) -> list[Path]:
    """A test module itself, or those in a folder."""
    return [path] if path.is_file() else sorted(path.rglob("test_*.py"))


def units_of(path: Path) -> list[Path]:
    """What is run on its own: modules, or a whole folder of unit or command line tests."""
    return modules_in(path) if is_mpi(path) or any(map(path.is_relative_to, ONE_BY_ONE)) else [path]


def is_mpi(path: Path) -> bool:
    return path.is_relative_to(TESTS / "mpi")


def existing(name: str) -> Path:
    path = Path(name).resolve()
    if not path.exists() or not modules_in(path):
        raise argparse.ArgumentTypeError(f"{name}: no tests there")
    return path


def share(text: str) -> tuple[int, int]:
    found = re.fullmatch(r"(\d+)/(\d+)", text)
    if not found or not 1 <= int(found[1]) <= int(found[2]):
        raise argparse.ArgumentTypeError(f"{text}: write NUMBER/TOTAL, such as 2/4")
    return int(found[1]), int(found[2])


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Run the tests of the suite.")
    parser.add_argument("paths", nargs="*", type=existing, default=[TESTS / part for part in PARTS], metavar="PATH")
    parser.add_argument("--launcher", default="mpirun -n", help="what starts MPI tests, without the number of ranks")
    parser.add_argument("--ranks", type=int, default=2, help="ranks of MPI tests")
    parser.add_argument("--share", type=share, default=(1, 1), metavar="NUMBER/TOTAL", help="run only every TOTAL-th")
    parser.add_argument("--junit", type=Path, metavar="FOLDER", help="keep reports of the tests without MPI")
    return parser.parse_args()


def main() -> int:
    options = arguments()
    number, count = options.share
    total: Counter[str] = Counter()
    if options.junit is not None:
        options.junit.mkdir(parents=True, exist_ok=True)
        options.junit = options.junit.resolve()
    for unit in [unit for path in options.paths for unit in units_of(path)][number - 1 :: count]:
        if is_mpi(unit):
            total += run_mpi_module(unit, options.launcher, options.ranks)
        else:
            total += run_serial(unit, options.junit)
    print(f"total: {total['passed']} passed, {total['failed']} failed, {total['skipped']} skipped")
    return 1 if total["failed"] else 0


if __name__ == "__main__":
    sys.exit(main())
