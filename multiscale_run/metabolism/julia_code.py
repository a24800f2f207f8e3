"""Writes a network's equations, sparsity and method as Julia source, for ``julia/rosenbrock.jl``."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np

from .kernels import Plan
from .linear_kernels import Factors, positions_by_step
from .rosenbrock import StepControl, Tableau
from .text_code import statements


def julia_source(plan: Plan, tableau: Tableau, control: StepControl) -> str:
    """The file that defines everything ``rosenbrock.jl`` asks for."""
    constants = {
        "SIZE": plan.size,
        "GIVEN": len(plan.given),
        "PREPARED": len(plan.prepared),
        "ENTRIES": len(plan.equations.jacobian.nodes),
        "STAGES": tableau.stages,
        "METHOD_ORDER": tableau.order,
        "GAMMA": tableau.gamma,
        "SAFETY": control.safety,
        "SHRINK": control.shrink,
        "GROW": control.grow,
        "FIRST_STEP": control.first_step,
        "SMALLEST": control.smallest,
        "BACKWARD_ERROR": control.backward_error,
    }
    lines = [f"const {name} = {value!r}" for name, value in constants.items()]
    lines += [f"const {name} = {_rows(rows)}" for name, rows in (("A", tableau.a), ("C", tableau.c))]
    lines += [f"const {name} = {_vector(values)}" for name, values in _sparsity(plan).items()]
    return "\n".join([*lines, _GUARDED, *_functions(plan)]) + "\n"


# Julia raises an error outside a function's domain; not a number is what the step control understands
_GUARDED = """
sqrt(x::Float64) = x >= 0.0 ? Base.sqrt(x) : NaN
log(x::Float64) = x >= 0.0 ? Base.log(x) : NaN
"""


def _functions(plan: Plan) -> list[str]:
    """Source of prepare!, derivative! and linearise!."""
    equations, graph = plan.equations, plan.equations.graph
    known = {node: f"y[{i}]" for i, node in enumerate(equations.states, 1)}
    known.update({node: f"prepared[{i}]" for i, node in enumerate(plan.prepared, 1)})
    given = {node: f"given[{i}]" for i, node in enumerate(plan.given, 1)}
    prepared = [(f"prepared[{i}]", node) for i, node in enumerate(plan.prepared, 1)]
    slopes = [(f"dydt[{i}]", node) for i, node in enumerate(equations.derivatives, 1)]
    entries = [(f"jacobian[{i}]", node) for i, node in enumerate(equations.jacobian.nodes, 1)]
    return [
        *_function("prepare!(prepared, given)", statements(graph, given, prepared)),
        *_function("derivative!(dydt, y, prepared)", statements(graph, known, slopes)),
        *_function("linearise!(dydt, jacobian, y, prepared)", statements(graph, known, slopes + entries)),
    ]


def _function(head: str, body: Iterable[str]) -> list[str]:
    return [f"function {head}", "    @inbounds begin", *body, "    end", "    return nothing", "end"]


def _sparsity(plan: Plan) -> dict[str, list[int]]:
    """Index tables of the factors and of the Jacobian by rows, in elimination order, counted from 1."""
    factors = Factors(plan)
    by_row: list[list[tuple[int, int]]] = [[] for _ in range(plan.size)]
    for (row, column), position in sorted(positions_by_step(plan).items()):
        by_row[row].append((column, position))
    return {
        "ORDER": [row + 1 for row in plan.elimination.order],
        "ROW_START": _starts(factors.rows),
        "COLUMNS": [column + 1 for row in factors.rows for column in row],
        "DIAGONAL": [factors.place[row, row] + 1 for row in range(plan.size)],
        "ENTRY_START": _starts(by_row),
        "ENTRY_COLUMN": [column + 1 for row in by_row for column, _ in row],
        "ENTRY_POSITION": [position + 1 for row in by_row for _, position in row],
    }


def _starts(rows: Sequence[Sequence]) -> list[int]:
    return (1 + np.cumsum([0, *(len(row) for row in rows)])).tolist()


def _vector(values: Iterable[int]) -> str:
    return f"[{', '.join(map(str, values))}]"


def _rows(rows: Iterable[Sequence[float]]) -> str:
    """Row i of stage coefficients; the first stage has none."""
    return "[Float64[], " + ", ".join(f"[{', '.join(map(repr, row))}]" for row in rows) + "]"
