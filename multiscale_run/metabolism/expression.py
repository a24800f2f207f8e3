"""Expression graph: hash-consed scalar operations in static single assignment order.

A node is an integer; operands always have smaller numbers than the node that uses them, so the order of numbers is an
order of evaluation. Equal expressions are one node (hash-consing), which is all the common-subexpression elimination
there is. Quotients are a product with a reciprocal, so that a rate and all its partial derivatives share one division.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum


class Op(StrEnum):
    """Operation of a node."""

    CONSTANT = "constant"
    SYMBOL = "symbol"
    ADD = "add"
    SUB = "sub"
    MUL = "mul"
    RECIPROCAL = "reciprocal"
    SQRT = "sqrt"
    EXP = "exp"
    LOG = "log"


_FUNCTIONS = {Op.SQRT: math.sqrt, Op.EXP: math.exp, Op.LOG: math.log}
_LARGEST_EXPANDED_POWER = 8


@dataclass(frozen=True, slots=True)
class Node:
    """One operation; `arguments` are node numbers, `value` is a number (constant) or a name (symbol)."""

    op: Op
    arguments: tuple[int, ...] = ()
    value: float | str | None = None


class Graph:
    """Builds expressions; every method returns the number of a node."""

    def __init__(self) -> None:
        self.nodes: list[Node] = []
        self._numbers: dict[Node, int] = {}

    def constant(self, value: float) -> int:
        """A number known when code is generated."""
        return self._intern(Node(Op.CONSTANT, value=float(value)))

    def symbol(self, name: str) -> int:
        """A quantity known when code runs."""
        return self._intern(Node(Op.SYMBOL, value=name))

    def value(self, node: int) -> float | None:
        """The number of a constant node, None for any other."""
        found = self.nodes[node]
        return found.value if found.op is Op.CONSTANT else None  # type: ignore[return-value]

    def add(self, a: int, b: int) -> int:
        """a + b; a negated product becomes a subtraction."""
        x, y = self.value(a), self.value(b)
        if x is not None and y is not None:
            return self.constant(x + y)
        if x == 0.0:
            return b
        if y == 0.0:
            return a
        for plain, other in ((a, b), (b, a)):
            factor, rest = self.split(other)
            if factor == -1.0:
                return self.sub(plain, rest)
        return self._intern(Node(Op.ADD, (min(a, b), max(a, b))))

    def sub(self, a: int, b: int) -> int:
        """a - b."""
        x, y = self.value(a), self.value(b)
        if x is not None and y is not None:
            return self.constant(x - y)
        if y == 0.0:
            return a
        if a == b:
            return self.constant(0.0)
        if x == 0.0:
            return self.scale(-1.0, b)
        return self._intern(Node(Op.SUB, (a, b)))

    def mul(self, a: int, b: int) -> int:
        """a * b; constant factors float to the front, where they meet and fold."""
        (factor_a, rest_a), (factor_b, rest_b) = self.split(a), self.split(b)
        one = self.constant(1.0)
        if rest_a == one:
            return self.scale(factor_a * factor_b, rest_b)
        if rest_b == one:
            return self.scale(factor_a * factor_b, rest_a)
        product = self._intern(Node(Op.MUL, (min(rest_a, rest_b), max(rest_a, rest_b))))
        return self.scale(factor_a * factor_b, product)

    def scale(self, factor: float, a: int) -> int:
        """factor * a for a number known now."""
        inner, rest = self.split(a)
        factor *= inner
        value = self.value(rest)
        if value is not None:
            return self.constant(factor * value)
        if factor == 0.0:
            return self.constant(0.0)
        return rest if factor == 1.0 else self._intern(Node(Op.MUL, (self.constant(factor), rest)))

    def split(self, node: int) -> tuple[float, int]:
        """Write a node as (number, rest); the rest of a constant is the constant 1."""
        value = self.value(node)
        if value is not None:
            return value, self.constant(1.0)
        found = self.nodes[node]
        if found.op is Op.MUL and (factor := self.value(found.arguments[0])) is not None:
            return factor, found.arguments[1]
        return 1.0, node

    def reciprocal(self, a: int) -> int:
        """1 / a; ZeroDivisionError when a is the number 0."""
        factor, rest = self.split(a)
        value = self.value(rest)
        if value is not None:
            return self.constant(1.0 / (factor * value))
        return self.scale(1.0 / factor, self._intern(Node(Op.RECIPROCAL, (rest,))))

    def power(self, base: int, exponent: float) -> int:
        """base ** exponent; whole and half powers become products and a square root."""
        exponent, value = float(exponent), self.value(base)
        if value is not None:
            return self.constant(value**exponent)
        if exponent < 0.0 and exponent >= -_LARGEST_EXPANDED_POWER and (2.0 * exponent).is_integer():
            return self.reciprocal(self.power(base, -exponent))
        if exponent <= _LARGEST_EXPANDED_POWER and (2.0 * exponent).is_integer():
            whole = self._whole_power(base, int(exponent))
            return whole if exponent.is_integer() else self.mul(whole, self.sqrt(base))
        if exponent == 0.25:
            return self.sqrt(self.sqrt(base))
        return self.exp(self.scale(exponent, self.log(base)))

    def sqrt(self, a: int) -> int:
        """Square root."""
        return self._function(Op.SQRT, a)

    def exp(self, a: int) -> int:
        """Exponential."""
        return self._function(Op.EXP, a)

    def log(self, a: int) -> int:
        """Natural logarithm."""
        return self._function(Op.LOG, a)

    def sum(self, terms: Iterable[int]) -> int:
        """Sum of nodes from left to right; the constant 0 for none."""
        total = self.constant(0.0)
        for term in terms:
            total = self.add(total, term)
        return total

    def reachable(self, outputs: Iterable[int]) -> list[int]:
        """All nodes that the outputs need, in order of evaluation."""
        needed, open_nodes = set(), list(outputs)
        while open_nodes:
            node = open_nodes.pop()
            if node not in needed:
                needed.add(node)
                open_nodes.extend(self.nodes[node].arguments)
        return sorted(needed)

    def _whole_power(self, base: int, exponent: int) -> int:
        """Repeated squaring: the least significant bit decides whether a factor is taken."""
        result = self.constant(1.0)
        while exponent:
            if exponent & 1:
                result = self.mul(result, base)
            exponent >>= 1
            if exponent:
                base = self.mul(base, base)
        return result

    def _function(self, op: Op, a: int) -> int:
        value = self.value(a)
        if value is not None:
            return self.constant(_FUNCTIONS[op](value))
        return self._intern(Node(op, (a,)))

    def _intern(self, node: Node) -> int:
        number = self._numbers.get(node)
        if number is None:
            number = self._numbers[node] = len(self.nodes)
            self.nodes.append(node)
        return number
