"""Reads the values of a BlueConfig, by the kind that a table gives their key."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from typing import Any

from mpi_coupling.settings.problems import nearest
from multiscale_run.blueconfig import tables

HIGHEST_SEED = 2**32 - 1


class BadValue(Exception):
    """A value that its key cannot have; the message says what is allowed."""

    def __init__(self, message: str, suggestion: str | None = None) -> None:
        super().__init__(message)
        self.suggestion = suggestion


def read_value(kind: str, text: str) -> Any:
    """The value that a text means.

    Args:
        kind: a name of `KINDS` or of a table of choices.
        text: as written in the file.

    Raises:
        BadValue: the text means no value of this kind.
    """
    if not text:
        raise BadValue("has no value; give one or take the key out")
    if kind in KINDS:
        return KINDS[kind](text)
    return choice(kind, text)


def choice(kind: str, text: str) -> Any:
    """The word of SONATA for one of a BlueConfig."""
    options = tables.choices()[kind]
    for word, meaning in options.items():
        if word.lower() == text.lower():
            return meaning
    raise BadValue(f"must be one of {', '.join(options)}", nearest(text, options))


def number(text: str) -> float | int:
    """A number; a whole one without point or exponent stays whole."""
    try:
        value = int(text) if re.fullmatch(r"[+-]?\d+", text) else float(text)
    except ValueError:
        raise BadValue("must be a number") from None
    if not math.isfinite(value):
        raise BadValue("must be a finite number")
    return value


def relative_skew(text: str) -> float:
    """The skewness of a shot noise, between the least and the highest possible, from the amplitudes' variation.

    The amplitudes are gamma-distributed with the coefficient of variation CV. With the mean and deviation of the
    signal given, its skewness is (1 + CV^2 / (1 + CV^2)) times the least possible one (the generalised theorem of
    Campbell: Rice 1944, Bell System Technical Journal 23:282, doi:10.1002/j.1538-7305.1944.tb00874.x). SONATA today
    asks for the second term, a BlueConfig for CV.
    """
    variation = _above(0.0, "must be above 0")(text)
    return variation**2 / (1 + variation**2)


def _positive(text: str) -> float | int:
    return _above(0.0, "must be above 0")(text)


def _above(limit: float, message: str) -> Callable[[str], float | int]:
    def read(text: str) -> float | int:
        value = number(text)
        if value <= limit:
            raise BadValue(message)
        return value

    return read


def _non_negative(text: str) -> float | int:
    value = number(text)
    if value < 0:
        raise BadValue("must not be negative")
    return value


def _fraction(text: str) -> float | int:
    value = number(text)
    if not 0 <= value <= 1:
        raise BadValue("must be from 0 to 1")
    return value


def _seed(text: str) -> int:
    value = number(text)
    if value != int(value) or not 0 <= value <= HIGHEST_SEED:
        raise BadValue(f"must be a whole number from 0 to {HIGHEST_SEED}")
    return int(value)


def _variables(text: str) -> str:
    """Names of variables, which a BlueConfig parts with spaces and SONATA with commas."""
    return ", ".join(re.split(r"[\s,]+", text.strip(", \t")))


def _any(text: str) -> Any:
    for read in (number, lambda word: choice("boolean", word)):
        try:
            return read(text)
        except BadValue:
            continue
    return text


KINDS: dict[str, Callable[[str], Any]] = {
    "number": number,
    "positive": _positive,
    "non_negative": _non_negative,
    "fraction": _fraction,
    "seed": _seed,
    "relative_skew": relative_skew,
    "variables": _variables,
    "text": str,
    "any": _any,
}
"""How the text of a key of each kind is read. Choices have a table; names and paths depend on where they stand."""
