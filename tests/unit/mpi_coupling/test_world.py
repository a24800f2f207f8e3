"""A world of one rank, and how a program of one rank ends."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap
from pathlib import Path

import numpy as np
import pytest

from mpi_coupling import UserError, World

REPOSITORY = Path(__file__).parents[3]


def run_program(body: str) -> subprocess.CompletedProcess[str]:
    head = "import sys\nfrom mpi_coupling import UserError, World, abort_on_error\n"
    return subprocess.run(
        [sys.executable, "-c", head + textwrap.dedent(body)],
        env={**os.environ, "PYTHONPATH": str(REPOSITORY)},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_start_gives_the_same_world_again(world: World) -> None:
    assert World.start() is world
    assert (world.rank, world.size, world.is_root) == (0, 1, True)


def test_one_rank_agrees_with_itself(world: World) -> None:
    matrix = np.arange(6.0).reshape(2, 3)
    np.testing.assert_array_equal(world.gather_array(matrix, axis=1), matrix)
    np.testing.assert_array_equal(world.sum(matrix), matrix)
    np.testing.assert_array_equal(world.sum_ordered(matrix), matrix)
    assert world.sum(2.5) == 2.5
    assert (world.minimum(-1.5), world.maximum(3)) == (-1.5, 3)
    assert (world.any(True), world.all(False)) == (True, False)
    assert world.broadcast({"a": 1}) == {"a": 1}
    assert world.on_root(lambda: 42) == 42


def test_gathered_array_is_a_copy(world: World) -> None:
    local = np.zeros(3)
    gathered = world.gather_array(local)
    assert gathered is not None and not np.shares_memory(gathered, local)


def test_guard_lets_other_exceptions_of_one_rank_pass(world: World) -> None:
    with pytest.raises(ZeroDivisionError), world.guard():
        raise ZeroDivisionError
    with pytest.raises(SystemExit) as exit_of_program, world.guard():
        sys.exit(5)
    assert exit_of_program.value.code == 5


@pytest.mark.parametrize(
    ("body", "code", "errors"),
    [
        ("raise UserError('no such file')", 2, "Error: no such file\n"),
        ("raise KeyboardInterrupt", 130, "Interrupted.\n"),
    ],
)
@pytest.mark.parametrize("catch", ["abort_on_error(World.start())\n", "with World.start().guard(): "])
def test_errors_of_the_user_have_no_traceback(catch: str, body: str, code: int, errors: str) -> None:
    program = run_program(catch + body)
    assert (program.returncode, program.stderr) == (code, errors)


@pytest.mark.parametrize("catch", ["abort_on_error(World.start())\n", "with World.start().guard(): "])
def test_other_errors_of_one_rank_have_the_plain_traceback(catch: str) -> None:
    program = run_program(catch + "1 / 0")
    assert program.returncode == 1
    assert program.stderr.startswith("Traceback")
    assert program.stderr.endswith("ZeroDivisionError: division by zero\n")
    assert "[rank" not in program.stderr


def test_neuron_before_mpi_is_refused() -> None:
    program = run_program("sys.modules['neuron'] = None\nWorld.start()")
    assert program.returncode == 1
    assert "NEURON was imported before mpi4py" in program.stderr


def test_missing_mpi_is_explained() -> None:
    program = run_program("sys.modules['mpi4py'] = None\nWorld.start()")
    assert "no usable MPI library was found" in program.stderr
    assert "UserError" in program.stderr


def test_import_of_the_package_does_not_start_mpi() -> None:
    program = run_program("import mpi_coupling; print('mpi4py.MPI' in sys.modules)")
    assert program.stdout == "False\n"


def test_error_on_the_root_keeps_its_type(world: World) -> None:
    def fail() -> None:
        raise UserError("no such file")

    with pytest.raises(UserError, match="no such file"):
        world.on_root(fail)
