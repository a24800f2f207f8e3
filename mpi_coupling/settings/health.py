"""What a check-up of a simulation finds: everything that can be known before a run, all of it at once."""

from __future__ import annotations

from dataclasses import dataclass, field

from mpi_coupling.settings.problems import Note, Problem


@dataclass
class Health:
    """What a check-up found.

    Attributes:
        problems: what must be corrected before a run.
        notes: what the user should know.
        passed: what was looked at and is in order.
    """

    problems: list[Problem] = field(default_factory=list)
    notes: list[Note | str] = field(default_factory=list)
    passed: list[str] = field(default_factory=list)
