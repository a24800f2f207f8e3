"""L D L^T factorisation of sparse symmetric positive definite matrices that share one pattern.

Ordering and pattern of L are found once; then every new set of values costs one pass over them. Left-looking by columns
(George & Liu 1981, Computer Solution of Large Sparse Positive Definite Systems, ch. 5).
"""

from __future__ import annotations

from typing import Any

import numba
import numpy as np
import scipy.sparse as sparse
from scipy.sparse.linalg import splu


class Factorisation:
    """Factors of the weighted Laplacian of a graph with some of its nodes grounded.

    Args:
        first: one end of each edge, or -1 for a grounded one, shape (edges,).
        second: the other end.
        size: number of nodes that are not grounded.
    """

    def __init__(self, first: np.ndarray, second: np.ndarray, size: int) -> None:
        inside = (first >= 0) & (second >= 0) & (first != second)
        self._order, self._columns, self._rows = _symbolic(first[inside], second[inside], size)
        rank = np.empty(size, dtype=np.int64)
        rank[self._order] = np.arange(size)
        self._first, self._second, self._inside = first, second, inside
        low, high = np.sort([rank[first[inside]], rank[second[inside]]], axis=0)
        self._places = _find_places(self._columns, self._rows, low, high, size)
        self._row_start, self._row_places, self._row_columns = _by_rows(self._columns, self._rows, size)
        self._values: np.ndarray = np.zeros(len(self._rows))
        self._diagonal: np.ndarray = np.ones(size)

    @property
    def entries(self) -> int:
        """Number of entries of L below the diagonal."""
        return len(self._rows)

    def factor(self, weights: np.ndarray) -> None:
        """Factor the Laplacian of the given positive weights, shape (edges,)."""
        size = len(self._diagonal)
        diagonal: np.ndarray = np.zeros(size)
        loop = self._first == self._second
        for ends in (self._first, self._second):
            counted = (ends >= 0) & ~loop
            diagonal += np.bincount(ends[counted], weights=weights[counted], minlength=size)
        self._diagonal = diagonal[self._order]
        self._values = -np.bincount(self._places, weights=weights[self._inside], minlength=self.entries)
        _factor(
            self._columns,
            self._rows,
            self._row_start,
            self._row_places,
            self._row_columns,
            self._values,
            self._diagonal,
        )

    def solve(self, right: np.ndarray) -> np.ndarray:
        """Solve for a right-hand side, shape (size,), with the factors of the last :meth:`factor`."""
        result = np.empty_like(right)
        result[self._order] = _substitute(self._columns, self._rows, self._values, self._diagonal, right[self._order])
        return result


def _symbolic(first: np.ndarray, second: np.ndarray, size: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Minimum-degree ordering and the pattern of L below its diagonal, by columns with ascending rows."""
    ones = np.ones(len(first))
    links = sparse.coo_matrix((ones, (first, second)), shape=(size, size))
    degree = np.bincount(np.concatenate([first, second]), minlength=size)
    # dominant diagonal and negative links: no pivoting, and no entry of L cancels
    matrix = sparse.diags(degree + 1.0) - links - links.T
    factors = splu(
        sparse.csc_matrix(matrix), permc_spec="MMD_AT_PLUS_A", diag_pivot_thresh=0.0, options={"SymmetricMode": True}
    )
    pattern = sparse.tril(factors.L, k=-1, format="csc")
    pattern.sort_indices()
    # unsigned: numba need not look for negative indices in its innermost loop
    return np.argsort(factors.perm_c), pattern.indptr.astype(np.int64), pattern.indices.astype(np.uint32)


def _find_places(columns: np.ndarray, rows: np.ndarray, low: np.ndarray, high: np.ndarray, size: int) -> np.ndarray:
    """Where the entry (high, low) of the matrix stands in the storage of L."""
    column_of = np.repeat(np.arange(size), np.diff(columns))
    return np.searchsorted(column_of * size + rows, low * size + high)


def _by_rows(columns: np.ndarray, rows: np.ndarray, size: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The entries of L row by row: start of each row, places of its entries in column storage, their columns."""
    places = np.argsort(rows, kind="stable")
    start = np.concatenate([[0], np.cumsum(np.bincount(rows, minlength=size))])
    return start, places, np.repeat(np.arange(size), np.diff(columns))[places]


@numba.njit(cache=True)
def _factor(
    columns: Any, rows: Any, row_start: Any, row_places: Any, row_columns: Any, values: Any, diagonal: Any
) -> None:
    """Replace the lower part and the diagonal of a matrix by those of L and D."""
    work = np.zeros(len(diagonal))
    for column in range(len(diagonal)):
        for entry in range(row_start[column], row_start[column + 1]):
            place, earlier = row_places[entry], row_columns[entry]
            factor = values[place] * diagonal[earlier]
            diagonal[column] -= values[place] * factor
            for below in range(place + 1, columns[earlier + 1]):
                work[rows[below]] += values[below] * factor
        for place in range(columns[column], columns[column + 1]):
            row = rows[place]
            values[place] = (values[place] - work[row]) / diagonal[column]
            work[row] = 0.0


@numba.njit(cache=True)
def _substitute(columns: Any, rows: Any, values: Any, diagonal: Any, right: Any) -> Any:
    result = right.copy()
    for column in range(len(diagonal)):
        for place in range(columns[column], columns[column + 1]):
            result[rows[place]] -= values[place] * result[column]
    for column in range(len(diagonal) - 1, -1, -1):
        total = result[column] / diagonal[column]
        for place in range(columns[column], columns[column + 1]):
            total -= values[place] * result[rows[place]]
        result[column] = total
    return result
