"""What all sections of settings share: strict types, no unknown keys, a description and a unit for every key."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict, Field


class Section(BaseModel):
    """A section of settings: a key that it does not know is an error."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, allow_inf_nan=False)


def key(default: Any, description: str, unit: str = "", **bounds: Any) -> Any:
    """Declare a key: its default (``...`` when it must be given), what it means and its unit.

    Args:
        default: value where the file has none; a function of no arguments for a section.
        description: one sentence for the reference of the settings.
        unit: physical unit; empty for names, switches and plain numbers.
        bounds: pydantic's ``gt``, ``ge``, ``lt``, ``le``, ``min_length``, ``max_length``.
    """
    given = {"default_factory": default} if callable(default) else {"default": default}
    return Field(**given, description=description, json_schema_extra={"unit": unit}, **bounds)
