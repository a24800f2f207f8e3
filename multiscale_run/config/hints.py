"""Type hints of arguments: does a value fit, and what is allowed in words."""

from __future__ import annotations

import json
from types import NoneType
from typing import Annotated, Any, Literal, get_args, get_origin

from pydantic import TypeAdapter, ValidationError

_WORDS: dict[Any, str] = {
    bool: "true or false",
    int: "a whole number",
    float: "a number",
    str: "text",
    NoneType: "null",
    list: "a list",
    dict: "an object",
}


def fits(value: Any, hint: Any) -> bool:
    """Whether a JSON value is of the hinted type; a whole number is a number, but text is never a number."""
    try:
        TypeAdapter(hint).validate_python(value, strict=True)
    except ValidationError:
        return False
    return True


def describe(hint: Any) -> str:
    """The values that a hint allows, in words: ``"area" or "volume" or null``."""
    origin, arguments = get_origin(hint), get_args(hint)
    if hint in _WORDS:
        return _WORDS[hint]
    if origin is Literal:
        return " or ".join(json.dumps(value) for value in arguments)
    if origin is Annotated:
        return describe(arguments[0])
    if origin is list:
        return f"a list of {describe(arguments[0])}"
    if arguments:
        return " or ".join(describe(argument) for argument in arguments)
    return str(getattr(hint, "__name__", hint))
