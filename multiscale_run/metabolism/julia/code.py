"""Writes the Julia source of an integrator: straight-line functions of one network in front of the fixed solver."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np

from ..disk_cache import remembered
from ..equations import Equations
from ..kernels import Plan, make_plan
from ..linear_kernels import Factors, positions_by_step
from ..rosenbrock import StepControl, Tableau
from ..status import Status
from ..text_code import statements

MODULE = "Metabolism"
"""Name of the Julia module that holds an integrator."""

MAGIC = 0x4D53524A554C4941
"""First number of every message of the worker."""

# outside their domain a rejected step is wanted, not an exception
_GUARDED = """
log(x::Float64) = x >= 0.0 ? Base.log(x) : NaN
sqrt(x::Float64) = x >= 0.0 ? Base.sqrt(x) : NaN
"""
_HERE = Path(__file__).parent
_VERDICTS = (Status.OK, Status.STEP_TOO_SMALL, Status.TOO_MANY_STEPS, Status.SINGULAR)


def integrator_source(equations: Equations, tableau: Tableau, control: StepControl, folder: Path | None = None) -> str:
    """A Julia module with the constants and functions of the network and the solver that works on them.

    Args:
        equations: what to integrate.
        tableau: the Rosenbrock method.
        control: its choice of the step size.
        folder: cache folder of the written source; None takes the user's.
    """
    deciding = (equations.network.content_key, tableau, control, _generator_digest())
    return remembered("jl", deciding, lambda: _write(equations, tableau, control).encode(), folder).decode()


def _write(equations: Equations, tableau: Tableau, control: StepControl) -> str:
    plan = make_plan(equations)
    factors = Factors(plan)
    functions = {
        "prepare!(prepared, state, inputs)": prepare_lines(plan),
        "derivative!(slope, y, prepared)": derivative_lines(plan),
        "linearise!(slope, jacobian, y, prepared)": linearise_lines(plan),
        "factorise!(factors, jacobian, shift)": factorise_lines(plan, factors),
        "solve!(b, factors)": solve_lines(plan, factors),
    }
    parts = [f"module {MODULE}", *_constants(plan, tableau, control), _GUARDED]
    parts += [_function(signature, lines) for signature, lines in functions.items()]
    return "\n".join([*parts, _file("solver.jl"), f"end # module {MODULE}", ""])


def worker_source(integrator: str, species: int, inputs: int) -> str:
    """A program that serves an integrator over its standard input and output.

    Args:
        integrator: text of :func:`integrator_source`.
        species: slots of the state vector.
        inputs: inputs per cell.
    """
    head, _, _ = integrator.rpartition(f"end # module {MODULE}")
    tail = f"end # module {MODULE}\n{MODULE}.serve(stdin, stdout, {species}, {inputs})\n"
    return f"{head}\n{_file('worker.jl')}\n{tail}"


def prepare_lines(plan: Plan) -> list[str]:
    """Everything that is constant over a call, from the arrays ``state`` and ``inputs`` of a cell."""
    network = plan.equations.network
    texts = _entries("state", len(network.species)) + _entries("inputs", len(network.inputs))
    sources = dict(zip(plan.equations.symbols, texts, strict=True))
    return statements(plan.equations.graph, sources, _targets("prepared", plan.prepared))


def derivative_lines(plan: Plan) -> list[str]:
    """``slope`` from ``y`` and ``prepared``."""
    return statements(plan.equations.graph, _sources(plan), _targets("slope", plan.equations.derivatives))


def linearise_lines(plan: Plan) -> list[str]:
    """``slope`` and ``jacobian`` at once, because they share most of their terms."""
    targets = _targets("slope", plan.equations.derivatives) + _targets("jacobian", plan.equations.jacobian.nodes)
    return statements(plan.equations.graph, _sources(plan), targets)


def factorise_lines(plan: Plan, factors: Factors) -> list[str]:
    """``factors`` of shift - jacobian without pivoting: per row L, the reciprocal of the pivot, U."""
    name = {pair: f"f{position + 1}" for pair, position in factors.place.items()}
    start = dict.fromkeys(factors.place, "0.0") | {(step, step): "shift" for step in range(plan.size)}
    for pair, position in positions_by_step(plan).items():
        start[pair] += f" - jacobian[{position + 1}]"
    lines = []
    for row, columns in enumerate(factors.rows):
        lines += [f"{name[row, column]} = {start[row, column]}" for column in columns]
        for pivot in columns[: columns.index(row)]:
            lines.append(f"{name[row, pivot]} *= {name[pivot, pivot]}")
            right = plan.elimination.upper[pivot]
            lines += [f"{name[row, column]} -= {name[row, pivot]} * {name[pivot, column]}" for column in right]
        lines.append(f"{name[row, row]} = 1.0 / {name[row, row]}")
    return [*lines, *(f"factors[{text[1:]}] = {text}" for text in name.values())]


def solve_lines(plan: Plan, factors: Factors) -> list[str]:
    """Replace ``b`` by the solution."""
    lines: list[str] = []

    def subtract(row: int, columns: Iterable[int]) -> None:
        products = (f"x{row} -= factors[{factors.place[row, column] + 1}] * x{column}" for column in columns)
        lines.extend(products)

    for row, columns in enumerate(factors.rows):
        lines.append(f"x{row} = b[{plan.elimination.order[row] + 1}]")
        subtract(row, (column for column in columns if column < row))
    for row in reversed(range(plan.size)):
        subtract(row, (column for column in factors.rows[row] if column > row))
        lines.append(f"x{row} *= factors[{factors.place[row, row] + 1}]")
        lines.append(f"b[{plan.elimination.order[row] + 1}] = x{row}")
    return lines


def _sources(plan: Plan) -> dict[int, str]:
    """Nodes whose values lie in the arrays ``y`` and ``prepared``."""
    known = (*_targets("y", plan.equations.states), *_targets("prepared", plan.prepared))
    return {node: text for text, node in known}


def _targets(array: str, nodes: Sequence[int]) -> list[tuple[str, int]]:
    return list(zip(_entries(array, len(nodes)), nodes, strict=True))


def _entries(array: str, count: int) -> list[str]:
    """Text of each entry of a Julia array; Julia counts from 1."""
    return [f"{array}[{i}]" for i in range(1, count + 1)]


def _constants(plan: Plan, tableau: Tableau, control: StepControl) -> list[str]:
    """Definitions that the solver reads."""
    matrix, stages = plan.equations.jacobian, range(tableau.stages)
    values = {
        "SIZE": plan.size,
        "PREPARED": len(plan.prepared),
        "FACTORS": plan.elimination.entries,
        "DYNAMIC_SLOTS": _numbers(plan.equations.network.dynamic_slots + 1),
        "JACOBIAN_ROWS": _numbers(matrix.rows + 1),
        "JACOBIAN_COLUMNS": _numbers(matrix.columns + 1),
        "STAGES": tableau.stages,
        "ORDER": tableau.order,
        "GAMMA": tableau.gamma,
        "MAGIC": f"Int64({MAGIC})",
    }
    for name, rows in (("A", tableau.a), ("C", tableau.c)):
        padded = [[*row, *[0.0] * tableau.stages][: tableau.stages] for row in ((), *rows)]
        values[name] = "[" + "; ".join(" ".join(repr(padded[i][j]) for j in stages) for i in stages) + "]"
    for name in ("safety", "shrink", "grow", "first_step", "smallest", "backward_error"):
        values[name.upper()] = getattr(control, name)
    values |= {status.name: f"Int8({status.value})" for status in _VERDICTS}
    return [f"const {name} = {value}" for name, value in values.items()]


def _function(signature: str, lines: Iterable[str]) -> str:
    body = "\n".join(lines)
    return f"function {signature}\n    @inbounds begin\n{body}\n    end\n    return nothing\nend"


def _numbers(values: np.ndarray) -> str:
    return f"Int[{', '.join(map(str, values.tolist()))}]"


def _file(name: str) -> str:
    return (_HERE / name).read_text()


def _generator_digest() -> str:
    """Digest of this folder: a changed generator or solver makes another source."""
    files = (*sorted(_HERE.glob("*.py")), *sorted(_HERE.glob("*.jl")))
    return hashlib.sha256(b"".join(file.read_bytes() for file in files)).hexdigest()
