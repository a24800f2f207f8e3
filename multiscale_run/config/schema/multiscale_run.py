"""The ``multiscale_run`` section as a whole, format 3."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any, TypeAlias

from pydantic import BeforeValidator
from pydantic_core import PydanticCustomError

from mpi_coupling.settings.schema import Section, key
from multiscale_run.config.schema.base import FolderPath, Simulator, Ticks, simulator_names
from multiscale_run.config.schema.bloodflow import Bloodflow
from multiscale_run.config.schema.connection import Connection, Event
from multiscale_run.config.schema.extracellular import Steps
from multiscale_run.config.schema.metabolism import Metabolism
from multiscale_run.config.schema.neurons import Neurodamus
from multiscale_run.config.schema.preprocessor import Preprocessor
from multiscale_run.config.schema.reports import Reports

CONFIG_FORMAT = 3


def _supported_format(value: Any) -> int:
    if value is True or value != CONFIG_FORMAT:
        is_newer = isinstance(value, int) and value > CONFIG_FORMAT
        remedy = (
            "install a newer multiscale-run"
            if is_newer
            else "write a new configuration with `multiscale-run init` and carry your changes over"
        )
        raise PydanticCustomError(
            "config_format", "must be 3, the format of version 0.8 and later; {remedy}", {"remedy": remedy}
        )
    return CONFIG_FORMAT


Format: TypeAlias = Annotated[int, BeforeValidator(_supported_format)]


class MultiscaleRun(Section):
    """What takes part in a run and how the parts are coupled."""

    config_format: Format = key(CONFIG_FORMAT, "Format of this section.")
    msr_version: str | None = key(None, "Version of multiscale-run that wrote the file.")
    with_metabolism: bool = key(True, "Simulate the energy metabolism of neurons.")
    with_steps: bool = key(False, "Simulate ions in the extracellular space.")
    with_bloodflow: bool = key(False, "Simulate blood flow.")
    ndts: Ticks | None = key(
        None,
        "Longest stretch between two stops of the neurons; null: set by the other simulators.",
        "time steps of run.dt",
    )
    cache_save: bool = key(True, "Write coupling matrices to cache_path.")
    cache_load: bool = key(True, "Read coupling matrices from cache_path.")
    cache_path: FolderPath = key("cache", "Folder of the coupling matrices.", validate_default=True)
    logging_level: int = key(0, "Verbosity of neurodamus: 0 warnings, 1 information, 2 more, 3 debugging.", ge=0)
    mesh_path: FolderPath = key(
        "mesh/autogen_mesh.msh", "Mesh of the tissue; generated where there is none.", validate_default=True
    )
    mesh_scale: float = key(1e-6, "Length unit of the mesh.", "m", gt=0)
    preprocessor: Preprocessor = key(Preprocessor, "What is prepared before a run.")
    connections: dict[Event, list[Connection]] = key(dict, "Exchanges by event, applied in list order.")
    neurodamus: Neurodamus = key(Neurodamus, "Neurons, synapses and astrocytes.")
    metabolism: Metabolism = key(Metabolism, "Energy metabolism.")
    steps: Steps = key(Steps, "Extracellular space.")
    bloodflow: Bloodflow = key(Bloodflow, "Blood flow.")
    reports: Reports = key(Reports, "Reports of the coupled simulators.")

    @property
    def active_simulators(self) -> tuple[Simulator, ...]:
        """Simulators that take part, in the order in which they advance; neurons always do."""
        return tuple(name for name in simulator_names() if name == "neurodamus" or getattr(self, f"with_{name}", False))

    def applied_connections(self) -> Iterator[tuple[Event, int, Connection]]:
        """Connections whose simulators all take part: event, index in its list, connection."""
        active = set(self.active_simulators)
        for event, group in self.connections.items():
            for index, connection in enumerate(group):
                if connection.users(event) <= active:
                    yield event, index, connection
