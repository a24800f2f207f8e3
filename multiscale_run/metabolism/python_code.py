"""Generates plain Python from an expression graph: over NumPy arrays for many cells, over floats for one."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from .expression import Graph, Node, Op

NUMPY_FUNCTIONS = {"exp": np.exp, "log": np.log, "sqrt": np.sqrt}
FLOAT_FUNCTIONS = {"exp": math.exp, "log": math.log, "sqrt": math.sqrt}

_FORMS = {Op.ADD: "{} + {}", Op.SUB: "{} - {}", Op.MUL: "{} * {}", Op.RECIPROCAL: "1.0 / {}"}


def compile_outputs(
    graph: Graph, symbols: Sequence[int], outputs: Sequence[int], functions: Mapping[str, Callable[[Any], Any]]
) -> Callable[[Any, Any], None]:
    """Compile expressions to ``function(values, results)``.

    Args:
        graph: holds the expressions.
        symbols: node of each entry of ``values`` (floats, or arrays over cells).
        outputs: node of each entry of ``results``, which the function assigns.
        functions: exp, log and sqrt for the kind of value.
    """
    place = {node: f"values[{i}]" for i, node in enumerate(symbols)}
    lines, text = ["def function(values, results):"], {}
    for number in graph.reachable(outputs):
        node = graph.nodes[number]
        if node.op is Op.CONSTANT:
            text[number] = repr(node.value)
        else:
            text[number] = f"t{number}"
            lines.append(f"    t{number} = {place[number] if node.op is Op.SYMBOL else _operation(node, text)}")
    lines += [f"    results[{i}] = {text[number]}" for i, number in enumerate(outputs)] or ["    pass"]
    scope: dict[str, Any] = {**functions, "inf": math.inf, "nan": math.nan}
    exec(compile("\n".join(lines), "<generated equations>", "exec"), scope)
    return scope["function"]


def _operation(node: Node, text: Mapping[int, str]) -> str:
    arguments = [text[a] for a in node.arguments]
    return _FORMS.get(node.op, f"{node.op.value}({{}})").format(*arguments)
