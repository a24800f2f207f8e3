"""Reads MathML, as libSBML parses it, into formulas of the tables."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

# how strongly the parts of a formula hold together, weakest first
_SUM, _PRODUCT, _SIGN, _POWER, _ATOM = range(5)


_FUNCTIONS = {
    "exp": ("exp({0})", _ATOM),
    "ln": ("log({0})", _ATOM),
    "sinh": ("(exp({0}) - exp(-({0})))/2", _PRODUCT),
    "cosh": ("(exp({0}) + exp(-({0})))/2", _PRODUCT),
    "tanh": ("1 - 2/(exp(2*({0})) + 1)", _SUM),
    "abs": ("sqrt(({0})**2)", _ATOM),
}

Text = tuple[str, int]


class Unsupported(Exception):
    """Mathematics that the tables have no notation for; the message names the constructs."""


class FormulaReader:
    """Turns syntax trees of libSBML into formulas.

    Args:
        libsbml: the module.
        rename: the tables' name of an SBML identifier.
        clock: the tables' name of the model's time.
    """

    def __init__(self, libsbml: Any, rename: Callable[[str], str], clock: Callable[[], str]) -> None:
        self._rename = rename
        self._foreign: dict[str, None] = {}
        self._terms = {libsbml.AST_PLUS: " + ", libsbml.AST_MINUS: " - "}
        self._factors = {libsbml.AST_TIMES: "*", libsbml.AST_DIVIDE: "/"}
        self._kinds = {
            libsbml.AST_PLUS: self._sum,
            libsbml.AST_MINUS: self._difference,
            libsbml.AST_TIMES: self._product,
            libsbml.AST_DIVIDE: self._product,
            libsbml.AST_POWER: self._power,
            libsbml.AST_FUNCTION_POWER: self._power,
            libsbml.AST_FUNCTION_ROOT: self._root,
            libsbml.AST_FUNCTION_LOG: self._logarithm,
            libsbml.AST_INTEGER: lambda node: self._number(node.getInteger()),
            libsbml.AST_REAL: lambda node: self._number(node.getReal()),
            # mantissa and exponent apart, because their product would be rounded once more
            libsbml.AST_REAL_E: lambda node: self._number(float(f"{node.getMantissa()!r}e{node.getExponent()}")),
            libsbml.AST_RATIONAL: lambda node: (f"{node.getNumerator()}/{node.getDenominator()}", _PRODUCT),
            libsbml.AST_CONSTANT_PI: lambda node: self._number(math.pi),
            libsbml.AST_CONSTANT_E: lambda node: self._number(math.e),
            libsbml.AST_NAME_AVOGADRO: lambda node: self._number(node.getReal()),
            libsbml.AST_NAME: lambda node: (self._rename(node.getName()), _ATOM),
            libsbml.AST_NAME_TIME: lambda node: (clock(), _ATOM),
        }

    def formula(self, node: Any) -> str:
        """Formula of a tree.

        Raises:
            Unsupported: it uses anything beyond arithmetic, powers, exponentials and logarithms.
        """
        self._foreign.clear()
        text, _ = self._text(node)
        if self._foreign:
            raise Unsupported(" and ".join(self._foreign))
        return text

    def _text(self, node: Any) -> Text:
        read = self._kinds.get(node.getType())
        if read is not None:
            return read(node)
        name = node.getOperatorName() or node.getName() or "an unknown construct"
        if name not in _FUNCTIONS or node.getNumChildren() != 1:
            return self._refused(name)
        pattern, strength = _FUNCTIONS[name]
        return pattern.format(self._held(node.getChild(0), _SUM)), strength

    def _refused(self, construct: str) -> Text:
        """Remember a construct that has no notation; what stands for it is never used."""
        self._foreign[construct] = None
        return "0", _ATOM

    def _children(self, node: Any) -> list[Any]:
        return [node.getChild(i) for i in range(node.getNumChildren())]

    def _held(self, node: Any, strength: int) -> str:
        """Text of a part, in parentheses when it holds together less than its place asks."""
        text, own = self._text(node)
        return text if own >= strength else f"({text})"

    def _chain(self, node: Any, signs: dict[int, str], strength: int) -> Text:
        """Terms or factors from left to right; libSBML nests long chains deeply to the left."""
        parts: list[tuple[str, Any]] = []
        while node.getType() in signs and node.getNumChildren() > 1:
            sign = signs[node.getType()]
            first, *rest = self._children(node)
            parts[:0] = [(sign, child) for child in rest]
            node = first
        head = self._held(node, strength)
        return head + "".join(sign + self._held(child, strength + 1) for sign, child in parts), strength

    def _sum(self, node: Any) -> Text:
        return self._chain(node, self._terms, _SUM) if node.getNumChildren() > 1 else self._single(node, "0")

    def _product(self, node: Any) -> Text:
        return self._chain(node, self._factors, _PRODUCT) if node.getNumChildren() > 1 else self._single(node, "1")

    def _single(self, node: Any, neutral: str) -> Text:
        """A sum or product of one part, or of none."""
        return self._text(node.getChild(0)) if node.getNumChildren() else (neutral, _ATOM)

    def _difference(self, node: Any) -> Text:
        if node.getNumChildren() > 1:
            return self._chain(node, self._terms, _SUM)
        return f"-{self._held(node.getChild(0), _SIGN)}", _SIGN

    def _power(self, node: Any) -> Text:
        base, exponent = self._children(node)
        return f"{self._held(base, _ATOM)}**{self._held(exponent, _SIGN)}", _POWER

    def _root(self, node: Any) -> Text:
        *degree, radicand = self._children(node)
        order = self._held(degree[0], _ATOM) if degree else "2"
        if order in ("2", "2.0"):
            return f"sqrt({self._held(radicand, _SUM)})", _ATOM
        return f"{self._held(radicand, _ATOM)}**(1/{order})", _POWER

    def _logarithm(self, node: Any) -> Text:
        *base, argument = self._children(node)
        basis = self._held(base[0], _SUM) if base else "10"
        return f"log({self._held(argument, _SUM)})/log({basis})", _PRODUCT

    def _number(self, value: float) -> Text:
        if not math.isfinite(value):
            return self._refused(f"the number {value}")
        return repr(value), _SIGN if math.copysign(1.0, value) < 0.0 else _ATOM
