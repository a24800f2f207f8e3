"""Units as the tables write them (``mM/s``, ``1/(mM2*s)``) and as SBML does (powers of scaled base units)."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace


@dataclass(frozen=True, slots=True, order=True)
class UnitPart:
    """One factor of a unit: (multiplier * 10**scale * kind) ** exponent, the SBML specification's definition."""

    kind: str
    exponent: float = 1.0
    scale: int = 0
    multiplier: float = 1.0


_SYMBOLS = {
    "M": (UnitPart("mole"), UnitPart("litre", -1.0)),
    "min": (UnitPart("second", multiplier=60.0),),
    "h": (UnitPart("second", multiplier=3600.0),),
    "mol": (UnitPart("mole"),),
    "L": (UnitPart("litre"),),
    "s": (UnitPart("second"),),
    "m": (UnitPart("metre"),),
    "g": (UnitPart("gram"),),
    "K": (UnitPart("kelvin"),),
    "A": (UnitPart("ampere"),),
    "C": (UnitPart("coulomb"),),
    "V": (UnitPart("volt"),),
    "J": (UnitPart("joule"),),
    "S": (UnitPart("siemens"),),
    "F": (UnitPart("farad"),),
    "Pa": (UnitPart("pascal"),),
    "item": (UnitPart("item"),),
}
_PREFIXES = {"k": 3, "d": -1, "c": -2, "m": -3, "u": -6, "n": -9, "p": -12, "f": -15}
_SCALE_PREFIXES = {scale: prefix for prefix, scale in _PREFIXES.items()} | {0: ""}
_KIND_SYMBOLS = {parts[0].kind: symbol for symbol, parts in _SYMBOLS.items() if parts == (UnitPart(parts[0].kind),)}
_FACTOR = re.compile(r"(?P<symbol>[A-Za-z]+)(?:\*\*)?(?P<power>\d+(?:\.\d+)?)?")


def parse_unit(text: str) -> tuple[UnitPart, ...] | None:
    """Read a unit of the tables.

    Args:
        text: factors joined by ``*``, divided by ``/`` (everything in the parentheses after it, or one factor);
            ``1`` is dimensionless.

    Returns:
        The SBML parts, none for ``1``; None when the text is no unit that SBML could express.
    """
    parts: list[UnitPart] = []
    for place, side in enumerate(text.split("/")):
        for factor in re.split(r"(?<!\*)\*(?!\*)", side.strip().removeprefix("(").removesuffix(")")):
            found = _factor(factor.strip(), -1.0 if place else 1.0)
            if found is None:
                return None
            parts.extend(found)
    return tuple(parts)


def format_unit(parts: Sequence[UnitPart]) -> str:
    """Write SBML parts as the tables do; an empty text where they have no such form."""
    parts = [part for part in parts if part.kind != "dimensionless"]
    sides: tuple[list[str], list[str]] = ([], [])
    for symbol, exponent in _symbols(parts):
        if not symbol:
            return ""
        size = abs(exponent)
        power = "" if size == 1.0 else f"{size:g}" if size.is_integer() else f"**{size:g}"
        sides[exponent < 0.0].append(symbol + power)
    above, below = ("*".join(side) for side in sides)
    if not below:
        return above or "1"
    return f"{above or '1'}/({below})" if "*" in below.replace("**", "") else f"{above or '1'}/{below}"


def same_unit(first: Sequence[UnitPart], second: Sequence[UnitPart]) -> bool:
    """Whether two units consist of the same parts."""
    return sorted(first) == sorted(second)


def _factor(text: str, sign: float) -> list[UnitPart] | None:
    """Parts of one factor such as ``mM2``; None when it is unknown."""
    if text == "1":
        return []
    match = _FACTOR.fullmatch(text)
    if match is None:
        return None
    symbol, power = match["symbol"], sign * float(match["power"] or 1.0)
    scale = 0
    if symbol not in _SYMBOLS:
        scale, symbol = _PREFIXES.get(symbol[0], 0), symbol[1:]
        if scale == 0 or symbol not in _SYMBOLS:
            return None
    first, *others = _SYMBOLS[symbol]
    scaled = [replace(first, scale=scale), *others]
    return [replace(part, exponent=part.exponent * power) for part in scaled]


def _symbols(parts: Sequence[UnitPart]) -> list[tuple[str, float]]:
    """(symbol, exponent) of each factor, amounts per volume joined to molarities; no symbol where there is none."""
    open_parts, found = list(parts), []
    for part in parts:
        volume = UnitPart("litre", -part.exponent)
        if part.kind == "mole" and volume in open_parts:
            open_parts.remove(part)
            open_parts.remove(volume)
            found.append((_prefixed("M", part), part.exponent))
    return found + [(_prefixed(_KIND_SYMBOLS.get(part.kind, ""), part), part.exponent) for part in open_parts]


def _prefixed(symbol: str, part: UnitPart) -> str:
    """Symbol with the prefix of a part's scale; empty where there is none."""
    if part.kind == "second" and part.scale == 0 and part.multiplier != 1.0:
        return {60.0: "min", 3600.0: "h"}.get(part.multiplier, "")
    known = symbol and part.multiplier == 1.0 and part.scale in _SCALE_PREFIXES
    return _SCALE_PREFIXES[part.scale] + symbol if known else ""
