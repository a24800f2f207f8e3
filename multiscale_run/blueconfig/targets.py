"""Reads target files, which named groups of cells and of their parts before there were node sets."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

LONGEST_NODE_SET = 100
"""Characters of a node set that a message spells out."""

_TARGET = re.compile(r"^\s*Target\s+(\w+)\s+([^\s{]+)\s*\{([^}]*)\}", re.MULTILINE)
_COMMENT = re.compile(r"^\s*#.*$", re.MULTILINE)
_GID = re.compile(r"a(\d+)")


@dataclass(frozen=True)
class Target:
    """A group: of kind Cell, or Compartment or Section of the cells that its members are."""

    kind: str
    members: tuple[str, ...]

    @property
    def node_set(self) -> str:
        """The node set that a group of cells is, as JSON; empty where it is too long for a message."""
        return node_set_text(self.members) if self.kind == "Cell" else ""


def read_targets(file: Path) -> dict[str, Target]:
    """The targets of a file; none where it is not there, as on a machine that the circuit never saw."""
    try:
        text = _COMMENT.sub("", file.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError):
        return {}
    return {name: Target(kind, tuple(members.split())) for kind, name, members in _TARGET.findall(text)}


def node_set_text(members: tuple[str, ...]) -> str:
    """The node set of some members as JSON: cells aN, counted from one, or names; empty where it is too long."""
    cells = [_GID.fullmatch(member) for member in members]
    if all(cells):
        content: Any = {"node_id": [int(cell[1]) - 1 for cell in cells if cell]}
    else:
        content = list(members) if not any(cells) else None
    text = json.dumps(content)
    return text if members and content is not None and len(text) <= LONGEST_NODE_SET else ""
