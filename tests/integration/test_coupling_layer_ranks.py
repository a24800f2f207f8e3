"""Jobs of several ranks, seen from outside: how they end, and that their files do not depend on the number of ranks."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import h5py
import numpy as np
import pytest

REPOSITORY = Path(__file__).parents[2]
LAUNCHER = shutil.which("mpirun")

pytestmark = [
    pytest.mark.skipif(LAUNCHER is None, reason="SKIPPED: no mpirun on this machine, parallel jobs are not tested"),
    pytest.mark.timeout(120),
]


def run_ranks(ranks: int, script: str, *arguments: str, folder: Path) -> subprocess.CompletedProcess[str]:
    """Runs a Python script under mpirun with `ranks` ranks and returns its output."""
    program = folder / f"program_{ranks}.py"
    program.write_text(textwrap.dedent(script))
    allow_root = {"OMPI_ALLOW_RUN_AS_ROOT": "1", "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM": "1"}
    return subprocess.run(
        [
            *(str(LAUNCHER), "--oversubscribe", "--mca", "mpi_yield_when_idle", "1", "-n", str(ranks)),
            *(sys.executable, str(program), *arguments),
        ],
        env={**os.environ, **allow_root, "PYTHONPATH": str(REPOSITORY)},
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


FAILING = """
    import sys, threading
    from mpi_coupling import UserError, World, abort_on_error

    world = World.start()
    abort_on_error(world)
    {failure}
    world.barrier()
    print("reached the end", flush=True)
"""


def run_failure(failure: str, folder: Path, ranks: int = 3) -> tuple[subprocess.CompletedProcess[str], float]:
    begin = time.monotonic()
    job = run_ranks(ranks, FAILING.format(failure=textwrap.indent(failure, "    ").lstrip()), folder=folder)
    return job, time.monotonic() - begin


@pytest.mark.parametrize(
    ("failure", "code", "texts"),
    [
        ("if world.rank == 1: 1 / 0", 1, ["[rank 1/3] ZeroDivisionError", "[rank 1/3] Traceback"]),
        ("if world.rank == 2: raise UserError('wrong file x.h5')", 2, ["[rank 2/3] Error: wrong file x.h5"]),
        ("if world.rank == 0: raise KeyboardInterrupt", 130, ["[rank 0/3] Interrupted."]),
        (
            "if world.rank == 1: (thread := threading.Thread(target=lambda: {}['key'])).start(), thread.join()",
            1,
            ["[rank 1/3] KeyError: 'key'"],
        ),
        ("with world.guard():\n    if world.rank == 1: sys.exit(7)", 7, ["[rank 1/3] Exit with code 7."]),
        ("with world.guard():\n    if world.rank == 1: {}['key']", 1, ["[rank 1/3] KeyError: 'key'"]),
        (
            "sys.excepthook = lambda *_: world.barrier()\nabort_on_error(world)\nif world.rank == 1: {}['key']",
            1,
            ["[rank 1/3] KeyError: 'key'"],
        ),
    ],
)
def test_failure_on_one_rank_ends_the_job(failure: str, code: int, texts: list[str], tmp_path: Path) -> None:
    job, seconds = run_failure(failure, tmp_path)
    assert job.returncode == code, job.stderr
    assert seconds < 10
    for text in texts:
        assert job.stderr.count(text) == 1, job.stderr
    assert "reached the end" not in job.stdout


@pytest.mark.parametrize(
    ("failure", "code"),
    [
        ("raise UserError('wrong file x.h5')", 2),
        ("with world.guard():\n    raise UserError('wrong file x.h5')", 2),
        ("world.on_root(lambda: (_ for _ in ()).throw(UserError('wrong file x.h5')))", 2),
    ],
)
def test_same_user_error_on_all_ranks_is_printed_once(failure: str, code: int, tmp_path: Path) -> None:
    job, _ = run_failure(failure, tmp_path)
    assert job.returncode == code
    assert job.stderr.count("Error: wrong file x.h5") == 1, job.stderr
    assert "Traceback" not in job.stderr
    assert "[rank" not in job.stderr
    assert "MPI_ABORT" not in job.stderr


def test_different_errors_on_all_ranks_are_all_printed(tmp_path: Path) -> None:
    job, _ = run_failure("raise UserError(f'wrong file {world.rank}.h5')", tmp_path)
    assert job.returncode == 2
    for rank in range(3):
        assert job.stderr.count(f"[rank {rank}/3] Error: wrong file {rank}.h5") == 1, job.stderr


def test_exit_code_zero_on_all_ranks_is_passed_through(tmp_path: Path) -> None:
    job, _ = run_failure("with world.guard():\n    sys.exit(0)", tmp_path)
    assert job.returncode == 0, job.stderr


REPORTING = """
    import sys
    from pathlib import Path

    import numpy as np
    from mpi_coupling import CompartmentReport, SpikeWriter, World

    world = World.start()
    folder = Path(sys.argv[1])
    everyone = np.random.default_rng(7).permutation(11)
    # the nodes are dealt round the ranks; with four ranks or more the last one owns nothing
    owners = world.size - 1 if world.size > 3 else world.size
    nodes = everyone[world.rank::owners] if world.rank < owners else everyone[:0]
    counts = 1 + nodes % 3
    sections = np.concatenate([np.arange(count) for count in counts]) if nodes.size else np.empty(0, int)
    owner = np.repeat(nodes, counts)
    times = dict(start_ms=0.0, stop_ms=20.0, step_ms=0.5, unit="mV")
    with (
        CompartmentReport(world, folder / "v.h5", "neurons", nodes, counts, sections, **times) as v,
        CompartmentReport.per_node(world, folder / "atp.h5", "neurons", nodes, dtype="f8", **times) as atp,
        SpikeWriter(world, folder / "spikes.h5", ["neurons", "astrocytes"]) as spikes,
    ):
        for step in range(40):
            v.append(np.sin(step + owner) + sections)
            atp.append(np.cos(step * nodes))
            fired = nodes[(nodes + step) % 4 == 0]
            if fired.size:
                spikes.append("neurons", 0.5 * step + 0.1 * (fired % 2), fired)
            if step % 13 == 0:
                for writer in (v, atp, spikes):
                    writer.flush()
"""


def test_files_do_not_depend_on_the_number_of_ranks(tmp_path: Path) -> None:
    contents = {}
    for ranks in (1, 2, 3, 5):
        results = tmp_path / f"ranks_{ranks}"
        job = run_ranks(ranks, REPORTING, str(results), folder=tmp_path)
        assert job.returncode == 0, job.stderr
        contents[ranks] = {path.name: path.read_bytes() for path in results.iterdir()}
    assert sorted(contents[1]) == ["atp.h5", "spikes.h5", "v.h5"]
    for ranks in (2, 3, 5):
        assert contents[ranks] == contents[1], f"{ranks} ranks"
    with h5py.File(tmp_path / "ranks_5" / "v.h5") as file:
        assert file["report/neurons/data"].attrs["last_written_step"] == 39
        assert not np.isnan(file["report/neurons/data"]).any()
        np.testing.assert_array_equal(file["report/neurons/mapping/node_ids"], np.arange(11))
