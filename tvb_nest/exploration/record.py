"""What is known of a point: a small file in its folder, so that an exploration can be resumed."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from enum import StrEnum
from pathlib import Path

RECORD_FILE = "exploration.json"


class State(StrEnum):
    """How far a point is."""

    RUNNING = "running"
    FINISHED = "finished"
    FAILED = "failed"


@dataclass(frozen=True)
class Record:
    """The state of a point.

    Attributes:
        state: running also when the exploration was stopped at this point.
        fingerprint: of the parameters that it was run with.
        message: why it failed.
        seconds: how long it ran.
    """

    state: State
    fingerprint: str
    message: str = ""
    seconds: float = 0.0

    def write(self, folder: Path) -> None:
        """Write the record of a folder at once: a reader never sees half of it."""
        unfinished = folder / f".{RECORD_FILE}"
        unfinished.write_text(json.dumps(asdict(self), indent=2) + "\n", encoding="utf-8")
        unfinished.replace(folder / RECORD_FILE)


def read_record(folder: Path) -> Record | None:
    """The record of a folder, or None where nothing was run yet."""
    file = folder / RECORD_FILE
    if not file.is_file():
        return None
    content = json.loads(file.read_text(encoding="utf-8"))
    return Record(**{**content, "state": State(content["state"])})
