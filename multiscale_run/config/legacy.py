"""Keys that the original accepts but never reads, or that nothing here needs: accepted, listed, not used."""

from __future__ import annotations

import copy
import csv
from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

from mpi_coupling.settings.problems import ABSENT, Finding, KeyPath, Note, format_key_path
from multiscale_run.config.document import Document

_TABLE = Path(__file__).with_name("ignored_keys.csv")


@dataclass(frozen=True)
class IgnoredKey:
    """A row of the table of ignored keys: the section, the key and why it has no effect."""

    section: str
    key: str
    reason: str

    @property
    def path(self) -> KeyPath:
        """Place in the document."""
        return (*self.section.split("."), self.key)

    @property
    def note(self) -> Note:
        """What the user is told."""
        return Note(format_key_path(self.path), f"has no effect: {self.reason}")

    def covers(self, path: KeyPath) -> bool:
        """Whether a place is this key or lies in it."""
        return path[: len(self.path)] == self.path


@cache
def ignored_key_table() -> tuple[IgnoredKey, ...]:
    """All keys that have no effect."""
    with _TABLE.open(newline="", encoding="utf-8") as stream:
        return tuple(IgnoredKey(**row) for row in csv.DictReader(stream))


def strip_ignored(document: Document) -> tuple[Document, tuple[IgnoredKey, ...]]:
    """Take the ignored keys out of a document.

    Returns:
        The document without them, and those that were there.
    """
    present = tuple(row for row in ignored_key_table() if document.value(row.path) is not ABSENT)
    data = copy.deepcopy(document.data)
    for row in present:
        section = data
        for part in row.section.split("."):
            section = section[part]
        del section[row.key]
    return replace(document, data=data), present


def not_ignored(findings: Iterable[Finding], ignored: Iterable[IgnoredKey]) -> list[Finding]:
    """The findings that concern keys with an effect."""
    rows = tuple(ignored)
    return [finding for finding in findings if not any(row.covers(finding.path) for row in rows)]
