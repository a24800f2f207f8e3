"""``${key}`` in values: replaced by the value of that key in the same section or an enclosing one."""

from __future__ import annotations

import copy
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

from mpi_coupling.settings.problems import Finding, KeyPath, nearest
from multiscale_run.config.document import SECTION, Document

_REFERENCE = re.compile(r"\$\{([^{}]*)\}")
_PACKAGE = Path(__file__).resolve().parents[1]
PREDEFINED = {"pkg_path": str(_PACKAGE), "pkg_data_path": str(_PACKAGE / "data")}
"""Names that every configuration may refer to: the installed package's folder and its data."""


class _ReferenceError(Exception):
    """A reference that cannot be resolved; its text is the message for the user."""

    def __init__(self, message: str, suggestion: str | None = None) -> None:
        super().__init__(message)
        self.suggestion = suggestion


def substitute(document: Document) -> tuple[Document, list[Finding]]:
    """Resolve the references of the ``multiscale_run`` section.

    SONATA's own keys are left alone, other programs read them from the file as they are.

    Returns:
        The document with resolved values, and a finding for each value with an unknown name or a cycle (which keeps
        its text).
    """
    data = copy.deepcopy(document.data)
    findings = []
    for path, text in _strings(document.data.get(SECTION), (SECTION,)):
        try:
            _assign(data, path, _resolve(document, path, text, (path,)))
        except _ReferenceError as error:
            findings.append(Finding(path, str(error), error.suggestion))
    return replace(document, data=data), findings


def _strings(node: Any, path: KeyPath) -> Iterator[tuple[KeyPath, str]]:
    if isinstance(node, str) and _REFERENCE.search(node):
        yield path, node
    items = node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ()
    for key, value in items:
        yield from _strings(value, (*path, key))


def _resolve(document: Document, path: KeyPath, text: str, trail: tuple[KeyPath, ...]) -> str:
    def replacement(match: re.Match[str]) -> str:
        name = match[1]
        target = _find(document, path, name)
        if target is None:
            return PREDEFINED[name]
        if target in trail:
            cycle = " -> ".join(str(place[-1]) for place in (*trail, target))
            raise _ReferenceError(f"refers to itself: {cycle}")
        value = document.value(target)
        if isinstance(value, dict | list) or value is None:
            raise _ReferenceError(f"${{{name}}} is not a single value")
        return _resolve(document, target, value, (*trail, target)) if isinstance(value, str) else str(value)

    return _REFERENCE.sub(replacement, text)


def _find(document: Document, path: KeyPath, name: str) -> KeyPath | None:
    """Place of a name seen from a path: innermost section first; None for a predefined name."""
    visible: list[str] = list(PREDEFINED)
    for length in range(len(path) - 1, -1, -1):
        section = document.value(path[:length])
        if not isinstance(section, dict):
            continue
        if name in section:
            return (*path[:length], name)
        visible += section
    if name in PREDEFINED:
        return None
    raise _ReferenceError(f"${{{name}}} is not a key of this section or an enclosing one", nearest(name, visible))


def _assign(data: Any, path: KeyPath, value: str) -> None:
    for part in path[:-1]:
        data = data[part]
    data[path[-1]] = value
