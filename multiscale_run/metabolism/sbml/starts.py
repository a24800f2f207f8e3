"""Values at the start of a model: initial assignments, and assignments that others depend on."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping

from ..expression import Graph
from ..parse import build, names_in
from .contents import Contents


def in_order(formulas: Mapping[str, str]) -> tuple[list[str], list[str]]:
    """Names sorted so that each formula comes after those it reads; otherwise in the given order.

    Returns:
        The sorted names, and those that depend on themselves.
    """
    done: dict[str, None] = {}
    circular: list[str] = []
    reads = {name: [n for n in formulas if n in used] for name, used in _names(formulas)}
    for start in formulas:
        waiting = [start]
        # a name is on the stack twice while what it reads comes first
        entered: set[str] = set()
        while waiting:
            name = waiting[-1]
            missing = [n for n in reads[name] if n not in done]
            if name in done or not missing:
                done.setdefault(waiting.pop())
            elif name in entered:
                circular.append(name)
                done.setdefault(waiting.pop())
            else:
                entered.add(name)
                waiting.extend(reversed(missing))
    return [*done], circular


def _names(formulas: Mapping[str, str]) -> Iterator[tuple[str, set[str]]]:
    return ((name, names_in(text)) for name, text in formulas.items())


def start_values(contents: Contents) -> tuple[dict[str, float], list[str]]:
    """Number of every variable at the start.

    Returns:
        Values by name, and what is wrong with the others.
    """
    formulas = {**contents.assignments, **contents.starts}
    values = {v.id: v.value for v in contents.variables if v.value is not None and v.id not in formulas}
    problems = []
    order, circular = in_order(formulas)
    if circular:
        return values, [f"{', '.join(circular)} depend on themselves"]
    for name in order:
        used = names_in(formulas[name])
        missing = sorted(used.difference(values))
        if missing:
            problems.append(f"{name!r} needs {', '.join(missing)}, which has no value")
            continue
        graph = Graph()
        try:
            value = graph.value(build(graph, formulas[name], {n: graph.constant(values[n]) for n in used}))
        except (ArithmeticError, ValueError):
            value = math.nan
        if value is None or not math.isfinite(value):
            problems.append(f"the value of {name!r} at the start is undefined ({formulas[name]})")
        else:
            values[name] = value
    return values, problems
