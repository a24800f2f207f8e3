"""The processes of a run: who am I, how many are we, and the few collective operations that the suite needs.

MPI is started here and nowhere else, because its order matters: mpi4py must come before NEURON, which otherwise
believes that it runs on a single rank.
"""

from __future__ import annotations

import math
import pickle
import sys
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from functools import cache
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

from mpi_coupling.failure import UserError, abort_on_error, guard

if TYPE_CHECKING:
    from mpi4py import MPI

__all__ = ["UserError", "World", "abort_on_error"]

T = TypeVar("T")

MAXIMUM_COUNT = 2**31 - 1
"""MPI counts the elements of one message in 32 bits."""


@dataclass(frozen=True)
class World:
    """All processes (ranks) of a run and what they do together.

    A run without a launcher is a world of one rank. Methods marked *collective* must be called by all ranks, in the
    same order.

    Attributes:
        comm: communicator of all ranks.
        rank: number of this process, from 0.
        size: number of processes.
        failure_comm: private communicator by which failing ranks find out whether all of them failed.
        role: what these ranks do in a job of several groups, for messages; empty in a job of one.
        job: the world of the whole job when this one is only a group of it: a failure concerns all groups.
    """

    comm: MPI.Intracomm
    rank: int
    size: int
    failure_comm: MPI.Intracomm = field(repr=False, compare=False)
    role: str = ""
    job: World | None = field(default=None, repr=False, compare=False)

    @classmethod
    @cache
    def start(cls) -> World:
        """Starts MPI, or joins it when it runs, and returns the world; again and again the same one. Collective.

        Raises:
            RuntimeError: NEURON was imported before mpi4py.
            UserError: no MPI library is installed.
        """
        if "neuron" in sys.modules and "mpi4py.MPI" not in sys.modules:
            raise RuntimeError(
                "NEURON was imported before mpi4py and would run every rank as if it were alone; "
                "call World.start() before the first `import neuron`"
            )
        try:
            from mpi4py import MPI
        except (ImportError, RuntimeError) as error:
            raise UserError(
                f"no usable MPI library was found ({error}); install one, "
                "for example with `apt-get install openmpi-bin libopenmpi3`"
            ) from error
        return cls.from_communicator(MPI.COMM_WORLD)

    @classmethod
    def from_communicator(cls, comm: MPI.Intracomm, role: str = "", job: World | None = None) -> World:
        """A world of the ranks of `comm`. Collective over `comm`."""
        return cls(comm, comm.Get_rank(), comm.Get_size(), comm.Dup(), role, job)

    @property
    def is_root(self) -> bool:
        """Whether this is rank 0, which reads, writes and prints for all."""
        return self.rank == 0

    def guard(self) -> AbstractContextManager[None]:
        """A `with` block that ends the whole job when an exception, or a `sys.exit` that is not 0, leaves it."""
        return guard(self)

    def barrier(self) -> None:
        """Waits until all ranks have come here. Collective."""
        self.comm.Barrier()

    def broadcast(self, value: T) -> T:
        """Returns the root's value on every rank. Collective; values of other ranks are ignored."""
        return self.comm.bcast(value, root=0)

    def on_root(self, work: Callable[[], T]) -> T:
        """Calls `work` on the root only; every rank gets its result, or raises its exception. Collective."""
        error: Exception | None = None
        outcome: tuple[Any, Exception | None] = (None, None)
        if self.is_root:
            try:
                outcome = (work(), None)
            except Exception as caught:
                error = caught
                outcome = (None, _portable(caught))
        value, remote_error = self.broadcast(outcome)
        if error is not None:
            raise error
        if remote_error is not None:
            raise remote_error
        return value

    def gather_array(self, local: ArrayLike, axis: int = 0) -> NDArray[Any] | None:
        """Joins the ranks' arrays in the order of their ranks. Collective.

        Args:
            local: numbers or booleans of 1 or 2 dimensions; may be empty. Type and number of dimensions must be the
                same on all ranks, and so must the length of the other axis.
            axis: the axis along which the arrays are joined.

        Returns:
            The joined array on the root, None on the other ranks.

        Raises:
            ValueError: on every rank, when the arrays do not fit together or are too many for one message.
        """
        array = np.ascontiguousarray(local)
        if self.size == 1:
            return array.copy()
        layouts = self.comm.allgather((array.dtype.str, array.shape))
        shapes = [shape for _, shape in layouts]
        _check_layouts(layouts, axis)
        counts = [math.prod(shape) for shape in shapes]
        if not self.is_root:
            self.comm.Gatherv(array, None, root=0)
            return None
        joined = np.empty(sum(counts), array.dtype)
        self.comm.Gatherv(array, [joined, counts], root=0)
        if axis == 0:
            return joined.reshape(sum(shape[0] for shape in shapes), *array.shape[1:])
        blocks = np.split(joined, np.cumsum(counts)[:-1])
        return np.concatenate([block.reshape(shape) for block, shape in zip(blocks, shapes, strict=True)], axis=axis)

    def sum(self, values: ArrayLike) -> Any:
        """The element-wise sum over all ranks, on every rank. Collective.

        The order of the additions is MPI's choice; see `sum_ordered`.

        Args:
            values: a number or an array of numbers of the same shape on all ranks; booleans are counted.
        """
        array = _summable(values)
        total = np.empty_like(array)
        self.comm.Allreduce(array, total)
        return total[()]

    def sum_ordered(self, values: ArrayLike) -> Any:
        """As `sum`, but always added in the order of the ranks: repeated runs give the same bits.

        Needs room for the arrays of all ranks on each of them.
        """
        array = _summable(values)
        parts = np.empty((self.size, *array.shape), array.dtype)
        self.comm.Allgather(array, parts)
        total = parts[0].copy()
        for part in parts[1:]:
            total += part
        return total[()]

    def minimum(self, value: float) -> float:
        """The smallest value of all ranks, on every rank; not a number if one of them is. Collective."""
        return self.comm.allreduce(value, op=_smaller)

    def maximum(self, value: float) -> float:
        """The largest value of all ranks, on every rank; not a number if one of them is. Collective."""
        return self.comm.allreduce(value, op=_larger)

    def any(self, condition: bool) -> bool:
        """Whether the condition holds on at least one rank. Collective."""
        return bool(self.maximum(int(condition)))

    def all(self, condition: bool) -> bool:
        """Whether the condition holds on every rank. Collective."""
        return bool(self.minimum(int(condition)))


