"""Straight-line code of a network for all lanes: equations, Jacobian, and the factorisation it needs.

Expressions are split by when their operands are known: numbers when code is generated, values that depend only on
inputs and constant species once per cell and call (`prepare`), the rest in every evaluation.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from llvmlite import ir

from .equations import Equations
from .expression import Op
from .ordering import Elimination, eliminate
from .vector_ir import POINTER, Array, Code, Vector, define
from .vector_math import exponential, logarithm


@dataclass(frozen=True)
class Plan:
    """What is computed when, and where it lies.

    Attributes:
        equations: what the code evaluates.
        elimination: order and fill of the factorisation of 1/(h*gamma) - Jacobian.
        given: symbol node of each value that is loaded once per cell (inputs and constant species).
        prepared: node of each value that `prepare` computes from them.
    """

    equations: Equations
    elimination: Elimination
    given: tuple[int, ...]
    prepared: tuple[int, ...]

    @property
    def size(self) -> int:
        """Number of equations."""
        return len(self.equations.states)


def make_plan(equations: Equations) -> Plan:
    """Find the elimination order and split the expressions by when their operands are known."""
    graph, jacobian = equations.graph, equations.jacobian
    outputs = [*equations.derivatives, *jacobian.nodes]
    needed = graph.reachable(outputs)
    varying = set(equations.states)
    used = set(outputs)
    for node in needed:
        if varying.intersection(graph.nodes[node].arguments):
            varying.add(node)
            used.update(graph.nodes[node].arguments)
    prepared = [n for n in needed if n in used and n not in varying and graph.nodes[n].op is not Op.CONSTANT]
    given = [n for n in graph.reachable(prepared) if graph.nodes[n].op is Op.SYMBOL]
    elimination = eliminate(jacobian.size, jacobian.rows, jacobian.columns)
    return Plan(equations, elimination, tuple(given), tuple(prepared))


class Expressions:
    """Evaluates nodes of the graph on demand inside one function, each at most once."""

    def __init__(self, code: Code, plan: Plan, sources: dict[int, tuple[Array, int]]) -> None:
        self._code = code
        self._graph = plan.equations.graph
        self._sources = sources
        self._values: dict[int, Vector] = {}

    def value(self, output: int) -> Vector:
        """The value of a node; emits what is missing, operands first."""
        open_nodes = [output]
        while open_nodes:
            node = open_nodes[-1]
            missing = [] if node in self._sources else [a for a in self._arguments(node) if a not in self._values]
            if missing:
                open_nodes.extend(missing)
            else:
                open_nodes.pop()
                if node not in self._values:
                    self._values[node] = self._emit(node)
        return self._values[output]

    def _arguments(self, node: int) -> tuple[int, ...]:
        return self._graph.nodes[node].arguments

    def _emit(self, node: int) -> Vector:
        if node in self._sources:
            array, index = self._sources[node]
            return array[index]
        found = self._graph.nodes[node]
        arguments = [self._values[a] for a in found.arguments]
        match found.op:
            case Op.CONSTANT if isinstance(found.value, float):
                return self._code.vector(found.value)
            case Op.ADD:
                return arguments[0] + arguments[1]
            case Op.SUB:
                return arguments[0] - arguments[1]
            case Op.MUL:
                return arguments[0] * arguments[1]
            case Op.RECIPROCAL:
                return 1.0 / arguments[0]
            case Op.SQRT:
                return arguments[0].sqrt()
            case Op.EXP:
                return exponential(self._code, arguments[0])
            case Op.LOG:
                return logarithm(self._code, arguments[0])
        raise AssertionError(f"symbol {found.value} has no value here")


def emit_prepare(module: ir.Module, plan: Plan, lanes: int) -> ir.Function:
    """``prepare(given, prepared)``: everything that is constant over a call."""
    code, (given, prepared) = define(module, "prepare", lanes, [POINTER] * 2)
    source = Array(code, given)
    expressions = Expressions(code, plan, {node: (source, i) for i, node in enumerate(plan.given)})
    return _store_all(code, expressions, [(Array(code, prepared), plan.prepared)])


def emit_derivative(module: ir.Module, plan: Plan, lanes: int) -> ir.Function:
    """``derivative(y, prepared, dydt)``."""
    code, (y, prepared, dydt) = define(module, "derivative", lanes, [POINTER] * 3)
    return _store_all(code, _at(code, plan, y, prepared), [(Array(code, dydt), plan.equations.derivatives)])


def emit_linearise(module: ir.Module, plan: Plan, lanes: int) -> ir.Function:
    """``linearise(y, prepared, dydt, jacobian)``: both at once, because they share most of their terms."""
    code, (y, prepared, dydt, jacobian) = define(module, "linearise", lanes, [POINTER] * 4)
    outputs = [
        (Array(code, dydt), plan.equations.derivatives),
        (Array(code, jacobian), plan.equations.jacobian.nodes),
    ]
    return _store_all(code, _at(code, plan, y, prepared), outputs)


def _at(code: Code, plan: Plan, y: ir.Value, prepared: ir.Value) -> Expressions:
    states, fixed = Array(code, y), Array(code, prepared)
    sources = {node: (states, i) for i, node in enumerate(plan.equations.states)}
    sources.update({node: (fixed, i) for i, node in enumerate(plan.prepared)})
    return Expressions(code, plan, sources)


def _store_all(code: Code, expressions: Expressions, outputs: Iterable[tuple[Array, tuple[int, ...]]]) -> ir.Function:
    """Store each output as soon as it is known, so that few values are alive at a time."""
    for target, nodes in outputs:
        for i, node in enumerate(nodes):
            target[i] = expressions.value(node)
    code.builder.ret_void()
    return code.builder.function
