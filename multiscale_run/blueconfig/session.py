"""One conversion: what it knows of the files around it, and what it has found so far."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from mpi_coupling.settings.problems import ABSENT, Problem, nearest
from multiscale_run.blueconfig import tables
from multiscale_run.blueconfig.outcome import Entry, Outcome
from multiscale_run.blueconfig.parser import Block, Setting
from multiscale_run.blueconfig.tables import Key
from multiscale_run.blueconfig.targets import Target
from multiscale_run.blueconfig.values import BadValue, number, read_value

GROUPED = "conditions.mechanisms."
"""Below this path a mechanism may be a group, which stands for each of its members."""


class NotConvertible(Exception):
    """A value that is right in a BlueConfig and has no counterpart in SONATA; the message says why."""


@dataclass(frozen=True)
class Read:
    """A value as it goes into SONATA's file, and what to say about it."""

    value: Any
    outcome: Outcome = Outcome.CONVERTED
    note: str = ""


@dataclass
class Session:
    """Reads values in their surroundings, and collects what became of each key and what is wrong.

    Attributes:
        file: the BlueConfig.
        folder: where its relative paths start.
        out_folder: folder of the SONATA file.
        node_sets_file: as messages call it.
        node_sets: names of the node sets.
        targets: what the BlueConfig's target file says, where it can be read.
        allow_missing: whether names of other node sets are written too.
    """

    file: Path
    folder: Path
    out_folder: Path
    node_sets_file: Path
    node_sets: frozenset[str]
    targets: dict[str, Target]
    allow_missing: bool
    entries: list[Entry] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)

    def record(self, outcome: Outcome, block: Block, setting: Setting | None, note: str, place: str = "") -> None:
        """Keep what became of a key, or without a setting of a whole block."""
        key, line = (setting.key, setting.line) if setting else ("", block.line)
        self.entries.append(Entry(outcome, str(block), key, line, place, note))

    def problem(self, block: Block, setting: Setting | None, message: str, suggestion: str | None = None) -> None:
        """Keep something that the user has to correct."""
        line, key = (setting.line, f": {setting.key}") if setting else (block.line, "")
        value = setting.value if setting else ABSENT
        self.problems.append(Problem(str(self.file), f"line {line}: {block}{key}", value, message, suggestion))

    def fill(
        self,
        block: Block,
        rows: tuple[Key, ...],
        into: dict[str, Any],
        prefix: str = "",
        lookup: Callable[[str], Key | None] | None = None,
    ) -> bool:
        """Convert the settings of a block by the rows of a table.

        Args:
            block: the block.
            rows: what becomes of its keys.
            into: where values go, at the paths of the rows.
            prefix: the place of `into` in SONATA's file, as messages call it.
            lookup: finds the row of a key; by default in `rows`.

        Returns:
            Whether each required key could be converted: otherwise the block is lost as a whole.
        """
        complete = True
        for setting in block.settings:
            row = (lookup or (lambda key: tables.find(rows, key)))(setting.key)
            last = block.get(setting.key)
            if last is not None and last is not setting:
                self.record(Outcome.LOST, block, setting, f"given again in line {last.line}, which counts")
            elif row is None:
                self._unknown(block, setting, rows)
            elif not row.path:
                self._without_place(block, setting, row)
            else:
                complete &= self._convert(block, setting, row, into, prefix) or not row.required
        self._required(block, rows)
        return complete

    def relative(self, text: str) -> str:
        """A path of the BlueConfig as the SONATA file names it: relative where it lies below that file."""
        path = Path(os.path.normpath(self.folder / text))
        return str(path.relative_to(self.out_folder)) if path.is_relative_to(self.out_folder) else str(path)

    def node_set(self, text: str) -> Read:
        """The node set that a target is, which may be written ``population:target``.

        Raises:
            BadValue: there is no such node set, and that is not allowed.
        """
        if text in self.node_sets:
            return Read(text)
        population, colon, target = text.partition(":")
        name = target or population
        if colon and name in self.node_sets:
            note = f"{name}; the population is not part of a node set's name: see that it selects {population} only"
            return Read(name, Outcome.LOST if target else Outcome.CONVERTED, note if target else "")
        message = f"is not a node set of {self.node_sets_file}"
        if self.allow_missing:
            return Read(text, Outcome.LOST, f"{text}; is written, but {message}")
        known = self.targets.get(text, Target("Cell", (text,) if re.fullmatch(r"a\d+", text) else ()))
        add = f'"{text}": {known.node_set}' if known.node_set else "it"
        raise BadValue(f"{message}; add {add} there, or pass --allow-missing", nearest(text, self.node_sets))

    def _unknown(self, block: Block, setting: Setting, rows: tuple[Key, ...]) -> None:
        suggestion = nearest(setting.key, [row.key for row in rows])
        hint = f"; did you mean {suggestion}?" if suggestion else ""
        self.record(Outcome.LOST, block, setting, f"not a known key of {block.kind}{hint}")

    def _without_place(self, block: Block, setting: Setting, row: Key) -> None:
        outcome, note = row.outcome, row.note
        if outcome is Outcome.LOST and _is_zero(setting.value):
            outcome, note = Outcome.NEEDLESS, "0 switches it off"
        self.record(outcome, block, setting, note)

    def _convert(self, block: Block, setting: Setting, row: Key, into: dict[str, Any], prefix: str) -> bool:
        try:
            read = self._read(row, setting.value)
        except BadValue as error:
            self.problem(block, setting, str(error), error.suggestion)
            return True
        except NotConvertible as error:
            self.record(Outcome.LOST, block, setting, str(error))
            return False
        replaced = put(into, row.path, read.value)
        note = read.note or (read.value if isinstance(read.value, str) else json.dumps(read.value))
        note += f" (replaces {json.dumps(replaced)})" if replaced not in (None, read.value) else ""
        note += f" ({row.note})" if row.note else ""
        self.record(read.outcome, block, setting, note, f"{prefix}{row.path}")
        return True

    def _read(self, row: Key, text: str) -> Read:
        match row.kind:
            case "node_set" if text:
                return self.node_set(text)
            case "path" if text:
                return Read(self.relative(text))
            case "spike_file" if text:
                return self._spike_file(text)
            case "no_delay" if read_value("number", text) != 0:
                return Read(0, Outcome.LOST, "0: a voltage clamp begins with the simulation, here and in neurodamus")
            case "no_delay":
                return Read(0)
            case kind if kind in ("node_set", "path", "spike_file"):
                raise BadValue("has no value; give one or take the key out")
        return Read(read_value(row.kind, text))

    def _spike_file(self, text: str) -> Read:
        sonata = Path(text).with_suffix(".h5")
        if Path(text).suffix == ".h5":
            return Read(self.relative(text))
        if (self.folder / sonata).is_file():
            return Read(self.relative(str(sonata)), note=f"{sonata}, which lies beside {text}")
        raise NotConvertible(f"SONATA replays HDF5 files: convert the spikes to {sonata} and convert again")

    def _required(self, block: Block, rows: tuple[Key, ...]) -> None:
        groups: dict[str, list[str]] = {}
        for row in rows:
            if row.required == "yes":
                groups[row.key] = [row.key]
            elif row.required:
                groups.setdefault(row.required, []).append(row.key)
        for names in groups.values():
            given = [name for name in names if block.get(name) is not None]
            if not given:
                self.problem(block, None, f"needs {' or '.join(names)}")
            elif len(given) > 1:
                self.problem(block, block.get(given[-1]), f"give {' or '.join(given)}, not both")


def put(into: dict[str, Any], path: str, value: Any) -> Any:
    """Set a value at a path, keys joined by dots, in a nested mapping.

    Returns:
        The value that was there before, or None.
    """
    replaced = None
    for expanded in _expanded(path):
        *parents, last = expanded.split(".")
        node = into
        for parent in parents:
            node = node.setdefault(parent, {})
        replaced = node.get(last)
        node[last] = value
    return replaced


def contains(document: Mapping[str, Any], path: str) -> bool:
    """Whether a nested mapping has a value at a path."""
    node: Any = document
    for part in path.split("."):
        if not isinstance(node, Mapping) or part not in node:
            return False
        node = node[part]
    return True


def _expanded(path: str) -> list[str]:
    if not path.startswith(GROUPED):
        return [path]
    mechanism, _, variable = path.removeprefix(GROUPED).partition(".")
    members = tables.circuit_terms()["mechanism_groups"].get(mechanism, [mechanism])
    return [f"{GROUPED}{member}.{variable}" for member in members]


def _is_zero(text: str) -> bool:
    try:
        return number(text) == 0
    except BadValue:
        return False
