"""The native engine in a job of several ranks: one compiles for all, and a failure there reaches every rank."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parents[2]
LAUNCHER = shutil.which("mpirun")

pytestmark = pytest.mark.skipif(LAUNCHER is None, reason="SKIPPED: no mpirun on this machine, ranks are not tested")

PROGRAM = """
    import sys, pathlib
    from mpi_coupling import World
    world = World.start()
    from multiscale_run.metabolism import kernel_cache, load_network, make_engine

    compiled = []
    def counted(*arguments):
        compiled.append(world.rank)
        {failure}
        return compile_kernel(*arguments)
    compile_kernel, kernel_cache.compile_kernel = kernel_cache.compile_kernel, counted
    network = load_network()
    folder = pathlib.Path(sys.argv[1]) / f"rank{{world.rank}}"
    said = pathlib.Path(sys.argv[1]) / f"said{{world.rank}}.txt"
    try:
        engine = make_engine("native", network, cache_dir=folder, world=world)
    except ArithmeticError as error:
        said.write_text(f"failed: {{error}}")
        sys.exit(0)
    state = network.initial_state(3)
    engine.advance(state, network.default_inputs(3), 0.1)
    said.write_text(f"compiled {{len(compiled)}} kept {{folder.is_dir()}} atp {{state[0, 22].hex()}}")
"""


def run(folder: Path, failure: str = "pass") -> list[str]:
    """What each of three ranks has to say."""
    program = folder / "program.py"
    program.write_text(textwrap.dedent(PROGRAM).format(failure=failure))
    allow_root = {"OMPI_ALLOW_RUN_AS_ROOT": "1", "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM": "1"}
    job = subprocess.run(
        [
            *(str(LAUNCHER), "--oversubscribe", "--mca", "mpi_yield_when_idle", "1", "-n", "3"),
            *(sys.executable, str(program), str(folder)),
        ],
        env={**os.environ, **allow_root, "PYTHONPATH": str(REPOSITORY)},
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )
    assert job.returncode == 0, job.stderr
    return [(folder / f"said{rank}.txt").read_text() for rank in range(3)]


def test_one_rank_compiles_and_all_agree(tmp_path):
    said = run(tmp_path)
    assert [text.split(" atp ")[0] for text in said] == [
        "compiled 1 kept True",
        "compiled 0 kept False",
        "compiled 0 kept False",
    ]
    assert len({text.split(" atp ")[1] for text in said}) == 1


def test_a_failure_to_compile_reaches_every_rank(tmp_path):
    assert run(tmp_path, failure="raise ArithmeticError('no compiler today')") == ["failed: no compiler today"] * 3
