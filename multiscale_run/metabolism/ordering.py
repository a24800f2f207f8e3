"""Elimination order and fill of a sparse matrix with diagonal pivots (Markowitz 1957, Management Science 3:255)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Elimination:
    """Which pivot comes when, and where L and U have entries.

    Attributes:
        order: row (and column) eliminated at each step.
        lower: per step, the steps of the rows below the pivot that it updates, ascending.
        upper: per step, the steps of the columns right of the pivot, ascending.
    """

    order: tuple[int, ...]
    lower: tuple[tuple[int, ...], ...]
    upper: tuple[tuple[int, ...], ...]

    @property
    def entries(self) -> int:
        """Non-zeros of L and U with one diagonal."""
        return len(self.order) + sum(map(len, self.lower)) + sum(map(len, self.upper))

    @property
    def multiplications(self) -> int:
        """Multiply-add operations of the factorisation."""
        return sum(len(below) * len(right) for below, right in zip(self.lower, self.upper, strict=True))


def eliminate(size: int, rows: np.ndarray, columns: np.ndarray) -> Elimination:
    """Choose, step by step, the diagonal pivot with the smallest product of row and column counts.

    Args:
        size: rows and columns of the matrix; its diagonal counts as filled.
        rows: row of every non-zero.
        columns: column of every non-zero.
    """
    row_sets: list[set[int]] = [set() for _ in range(size)]
    column_sets: list[set[int]] = [set() for _ in range(size)]
    for i, j in zip(rows.tolist(), columns.tolist(), strict=True):
        if i != j:
            row_sets[i].add(j)
            column_sets[j].add(i)
    open_pivots, order = set(range(size)), []
    lower_rows, upper_columns = [], []
    while open_pivots:
        # ties go to the smaller number: the order is the same on every machine
        pivot = min(open_pivots, key=lambda k: (len(row_sets[k]) * len(column_sets[k]), k))
        below, right = column_sets[pivot], row_sets[pivot]
        for i in below:
            row_sets[i].discard(pivot)
            row_sets[i] |= right - {i}
        for j in right:
            column_sets[j].discard(pivot)
            column_sets[j] |= below - {j}
        open_pivots.discard(pivot)
        order.append(pivot)
        lower_rows.append(below)
        upper_columns.append(right)
    step = {pivot: k for k, pivot in enumerate(order)}
    return Elimination(
        tuple(order),
        tuple(tuple(sorted(step[i] for i in below)) for below in lower_rows),
        tuple(tuple(sorted(step[j] for j in right)) for right in upper_columns),
    )
