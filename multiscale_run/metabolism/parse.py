"""Formulas of the tables: arithmetic, exp, log and sqrt, read into an expression graph by an allow-list."""

from __future__ import annotations

import ast
from collections.abc import Mapping

from .expression import Graph
from .network import NetworkError

FUNCTIONS = ("exp", "log", "sqrt")


def names_in(text: str) -> set[str]:
    """Names that a formula reads, without the functions; checks the syntax on the way.

    Raises:
        NetworkError: the text is no formula or uses anything outside the allow-list.
    """
    names: set[str] = set()
    _walk(_parse(text), names)
    return names


def evaluate_constant(text: str) -> float:
    """Value of a formula without names."""
    graph = Graph()
    value = graph.value(build(graph, text, {}))
    assert value is not None, "a formula without names is a constant"
    return value


def build(graph: Graph, text: str, names: Mapping[str, int]) -> int:
    """Add a formula to a graph.

    Args:
        graph: where the nodes go.
        text: the formula.
        names: node of every name that it may use.

    Returns:
        The node of the formula's value.
    """
    return _node(graph, _parse(text), names)


def _parse(text: str) -> ast.expr:
    try:
        return ast.parse(text.strip(), mode="eval").body
    except (SyntaxError, ValueError):
        raise NetworkError(
            f"{text!r} is not a formula (allowed: + - * / ** ( ) numbers names {' '.join(FUNCTIONS)})"
        ) from None


def _walk(node: ast.expr, names: set[str]) -> None:
    match node:
        case ast.Constant(value=int() | float()) if not isinstance(node.value, bool):
            pass
        case ast.Name(id=name):
            names.add(name)
        case ast.UnaryOp(op=ast.USub() | ast.UAdd(), operand=operand):
            _walk(operand, names)
        case ast.BinOp(op=ast.Add() | ast.Sub() | ast.Mult() | ast.Div() | ast.Pow(), left=left, right=right):
            _walk(left, names)
            _walk(right, names)
        case ast.Call(func=ast.Name(id=name), args=[argument], keywords=[]) if name in FUNCTIONS:
            _walk(argument, names)
        case _:
            raise NetworkError(f"{ast.unparse(node)!r} is not allowed (only + - * / ** and {', '.join(FUNCTIONS)})")


def _node(graph: Graph, node: ast.expr, names: Mapping[str, int]) -> int:
    match node:
        case ast.Constant(value=int() | float() as value):
            return graph.constant(value)
        case ast.Name(id=name):
            return names[name]
        case ast.UnaryOp(op=ast.USub(), operand=operand):
            return graph.scale(-1.0, _node(graph, operand, names))
        case ast.UnaryOp(operand=operand):
            return _node(graph, operand, names)
        case ast.BinOp(op=ast.Add(), left=left, right=right):
            return graph.add(_node(graph, left, names), _node(graph, right, names))
        case ast.BinOp(op=ast.Sub(), left=left, right=right):
            return graph.sub(_node(graph, left, names), _node(graph, right, names))
        case ast.BinOp(op=ast.Pow(), left=left, right=right):
            return _power(graph, _node(graph, left, names), _node(graph, right, names))
        case ast.BinOp():
            return _quotient(graph, node, names)
        case ast.Call(func=ast.Name(id=name), args=[argument]):
            return getattr(graph, name)(_node(graph, argument, names))
        case _:
            raise NetworkError(f"{ast.unparse(node)!r} is not allowed in a formula")


def _power(graph: Graph, base: int, exponent: int) -> int:
    value = graph.value(exponent)
    if value is not None:
        return graph.power(base, value)
    return graph.exp(graph.mul(exponent, graph.log(base)))


def _quotient(graph: Graph, node: ast.expr, names: Mapping[str, int]) -> int:
    """A chain such as a*b/c*d/e as one product over one denominator: one division instead of one per slash."""
    above, below = graph.constant(1.0), graph.constant(1.0)
    while isinstance(node, ast.BinOp) and isinstance(node.op, ast.Mult | ast.Div):
        factor = _node(graph, node.right, names)
        if isinstance(node.op, ast.Mult):
            above = graph.mul(above, factor)
        else:
            below = graph.mul(below, factor)
        node = node.left
    above = graph.mul(above, _node(graph, node, names))
    return graph.mul(above, graph.reciprocal(below))
