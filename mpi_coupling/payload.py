"""What a channel carries: values at every step, or events of which nobody knows the number beforehand."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

Numbers = NDArray[np.float64]


@dataclass(frozen=True)
class Signal:
    """Values at every step. Both ends of a channel must state the same.

    Attributes:
        name: what it is, unique in a job.
        unit: unit of the values.
        shape: shape of the values at one step, at least 1-D. Ranks may share the first axis, its *items*, among them.
        window: steps of a window; the last one of a run, or any other, may be shorter.
        start: the step at which the first window begins.
    """

    name: str
    unit: str
    shape: tuple[int, ...]
    window: int
    start: int = 0

    def __post_init__(self) -> None:
        if not self.shape or min(self.shape) < 0:
            raise ValueError(
                f"signal '{self.name}': the shape {self.shape} must have 1 or more dimensions of 0 or more"
            )
        if self.window < 1:
            raise ValueError(f"signal '{self.name}': a window of {self.window} steps must have at least 1")

    def items(self, some: ArrayLike | None) -> NDArray[np.int64]:
        """Checks and completes a choice of items; None means all of them.

        Raises:
            ValueError: an item does not exist or is there twice.
        """
        if some is None:
            return np.arange(self.shape[0])
        items = np.asarray(some, dtype=np.int64).reshape(-1)
        if len(np.unique(items)) < len(items) or (items.size and not 0 <= items.min() <= items.max() < self.shape[0]):
            raise ValueError(
                f"signal '{self.name}': items must be different numbers from 0 to {self.shape[0] - 1}, not {items}"
            )
        return items

    def room(self, n_items: int) -> int:
        """Most numbers of some items in a window."""
        return n_items * self.window * math.prod(self.shape[1:])

    def wanted(self, n_steps: int, n_items: int) -> str:
        """What the values of a window must be."""
        return f"float64{[n_steps, n_items, *self.shape[1:]]}"

    def found(self, values: Any) -> str:
        """What they are, in the same words."""
        return f"{values.dtype}{list(values.shape)}" if isinstance(values, np.ndarray) else type(values).__name__

    def new(self, n_steps: int, n_items: int) -> Any:
        """Room for the values of a window."""
        return np.empty((n_steps, n_items, *self.shape[1:]))

    def pack(self, values: Any, positions: NDArray[np.int64]) -> Numbers:
        """The values of some items as a row of numbers."""
        return values[:, positions].reshape(-1)

    def unpack(self, numbers: Numbers, values: Any, positions: NDArray[np.int64]) -> None:
        """Writes what `pack` gave, and perhaps more after it, into the values of some items."""
        part = (len(values), len(positions), *self.shape[1:])
        values[:, positions] = numbers[: math.prod(part)].reshape(part)


@dataclass(frozen=True)
class Events(Signal):
    """Events such as spikes: the values of a window are a list with a row of numbers for each item.

    Attributes:
        shape: number of items.
        most: most numbers of one item in a window.
    """

    most: int = 0

    def room(self, n_items: int) -> int:
        """Most numbers of some items in a window."""
        return n_items * (1 + self.most)

    def wanted(self, n_steps: int, n_items: int) -> str:
        """What the values of a window must be."""
        return f"{n_items} rows of up to {self.most} float64"

    def found(self, values: Any) -> str:
        """What they are, in the same words."""
        if not isinstance(values, list):
            return type(values).__name__
        if all(isinstance(row, np.ndarray) and row.dtype == np.float64 and row.ndim == 1 for row in values):
            longest = max((len(row) for row in values), default=0)
            return f"{len(values)} rows of up to {max(longest, self.most)} float64"
        return f"{len(values)} rows that are not all 1-D arrays of float64"

    def new(self, n_steps: int, n_items: int) -> Any:
        """Room for the values of a window."""
        return [np.empty(0)] * n_items

    def pack(self, values: Any, positions: NDArray[np.int64]) -> Numbers:
        """The events of some items as a row of numbers: how many each has, then all of them."""
        rows = [values[position] for position in positions]
        return np.concatenate([np.array([len(row) for row in rows], dtype=np.float64), *rows])

    def unpack(self, numbers: Numbers, values: Any, positions: NDArray[np.int64]) -> None:
        """Writes what `pack` gave, and perhaps more after it, into the values of some items."""
        ends = len(positions) + np.cumsum(numbers[: len(positions)]).astype(np.int64)
        for position, begin, end in zip(positions, (len(positions), *ends), ends, strict=False):
            values[position] = numbers[begin:end].copy()
