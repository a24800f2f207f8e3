"""What the sections share: SONATA's leniency, durations in time steps, paths, the names of the simulators."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Annotated, Any, TypeAlias

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, ValidationInfo
from pydantic_core import PydanticCustomError, PydanticKnownError

from mpi_coupling.plugins import offered
from mpi_coupling.settings.schema import Section, key

SIMULATORS = ("neurodamus", "steps", "bloodflow", "metabolism")
"""Our simulators, in the order in which they advance within a step."""

GROUP = "multiscale_run.simulators"
"""Entry points by which other packages offer simulators: name in configurations -> class."""


@cache
def simulator_names() -> tuple[str, ...]:
    """All simulators that can be named, in the order in which they advance: ours, then others by the alphabet."""
    return (*SIMULATORS, *sorted(set(offered(GROUP)) - set(SIMULATORS)))


def _known_simulator(name: str) -> str:
    if name not in simulator_names():
        raise PydanticKnownError("literal_error", {"expected": ", ".join(map(repr, simulator_names()))})
    return name


Simulator: TypeAlias = Annotated[str, AfterValidator(_known_simulator)]
"""Name of a simulator."""


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


class SimulatorSection(Section):
    """The section of a simulator of another package: it adds keys of its own."""

    ndts: Ticks = key(4000, "Period of the exchange.", "time steps of run.dt")
