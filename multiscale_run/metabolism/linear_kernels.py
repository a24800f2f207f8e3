"""Straight-line sparse linear algebra for all lanes: factorise, solve, and check 1/(h*gamma) - Jacobian.

Without pivoting, in the order of :mod:`ordering`. The factors are stored row by row: the entries of L, the reciprocal
of the pivot, the entries of U.
"""

from __future__ import annotations

from llvmlite import ir

from .kernels import Plan
from .vector_ir import POINTER, Array, Vector, define


class Factors:
    """Where each entry of the factors is stored.

    Attributes:
        rows: per step, the columns (steps) that have an entry, ascending; the pivot among them.
        place: (row step, column step) -> position in the stored factors.
    """

    def __init__(self, plan: Plan) -> None:
        elimination = plan.elimination
        columns: list[list[int]] = [[*right] for right in elimination.upper]
        for step, below in enumerate(elimination.lower):
            columns[step].append(step)
            for row in below:
                columns[row].append(step)
        self.rows = [sorted(row) for row in columns]
        places = ((row, column) for row, found in enumerate(self.rows) for column in found)
        self.place = {pair: position for position, pair in enumerate(places)}


def emit_factorise(module: ir.Module, plan: Plan, factors: Factors, lanes: int) -> ir.Function:
    """``factorise(jacobian, shift, factors)``: L and U of shift - jacobian, one row after the other."""
    code, (jacobian, shift, target) = define(module, "factorise", lanes, [POINTER] * 3)
    entries, stored = Array(code, jacobian), Array(code, target)
    diagonal = Array(code, shift)[0]
    positions = positions_by_step(plan)
    done: dict[tuple[int, int], Vector] = {}
    for row, columns in enumerate(factors.rows):
        values = {}
        for column in columns:
            value = diagonal if column == row else code.vector(0.0)
            position = positions.get((row, column))
            values[column] = value if position is None else value - entries[position]
        for pivot in (c for c in columns if c < row):
            values[pivot] = values[pivot] * done[pivot, pivot]
            for column in plan.elimination.upper[pivot]:
                values[column] = values[column] - values[pivot] * done[pivot, column]
        values[row] = 1.0 / values[row]
        for column in columns:
            done[row, column] = values[column]
            stored[factors.place[row, column]] = values[column]
    code.builder.ret_void()
    return code.builder.function


def emit_solve(module: ir.Module, plan: Plan, factors: Factors, lanes: int) -> ir.Function:
    """``solve(factors, addend, b)``: replace b by the solution for the right-hand side b + addend."""
    code, (source, addend, vector) = define(module, "solve", lanes, [POINTER] * 3)
    stored, added, b = Array(code, source), Array(code, addend), Array(code, vector)
    order, x = plan.elimination.order, {}
    for row, columns in enumerate(factors.rows):
        x[row] = b[order[row]] + added[order[row]]
        for column in (c for c in columns if c < row):
            x[row] = x[row] - stored[factors.place[row, column]] * x[column]
    for row, columns in reversed(list(enumerate(factors.rows))):
        for column in (c for c in columns if c > row):
            x[row] = x[row] - stored[factors.place[row, column]] * x[column]
        x[row] = x[row] * stored[factors.place[row, row]]
        b[order[row]] = x[row]
    code.builder.ret_void()
    return code.builder.function


def emit_residual(module: ir.Module, plan: Plan, lanes: int, bound: float) -> ir.Function:
    """``residual(jacobian, shift, x, b, excess)``: does x solve (shift - jacobian) x = b?

    `excess` becomes the largest over the rows of |b - A x| - bound * (|A| |x| + |b|): positive where the backward error
    exceeds the bound.
    """
    code, (jacobian, shift, solution, right, excess) = define(module, "residual", lanes, [POINTER] * 5)
    entries, x, b = Array(code, jacobian), Array(code, solution), Array(code, right)
    diagonal = Array(code, shift)[0]
    matrix = plan.equations.jacobian
    by_row: dict[int, list[tuple[int, int]]] = {row: [] for row in range(plan.size)}
    for position, (row, column) in enumerate(zip(matrix.rows.tolist(), matrix.columns.tolist(), strict=True)):
        by_row[row].append((position, column))
    worst = code.vector(float("-inf"))
    for row, found in by_row.items():
        product = diagonal * x[row]
        rest, size = b[row] - product, b[row].absolute() + product.absolute()
        for position, column in found:
            product = entries[position] * x[column]
            rest, size = rest + product, size + product.absolute()
        worst = (rest.absolute() - bound * size).maximum(worst)
    Array(code, excess)[0] = worst
    code.builder.ret_void()
    return code.builder.function


def positions_by_step(plan: Plan) -> dict[tuple[int, int], int]:
    """(row step, column step) -> position in the Jacobian's entries."""
    step = {row: k for k, row in enumerate(plan.elimination.order)}
    matrix = plan.equations.jacobian
    pairs = zip(matrix.rows.tolist(), matrix.columns.tolist(), strict=True)
    return {(step[i], step[j]): position for position, (i, j) in enumerate(pairs)}