def _smaller(a: float, b: float) -> float:
    # MPI.MIN loses NaN, depending on the order of the ranks; a NaN must reach the check that looks for it
    return a if a != a or a < b else b


def _larger(a: float, b: float) -> float:
    return a if a != a or a > b else b


def _summable(values: ArrayLike) -> NDArray[Any]:
    array = np.asarray(values, order="C")
    return array.astype(np.int64) if array.dtype == np.bool_ else array


def _check_layouts(layouts: list[tuple[str, tuple[int, ...]]], axis: int) -> None:
    """Raises the same ValueError on every rank when the arrays of the ranks cannot be joined."""
    kinds = {(dtype, shape[:axis] + shape[axis + 1 :], len(shape)) for dtype, shape in layouts}
    if len(kinds) > 1 or not all(np.dtype(dtype).kind in "biufc" for dtype, _ in layouts):
        raise ValueError(
            f"arrays to be gathered along axis {axis} must be of the same numeric type and shape on all ranks, but are "
            + ", ".join(f"{np.dtype(dtype)}{list(shape)} on rank {rank}" for rank, (dtype, shape) in enumerate(layouts))
        )
    total = sum(math.prod(shape) for _, shape in layouts)
    if total > MAXIMUM_COUNT:
        raise ValueError(f"{total} values are too many for one gather (at most {MAXIMUM_COUNT}); use smaller pieces")


def _portable(error: Exception) -> Exception:
    """The exception, or a plain one with its text when it cannot be sent to another process."""
    try:
        return pickle.loads(pickle.dumps(error))
    except Exception:
        text = str(error)
        return UserError(text) if isinstance(error, UserError) else RuntimeError(f"{type(error).__name__}: {text}")
