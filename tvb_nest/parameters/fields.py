"""The kinds of keys that the sections are made of."""

from __future__ import annotations

from typing import Annotated, Any, TypeAlias

from pydantic import Field

from mpi_coupling.settings.schema import Section, key

__all__ = ["FileName", "OptionalPath", "Section", "Slice", "Variables", "key", "linked", "path", "unused"]

FileName: TypeAlias = Annotated[str, Field(min_length=1)]

OptionalPath: TypeAlias = FileName | None
"""A path as the user wrote it; a relative one starts at the folder of the parameter file (`Parameters.path`)."""

Slice: TypeAlias = Annotated[tuple[int, int], Field(strict=False)]
"""[first, last[ of the neurons of all populations, counted from 0: excitatory then inhibitory, region by region."""

Variables: TypeAlias = Annotated[tuple[list[str], int, int], Field(strict=False)]
"""Names of recorded variables, and the neurons as in `Slice`."""


def linked(description: str, unit: str = "") -> Any:
    """Declare a key that follows from others by ``links.csv``: a user may leave it out, but not contradict the link.

    Its type is that of the resolved set; only a set that is not resolved has None there.
    """
    return Field(default=None, description=description, json_schema_extra={"unit": unit, "linked": True})


def unused(remedy: str) -> Any:
    """Declare a key of the original that is read, kept and written, but changes nothing here.

    Args:
        remedy: what to do instead.
    """
    return Field(default=None, description=f"Not used: {remedy}.", json_schema_extra={"unit": "", "unused": True})


def path(description: str, unit: str = "", default: str | None = None) -> Any:
    """Declare a key for a file that may be left out; its type is `OptionalPath`, or text where it has a default."""
    return Field(default=default, description=description, json_schema_extra={"unit": unit, "path": True})
