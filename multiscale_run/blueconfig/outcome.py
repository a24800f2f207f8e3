"""What became of each key of a BlueConfig."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum


class Outcome(Enum):
    """What became of a key; the values are the words of the tables and of the report."""

    CONVERTED = "converted"
    DEFAULT = "default"
    USED = "used"
    CIRCUIT = "circuit"
    NEEDLESS = "needless"
    LOST = "lost"


@dataclass(frozen=True)
class Entry:
    """What became of one key, or of a block as a whole.

    Attributes:
        outcome: what became of it.
        block: type and name of the block; empty for what the converter adds.
        key: the key; empty for the block as a whole.
        line: where it stands in the file; 0 for what the converter adds.
        place: where its value stands in SONATA's file; empty where it has none.
        note: the value as written there, or why it is not there.
    """

    outcome: Outcome
    block: str
    key: str
    line: int
    place: str
    note: str
