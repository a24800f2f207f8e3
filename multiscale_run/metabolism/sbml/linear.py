"""Splits a rate rule into coefficients and rates: dx/dt = 2*v1 - v2/volume + rest.

A network explains what drives a species by its rates. SBML files with rate rules often define those as assignment
rules and add them up in the rate rules; where they occur nowhere else, they are the network's rates.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Collection
from dataclasses import dataclass

_ONE = ast.Constant(1)


class NotLinear(Exception):
    """Some of the names occur in another way than as factor of a term; `names` are these."""

    def __init__(self, names: set[str]) -> None:
        super().__init__(", ".join(sorted(names)))
        self.names = names


@dataclass(frozen=True)
class LinearForm:
    """Terms (coefficient, name), and terms without any of the names."""

    terms: tuple[tuple[ast.expr, str], ...] = ()
    rest: tuple[ast.expr, ...] = ()

    def __add__(self, other: LinearForm) -> LinearForm:
        return LinearForm(self.terms + other.terms, self.rest + other.rest)

    def scaled(self, by: Callable[[ast.expr], ast.expr]) -> LinearForm:
        """Every coefficient and every other term changed in the same way."""
        return LinearForm(tuple((by(factor), name) for factor, name in self.terms), tuple(map(by, self.rest)))


def linear_form(formula: str, names: Collection[str]) -> LinearForm:
    """Write a formula as a sum of coefficients times names and a rest.

    Raises:
        NotLinear: it is no such sum.
    """
    return _form(ast.parse(formula, mode="eval").body, names)


def _form(node: ast.expr, names: Collection[str]) -> LinearForm:
    used = _used(node, names)
    if not used:
        return LinearForm(rest=(node,))
    match node:
        case ast.Name(id=name):
            return LinearForm(terms=((_ONE, name),))
        case ast.UnaryOp(op=ast.USub(), operand=operand):
            return _form(operand, names).scaled(_negative)
        case ast.BinOp(op=ast.Add(), left=left, right=right):
            return _form(left, names) + _form(right, names)
        case ast.BinOp(op=ast.Sub(), left=left, right=right):
            return _form(left, names) + _form(right, names).scaled(_negative)
        case ast.BinOp(op=ast.Mult(), left=left, right=right) if not _used(left, names):
            return _form(right, names).scaled(lambda factor: _product(left, factor))
        case ast.BinOp(op=ast.Mult(), left=left, right=right) if not _used(right, names):
            return _form(left, names).scaled(lambda factor: _product(factor, right))
        case ast.BinOp(op=ast.Div(), left=left, right=right) if not _used(right, names):
            return _form(left, names).scaled(lambda factor: ast.BinOp(factor, ast.Div(), right))
        case _:
            raise NotLinear(used)


def _negative(node: ast.expr) -> ast.expr:
    return ast.UnaryOp(ast.USub(), node)


def _product(left: ast.expr, right: ast.expr) -> ast.expr:
    if left is _ONE or right is _ONE:
        return right if left is _ONE else left
    return ast.BinOp(left, ast.Mult(), right)


def _used(node: ast.expr, names: Collection[str]) -> set[str]:
    return {part.id for part in ast.walk(node) if isinstance(part, ast.Name) and part.id in names}
