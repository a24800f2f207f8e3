"""Types, bounds and unknown keys: what pydantic finds, said in the words of the user."""

from __future__ import annotations

import re
import types
from collections.abc import Iterator, Mapping
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel, ValidationError
from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails

from mpi_coupling.settings.problems import Finding, KeyPath, nearest, unknown_name

MESSAGES: Mapping[str, str] = {
    "missing": "is missing",
    "extra_forbidden": "is not a key of this section",
    "bool_type": "must be true or false",
    "int_type": "must be a whole number",
    "int_from_float": "must be a whole number",
    "float_type": "must be a number",
    "finite_number": "must be a finite number",
    "string_type": "must be text in quotes",
    "string_too_short": "must not be empty",
    "list_type": "must be a list [...]",
    "dict_type": "must be an object {{...}}",
    "model_type": "must be an object {{...}}",
    "greater_than": "must be > {gt:g}",
    "greater_than_equal": "must be >= {ge:g}",
    "less_than": "must be < {lt:g}",
    "less_than_equal": "must be <= {le:g}",
    "too_short": "must have {min_length} values, has {actual_length}",
    "too_long": "must have {max_length} values, has {actual_length}",
}
"""Message by pydantic's error type; a type that is not here brings its own."""


def findings_of(error: ValidationError, root: type[BaseModel]) -> list[Finding]:
    """Everything that is wrong with a document, from pydantic's report on it.

    Args:
        error: the report.
        root: the model that the document was compared with; its keys are what unknown ones are compared with.
    """
    return [_finding(details, root) for details in error.errors(include_url=False)]


def path_of(details: ErrorDetails) -> KeyPath:
    """Place in the document; without the marks that pydantic adds for dictionary keys and alternatives."""
    return tuple(part for part in details["loc"] if part != "[key]" and not str(part).startswith("<"))


def _finding(details: ErrorDetails, root: type[BaseModel]) -> Finding:
    path, kind, context = path_of(details), details["type"], details.get("ctx", {})
    if kind == "extra_forbidden":
        return unknown_name(path, path[-1], MESSAGES[kind], _keys_at(path[:-1], root))
    if kind == "unknown_name":
        return unknown_name(path, path[-1], details["msg"], context["allowed"])
    if kind == "literal_error":
        return _wrong_choice(path, details)
    message = MESSAGES[kind].format(**context) if kind in MESSAGES else details["msg"]
    return Finding(path, message)


def _wrong_choice(path: KeyPath, details: ErrorDetails) -> Finding:
    options = re.findall(r"'[^']*'|\d+", details["ctx"]["expected"])
    names = [option.strip("'") for option in options]
    if details["loc"][-1] == "[key]":
        return unknown_name(path, path[-1], "is not a name known here", names)
    shown = ", ".join(option.replace("'", '"') for option in options)
    return Finding(path, f"must be one of {shown}", nearest(details["input"], names))


def _keys_at(path: KeyPath, root: type[BaseModel]) -> list[str]:
    sections: list[Any] = [root]
    for part in path:
        sections = [inner for section in sections for inner in _inside(section, part)]
    return [name for section in sections if _is_model(section) for name in _fields(section)]


def _fields(model: type[BaseModel]) -> dict[str, FieldInfo]:
    """Fields by the names that files use."""
    return {field.alias or name: field for name, field in model.model_fields.items()}


def _inside(annotation: Any, part: str | int) -> Iterator[Any]:
    """Types a key or index of a value of the annotated type may have, with alternatives spread out."""
    if _is_model(annotation):
        field = _fields(annotation).get(str(part))
        yield from _alternatives(field.annotation) if field else ()
    elif get_origin(annotation) in (dict, list):
        yield from _alternatives(get_args(annotation)[-1])


def _alternatives(annotation: Any) -> Iterator[Any]:
    origin = get_origin(annotation)
    if origin is Annotated:
        yield from _alternatives(get_args(annotation)[0])
    elif origin in (Union, types.UnionType):
        for option in get_args(annotation):
            yield from _alternatives(option)
    elif origin is not Literal:
        yield annotation


def _is_model(annotation: Any) -> bool:
    return isinstance(annotation, type) and issubclass(annotation, BaseModel)
