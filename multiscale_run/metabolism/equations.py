"""Turns a network into equations: one expression graph with derivatives, rates and the sparse Jacobian."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from .differentiate import Differentiator
from .expression import Graph
from .network import Formula, Network, NetworkError, Term
from .parse import build


@dataclass(frozen=True)
class Equations:
    """The differential equations of a network as nodes of one graph.

    Attributes:
        network: where they come from.
        graph: holds every expression.
        symbols: node of each species slot and, after them, of each input.
        rates: node of each rate, in the network's order.
        derivatives: node of d(species)/dt for each dynamic slot, in ascending slot order.
        contributions: slot -> (rate id, node of coefficient * rate) of every term of its equation.
    """

    network: Network
    graph: Graph
    symbols: tuple[int, ...]
    rates: tuple[int, ...]
    derivatives: tuple[int, ...]
    contributions: dict[int, tuple[tuple[str, int], ...]]

    @property
    def states(self) -> tuple[int, ...]:
        """Symbol of each dynamic species, in the order of `derivatives`."""
        return tuple(self.symbols[slot] for slot in self.network.dynamic_slots)

    @cached_property
    def jacobian(self) -> Jacobian:
        """Structural non-zeros of d(derivatives)/d(states), by columns."""
        differentiator = Differentiator(self.graph, self.states)
        zero = self.graph.constant(0.0)
        rows, columns, nodes = [], [], []
        for j, state in enumerate(self.states):
            for i, derivative in enumerate(self.derivatives):
                node = differentiator.derivative(derivative, state)
                if node != zero:
                    rows.append(i)
                    columns.append(j)
                    nodes.append(node)
        return Jacobian(len(self.states), np.array(rows), np.array(columns), tuple(nodes))


@dataclass(frozen=True)
class Jacobian:
    """A sparse matrix of nodes in column order.

    Attributes:
        size: rows and columns.
        rows: row of each entry.
        columns: column of each entry, ascending, rows ascending within a column.
        nodes: node of each entry's value.
    """

    size: int
    rows: np.ndarray
    columns: np.ndarray
    nodes: tuple[int, ...]

    @property
    def column_pointers(self) -> np.ndarray:
        """Start of each column in the entry arrays, shape (size + 1,): compressed sparse column format."""
        return np.searchsorted(self.columns, np.arange(self.size + 1))


def build_equations(network: Network) -> Equations:
    """Write the network's equations as one expression graph."""
    graph = Graph()
    names = {species.id: graph.symbol(species.id) for species in network.species}
    names.update({given.id: graph.symbol(given.id) for given in network.inputs})
    symbols = tuple(names.values())
    names.update({parameter.id: graph.constant(parameter.value) for parameter in network.parameters})
    for assignment in network.assignments:
        names[assignment.id] = _formula(graph, assignment, names)
    rates = {rate.id: _formula(graph, rate, names) for rate in network.rates}
    for name, multiplier in network.multipliers.items():
        rates[name] = graph.mul(rates[name], _formula(graph, multiplier, names))
    derivatives, contributions = _assemble(graph, network, names, rates)
    return Equations(network, graph, symbols, tuple(rates.values()), derivatives, contributions)


def _assemble(
    graph: Graph, network: Network, names: dict[str, int], rates: dict[str, int]
) -> tuple[tuple[int, ...], dict[int, tuple[tuple[str, int], ...]]]:
    """Sum the stoichiometric terms; those that share a state-dependent factor are summed first and scaled once."""
    groups: dict[str, dict[int, list[int]]] = defaultdict(lambda: defaultdict(list))
    contributions: dict[int, tuple[tuple[str, int], ...]] = defaultdict(tuple)
    for term in network.terms:
        coefficient = _formula(graph, term, names)
        factor, rest = graph.split(coefficient)
        groups[term.species][rest].append(graph.scale(factor, rates[term.rate]))
        contributions[network.slot(term.species)] += ((term.rate, graph.mul(coefficient, rates[term.rate])),)
    derivatives = tuple(
        graph.sum(graph.mul(rest, graph.sum(terms)) for rest, terms in groups[network.species[slot].id].items())
        for slot in network.dynamic_slots
    )
    return derivatives, dict(contributions)


def _formula(graph: Graph, source: Formula | Term, names: dict[str, int]) -> int:
    """Add a table's formula; parameters that make it undefined are an error of that place."""
    text = source.expression if isinstance(source, Formula) else source.coefficient
    try:
        return build(graph, text, names)
    except (ArithmeticError, ValueError) as error:
        raise NetworkError(f"{source.place}: {text!r} is undefined with the given parameters ({error})") from None
