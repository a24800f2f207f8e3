"""Symbolic differentiation on the expression graph (forward mode, memoised per node and symbol)."""

from __future__ import annotations

from collections.abc import Sequence

from .expression import Graph, Op


class Differentiator:
    """Derivatives of nodes of one graph with respect to a fixed list of symbols.

    Products with a reciprocal use (a/b)' = (a' - (a/b) b')/b, so a quotient's partials cost no further division.
    """

    def __init__(self, graph: Graph, symbols: Sequence[int]) -> None:
        self.graph = graph
        self._bit = {node: 1 << i for i, node in enumerate(symbols)}
        self._dependence: dict[int, int] = {}
        self._done: dict[tuple[int, int], int] = {}

    def dependence(self, node: int) -> int:
        """Bit set of the symbols that a node reads, by position in the list."""
        found = self._dependence.get(node)
        if found is None:
            found = self._bit.get(node, 0)
            for argument in self.graph.nodes[node].arguments:
                found |= self.dependence(argument)
            self._dependence[node] = found
        return found

    def derivative(self, node: int, symbol: int) -> int:
        """d(node)/d(symbol) as a node; the constant 0 where it does not depend."""
        if node == symbol:
            return self.graph.constant(1.0)
        if not self.dependence(node) & self._bit[symbol]:
            return self.graph.constant(0.0)
        key = (node, symbol)
        if key not in self._done:
            self._done[key] = self._rule(node, symbol)
        return self._done[key]

    def _rule(self, node: int, symbol: int) -> int:
        graph, arguments = self.graph, self.graph.nodes[node].arguments
        inner = [self.derivative(a, symbol) for a in arguments]
        match graph.nodes[node].op:
            case Op.ADD:
                return graph.add(*inner)
            case Op.SUB:
                return graph.sub(*inner)
            case Op.MUL:
                return self._product(node, symbol)
            case Op.RECIPROCAL:
                return graph.scale(-1.0, graph.mul(graph.mul(node, node), inner[0]))
            case Op.SQRT:
                return graph.scale(0.5, graph.mul(inner[0], graph.reciprocal(node)))
            case Op.EXP:
                return graph.mul(node, inner[0])
            case Op.LOG:
                return graph.mul(inner[0], graph.reciprocal(arguments[0]))
        raise AssertionError(f"no rule for {graph.nodes[node].op}")

    def _product(self, node: int, symbol: int) -> int:
        graph = self.graph
        a, b = graph.nodes[node].arguments
        for factor, reciprocal in ((a, b), (b, a)):
            if graph.nodes[reciprocal].op is Op.RECIPROCAL:
                below = self.derivative(graph.nodes[reciprocal].arguments[0], symbol)
                above = graph.sub(self.derivative(factor, symbol), graph.mul(node, below))
                return graph.mul(reciprocal, above)
        return graph.add(graph.mul(self.derivative(a, symbol), b), graph.mul(a, self.derivative(b, symbol)))
