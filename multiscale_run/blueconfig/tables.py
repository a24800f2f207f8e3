"""The tables that say what becomes of a BlueConfig's blocks and keys."""

from __future__ import annotations

import csv
import tomllib
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

from multiscale_run.blueconfig.outcome import Outcome

_TABLES = files("multiscale_run.blueconfig") / "tables"

ANY = "*"
"""In the column of patterns: a key of every stimulus."""

BLOCK_TYPES = frozenset(
    "Run Conditions Stimulus StimulusInject Report Connection Modification Projection Circuit Electrode".split()
)
"""Every type of block that the format knows."""


@dataclass(frozen=True)
class Key:
    """A row: what becomes of a key.

    Attributes:
        key: its name in a BlueConfig.
        path: where its value goes, keys joined by dots; empty where it has no place in SONATA.
        kind: how its value is read: a kind of `values`, or a table of choices.
        required: "yes", or the name of a group of keys of which exactly one must be given, or empty.
        default: what a BlueConfig without the key means where SONATA's own default differs; or empty.
        fate: what became of a key without a path.
        note: why it has no place, or how its value is computed.
    """

    key: str
    path: str
    kind: str
    required: str
    default: str
    fate: str
    note: str

    @property
    def outcome(self) -> Outcome:
        return Outcome(self.fate) if self.fate else Outcome.CONVERTED


@dataclass(frozen=True)
class Pattern:
    """What becomes of a stimulus of one pattern: a module, and an input type for each mode it may have."""

    name: str
    module: str
    input_types: dict[str, str]
    note: str


def find(rows: tuple[Key, ...], key: str) -> Key | None:
    """The row of a key, in upper or lower case."""
    return next((row for row in rows if row.key.lower() == key.lower()), None)


@cache
def keys(block: str) -> tuple[Key, ...]:
    """The keys of a type of block."""
    return tuple(_key(row) for row in _csv("keys") if row["block"] == block)


@cache
def stimulus_keys(pattern: str | None = None) -> tuple[Key, ...]:
    """The keys of stimuli of a pattern, or of all patterns."""
    rows = _csv("stimulus_keys")
    return tuple(_key(row) for row in rows if pattern is None or {ANY, pattern} & set(row["patterns"].split()))


@cache
def patterns() -> tuple[Pattern, ...]:
    """The patterns of stimuli."""
    modes = ("Current", "Voltage", "Conductance")
    return tuple(
        Pattern(row["pattern"], row["module"], {m: row[m] for m in modes if row[m]}, row["note"])
        for row in _csv("patterns")
    )


@cache
def choices() -> dict[str, dict[str, Any]]:
    """For each kind of key that has them: the words of a BlueConfig and those of SONATA."""
    return tomllib.loads((_TABLES / "choices.toml").read_text(encoding="utf-8"))


@cache
def circuit_terms() -> dict[str, dict[str, Any]]:
    """How SONATA calls what a BlueConfig says of a circuit."""
    return tomllib.loads((_TABLES / "circuit.toml").read_text(encoding="utf-8"))


def _key(row: dict[str, str]) -> Key:
    return Key(*(row[name] for name in Key.__dataclass_fields__))


@cache
def _csv(name: str) -> tuple[dict[str, str], ...]:
    with (_TABLES / f"{name}.csv").open(encoding="utf-8") as stream:
        return tuple(csv.DictReader(stream))
