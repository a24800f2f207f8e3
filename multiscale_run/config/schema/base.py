"""What the sections share: SONATA's leniency, durations in time steps, paths, the names of the simulators."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal, TypeAlias

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationInfo
from pydantic_core import PydanticCustomError

Simulator: TypeAlias = Literal["neurodamus", "steps", "bloodflow", "metabolism"]
SIMULATORS: tuple[Simulator, ...] = ("neurodamus", "steps", "bloodflow", "metabolism")
"""All simulators, in the order in which they advance within a step."""


class SonataSection(BaseModel):
    """A section that belongs to SONATA: only the keys we use are looked at."""

    model_config = ConfigDict(extra="ignore", strict=True, frozen=True, allow_inf_nan=False)


def _whole_ticks(value: Any) -> int:
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    if not is_number or value != value // 1 or value < 1:
        raise PydanticCustomError("ticks", "must be a whole number of time steps (>= 1)")
    return int(value)


def _in_folder(value: Any, info: ValidationInfo) -> Path:
    if not isinstance(value, str | Path) or not str(value):
        raise PydanticCustomError("path", "must be a path in quotes")
    folder = (info.context or {}).get("folder", Path())
    return Path(folder) / value


Ticks: TypeAlias = Annotated[int, BeforeValidator(_whole_ticks)]
"""A duration in time steps of ``run.dt``."""

FolderPath: TypeAlias = Annotated[Path, BeforeValidator(_in_folder), Field(strict=False)]
"""A path; a relative one starts at the folder of the configuration."""
