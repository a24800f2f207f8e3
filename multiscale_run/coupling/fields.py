"""Fields: the quantities a simulator lets a configuration read and write.

A simulator marks a method with :func:`readable` or :func:`writable`; only marked methods can be named in a
configuration. The keyword-only parameters of the method are the arguments a connection may pass; their annotations are
what ``check`` tests them against, so there is no second list to keep.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar, get_type_hints

from multiscale_run.config.registry import FieldInfo

Unit = str | Callable[[Mapping[str, Any]], str]
"""Unit of a field, or what gives it from the arguments of the configuration."""

Method = TypeVar("Method", bound=Callable[..., Any])

READER = "reader"
"""Parameter by which a field learns which connection reads it; never given by the user."""


@dataclass(frozen=True)
class Field:
    """A registered field of a simulator class.

    Attributes:
        name: the method's name, as written in configurations.
        domain: name of the domain its values live on.
        writable: True for setters, False for getters.
        arguments: type hint of each argument a connection may pass.
        required: names of the arguments that have no default.
        knows_reader: whether the method wants to know which connection reads it.
        unit: of its values; see :meth:`unit_for`.
    """

    name: str
    domain: str
    writable: bool
    arguments: Mapping[str, Any]
    required: frozenset[str]
    knows_reader: bool
    unit: Unit = ""

    def unit_for(self, arguments: Mapping[str, Any]) -> str:
        """The unit of the values for the arguments of a configuration; empty for numbers without unit."""
        return self.unit if isinstance(self.unit, str) else self.unit(arguments)


def readable(domain: str, unit: Unit = "") -> Callable[[Method], Method]:
    """Mark a method ``get_x(self, *, ...) -> Sample | array`` as a field of a domain that can be read."""
    return _mark(domain, writable=False, unit=unit)


def writable(domain: str, unit: Unit = "") -> Callable[[Method], Method]:
    """Mark a method ``set_x(self, values, *, ...)`` as a field of a domain that can be written."""
    return _mark(domain, writable=True, unit=unit)


def _mark(domain: str, writable: bool, unit: Unit) -> Callable[[Method], Method]:
    def decorate(method: Method) -> Method:
        method.__field__ = (domain, writable, unit)  # type: ignore[attr-defined]
        return method

    return decorate


def fields_of(simulator: type) -> dict[str, Field]:
    """All fields of a simulator class, by name. Needs no engine: only the class is looked at."""
    found = {}
    for name, method in inspect.getmembers(simulator, inspect.isfunction):
        if hasattr(method, "__field__"):
            found[name] = _describe(name, method, *method.__field__)
    return found


def _describe(name: str, method: Callable[..., Any], domain: str, is_writable: bool, unit: Unit) -> Field:
    hints = get_type_hints(method)
    keywords = [p for p in inspect.signature(method).parameters.values() if p.kind is p.KEYWORD_ONLY]
    public = [p for p in keywords if p.name != READER]
    return Field(
        name=name,
        domain=domain,
        writable=is_writable,
        arguments={p.name: hints.get(p.name, Any) for p in public},
        required=frozenset(p.name for p in public if p.default is p.empty),
        knows_reader=any(p.name == READER for p in keywords),
        unit=unit,
    )


def registry(simulators: Mapping[str, type]) -> dict[str, dict[str, FieldInfo]]:
    """The table that configuration checks look field names and arguments up in.

    Args:
        simulators: simulator class by the name used in configurations.
    """
    return {
        name: {
            field.name: FieldInfo(
                readable=not field.writable,
                writable=field.writable,
                arguments=field.arguments,
                required=field.required,
            )
            for field in fields_of(cls).values()
        }
        for name, cls in simulators.items()
    }
