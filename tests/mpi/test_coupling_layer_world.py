"""Collective operations of the world, the profile and the reports, on the ranks of the launcher."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest

from mpi_coupling import CompartmentReport, Profiler, SpikeWriter, UserError, World

pytestmark = pytest.mark.mpi(min_size=2)


@pytest.fixture(scope="module")
def world() -> World:
    return World.start()


TIMES = {"start_ms": 0.0, "stop_ms": 1.0, "step_ms": 0.1, "unit": "mV"}


@pytest.fixture
def folder(world: World, tmp_path: Path) -> Path:
    """The root's temporary folder, on every rank."""
    return world.broadcast(tmp_path)


class Unsendable(UserError):
    """An exception that pickle cannot make again: it needs two arguments."""

    def __init__(self, file: str, reason: str) -> None:
        super().__init__(f"{file}: {reason}")


def test_ranks(world: World) -> None:
    assert world.comm.allgather(world.rank) == list(range(world.size))
    assert world.is_root == (world.rank == 0)


def test_gather_in_the_order_of_the_ranks(world: World) -> None:
    gathered = world.gather_array(np.full(world.rank, world.rank))  # rank 0 has nothing
    if world.is_root:
        np.testing.assert_array_equal(gathered, np.repeat(np.arange(world.size), np.arange(world.size)))
    else:
        assert gathered is None


@pytest.mark.parametrize("axis", [0, 1])
def test_gather_of_matrices(world: World, axis: int) -> None:
    blocks = [np.arange(3 * rank, dtype="f4").reshape(3, rank) + 100 * rank for rank in range(world.size)]
    if axis == 0:
        blocks = [block.T for block in blocks]  # not contiguous
    gathered = world.gather_array(blocks[world.rank], axis=axis)
    if world.is_root:
        assert gathered is not None and gathered.dtype == np.float32
        np.testing.assert_array_equal(gathered, np.concatenate(blocks, axis=axis))


@pytest.mark.parametrize(
    "by_rank", [lambda rank: np.zeros((rank, 3 + rank)), lambda rank: np.zeros(2, f"f{4 + 4 * (rank > 0)}")]
)
def test_arrays_that_do_not_fit_fail_on_every_rank(world: World, by_rank) -> None:
    with pytest.raises(ValueError, match=r"must be of the same numeric type and shape .* on rank 1"):
        world.gather_array(by_rank(world.rank))


def test_sums(world: World) -> None:
    ranks = sum(range(world.size))
    np.testing.assert_array_equal(world.sum(np.array([world.rank, 1.0])), [ranks, world.size])
    assert world.sum(world.rank) == ranks
    assert world.sum(True) == world.size


def test_ordered_sum_adds_from_the_first_rank_on(world: World) -> None:
    values = [1e16, 1.0, -1e16, 1.0]
    total = 0.0
    for rank in range(world.size):
        total += values[rank % 4]
    assert world.sum_ordered(values[world.rank % 4]) == total


def test_extremes_and_conditions(world: World) -> None:
    last = world.size - 1
    assert (world.minimum(world.rank), world.maximum(world.rank)) == (0, last)
    assert world.any(world.rank == last) and not world.any(False)
    assert world.all(True) and not world.all(world.rank == last)


@pytest.mark.parametrize("where", [0, 1])
def test_extremes_do_not_lose_not_a_number(world: World, where: int) -> None:
    value = math.nan if world.rank == where else 1.0
    assert math.isnan(world.minimum(value))
    assert math.isnan(world.maximum(value))


def test_broadcast_is_the_value_of_the_root(world: World) -> None:
    assert world.broadcast({"rank": world.rank}) == {"rank": 0}


def test_work_on_the_root_is_done_once(world: World) -> None:
    done: list[int] = []
    assert world.on_root(lambda: done.append(world.rank) or "result") == "result"
    assert done == ([0] if world.is_root else [])


def test_error_on_the_root_is_raised_on_every_rank(world: World) -> None:
    def fail() -> None:
        raise UserError("nodes.h5: no such file")

    with pytest.raises(UserError, match=r"nodes\.h5: no such file"):
        world.on_root(fail)


def test_error_that_cannot_be_sent_keeps_its_text(world: World) -> None:
    def fail() -> None:
        raise Unsendable("nodes.h5", "no such file")

    with pytest.raises(UserError, match=r"nodes\.h5: no such file"):
        world.on_root(fail)


def test_profile_over_ranks(world: World) -> None:
    profiler = Profiler()
    for _ in range(world.rank + 1):
        with profiler.phase("everywhere"):
            pass
    if world.rank == 1:
        with profiler.phase("second rank"):
            pass
    summary = profiler.summary(world)
    assert summary.ranks == world.size
    calls = summary.phases["everywhere"].calls
    assert (calls.minimum, calls.mean, calls.maximum) == (1, (world.size + 1) / 2, world.size)
    calls = summary.phases["second rank"].calls
    assert (calls.minimum, calls.mean, calls.maximum) == (0, 1 / world.size, 1)
    assert len(set(world.comm.allgather(summary.to_json()))) == 1


def test_unwritable_files_fail_on_every_rank(world: World, folder: Path) -> None:
    if world.is_root:
        (folder / "file").touch()
    world.barrier()
    with pytest.raises(UserError, match=r"file/v\.h5: cannot be written"):
        CompartmentReport.per_node(world, folder / "file" / "v.h5", "neurons", [world.rank], **TIMES)
    with pytest.raises(UserError, match=r"file/out\.h5: cannot be written"):
        SpikeWriter(world, folder / "file" / "out.h5")


def test_a_file_that_vanished_fails_on_every_rank(world: World, folder: Path) -> None:
    report = CompartmentReport.per_node(world, folder / "v.h5", "neurons", [world.rank], **TIMES)
    if world.is_root:
        report.path.unlink()
    report.append([1.0])
    with pytest.raises(UserError, match=r"v\.h5: cannot be written \(No such file or directory\)"):
        report.flush()


def test_a_node_on_two_ranks_fails_on_every_rank(world: World, folder: Path) -> None:
    with pytest.raises(ValueError, match="node 7 is reported twice"):
        CompartmentReport.per_node(world, folder / "v.h5", "neurons", [7], **TIMES)


def test_different_numbers_of_rows_fail_on_every_rank(world: World, folder: Path) -> None:
    report = CompartmentReport.per_node(world, folder / "v.h5", "neurons", [world.rank], **TIMES)
    for _ in range(1 + world.rank):
        report.append([1.0])
    with pytest.raises(RuntimeError, match=f"some ranks appended {world.size} rows, others only 1"):
        report.flush()
