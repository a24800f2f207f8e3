"""Writes expressions as statements of a programming language; compiles them for Python over arrays or floats.

The statements (``t7 = t3 * t5``) are valid Python and valid Julia.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from .expression import Graph, Node, Op

NUMPY_FUNCTIONS = {"exp": np.exp, "log": np.log, "sqrt": np.sqrt}
FLOAT_FUNCTIONS = {"exp": math.exp, "log": math.log, "sqrt": math.sqrt}

_FORMS = {Op.ADD: "{} + {}", Op.SUB: "{} - {}", Op.MUL: "{} * {}", Op.RECIPROCAL: "1.0 / {}"}


def statements(graph: Graph, sources: Mapping[int, str], targets: Sequence[tuple[str, int]]) -> list[str]:
    """Assignments that compute some nodes.

    Args:
        graph: holds the expressions.
        sources: text that reads the value of a node, for symbols and for nodes that are known already.
        targets: (text that is assigned to, node).
    """
    lines, text = [], {}
    for number in _needed(graph, sources, [node for _, node in targets]):
        node = graph.nodes[number]
        if node.op is Op.CONSTANT:
            text[number] = repr(node.value)
        else:
            text[number] = f"t{number}"
            lines.append(f"    t{number} = {sources.get(number) or _operation(node, text)}")
    return lines + [f"    {target} = {text[node]}" for target, node in targets]


def compile_outputs(
    graph: Graph, symbols: Sequence[int], outputs: Sequence[int], functions: Mapping[str, Callable[[Any], Any]]
) -> Callable[[Any, Any], None]:
    """Compile expressions to the Python function ``function(values, results)``.

    Args:
        graph: holds the expressions.
        symbols: node of each entry of ``values`` (floats, or arrays over cells).
        outputs: node of each entry of ``results``, which the function assigns.
        functions: exp, log and sqrt for the kind of value.
    """
    sources = {node: f"values[{i}]" for i, node in enumerate(symbols)}
    targets = [(f"results[{i}]", node) for i, node in enumerate(outputs)]
    lines = ["def function(values, results):", *statements(graph, sources, targets), "    return"]
    scope: dict[str, Any] = dict(functions)
    exec(compile("\n".join(lines), "<generated equations>", "exec"), scope)
    return scope["function"]


def _needed(graph: Graph, sources: Mapping[int, str], outputs: Sequence[int]) -> list[int]:
    """Nodes to evaluate, in order: what the outputs need, not looking behind the sources."""
    needed, open_nodes = set(), list(outputs)
    while open_nodes:
        node = open_nodes.pop()
        if node not in needed:
            needed.add(node)
            open_nodes.extend(() if node in sources else graph.nodes[node].arguments)
    return sorted(needed)


def _operation(node: Node, text: Mapping[int, str]) -> str:
    arguments = [text[a] for a in node.arguments]
    return _FORMS.get(node.op, f"{node.op.value}({{}})").format(*arguments)
