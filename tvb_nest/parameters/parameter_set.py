"""All sections together: the content of a parameter.json."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from tvb_nest.parameters.co_simulation import CoSimulation
from tvb_nest.parameters.fields import OptionalPath, Section, key, path
from tvb_nest.parameters.nest import Background, Connection, Nest, Topology
from tvb_nest.parameters.own import TvbNest
from tvb_nest.parameters.translation import NestToTvb, RecordMpi, TvbToNest
from tvb_nest.parameters.tvb import TvbConnection, TvbCoupling, TvbIntegrator, TvbModel, TvbMonitor

ALIASES: Mapping[tuple[str, str], str] = {("param_co_simulation", "co_simulation"): "co-simulation"}
"""(section, other spelling) -> the spelling that is written."""


class ParameterSet(Section):
    """Sections in the order of the original's files; units and defaults are the original's."""

    param_nest: Nest = key(Nest, "Kernel of NEST.")
    param_nest_topology: Topology = key(Topology, "Populations and neurons.")
    param_nest_connection: Connection = key(Connection, "Synapses inside regions and between them.")
    param_nest_background: Background = key(Background, "Input and recorders of the neurons.")
    param_tvb_model: TvbModel = key(TvbModel, "Mean field.")
    param_tvb_connection: TvbConnection = key(TvbConnection, "Connectome as TVB gets it.")
    param_tvb_coupling: TvbCoupling = key(TvbCoupling, "Coupling between regions.")
    param_tvb_integrator: TvbIntegrator = key(TvbIntegrator, "Integrator and noise.")
    param_tvb_monitor: TvbMonitor = key(TvbMonitor, "What is recorded of the brain.")
    param_TR_nest_to_tvb: NestToTvb = key(NestToTvb, "Translation of spikes to rates.")
    param_TR_tvb_to_nest: TvbToNest = key(TvbToNest, "Translation of rates to spikes.")
    param_record_MPI: RecordMpi = key(RecordMpi, "Saved rates of NEST alone.")
    param_co_simulation: CoSimulation = key(CoSimulation, "Mode, spiking regions and window.")
    param_tvb_nest: TvbNest = key(TvbNest, "Choices that the original does not offer.")
    result_path: OptionalPath = path("Folder of the results; null: that of the parameter file.")
    begin: float = key(0.0, "When recording begins.", "ms", ge=0)
    end: float = key(1000.0, "When the simulation ends.", "ms", gt=0)

    def document(self) -> dict[str, Any]:
        """The content as JSON values; keys that have no value are left out."""
        return self.model_dump(mode="json", by_alias=True, exclude_none=True)


@dataclass(frozen=True)
class KeyInfo:
    """A key of a parameter set.

    Attributes:
        path: sections and key.
        description: what it means.
        unit: physical unit; empty for names, switches and plain numbers.
        linked: whether it follows from other keys.
        unused: whether it is only kept for the original.
        is_path: whether it is a path of a file or folder.
    """

    path: tuple[str, ...]
    description: str
    unit: str
    linked: bool
    unused: bool
    is_path: bool

    @property
    def name(self) -> str:
        """The key as users write it."""
        return ".".join(self.path)


def keys(model: type[BaseModel] = ParameterSet, place: tuple[str, ...] = ()) -> Iterator[KeyInfo]:
    """All keys of all sections, in order.

    Args:
        model: the set or a section of it.
        place: where the section is.
    """
    for name, field in model.model_fields.items():
        where = (*place, field.alias or name)
        if isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel):
            yield from keys(field.annotation, where)
        else:
            yield _info(where, field)


def _info(place: tuple[str, ...], field: FieldInfo) -> KeyInfo:
    extra = field.json_schema_extra if isinstance(field.json_schema_extra, dict) else {}
    return KeyInfo(
        path=place,
        description=field.description or "",
        unit=str(extra.get("unit", "")),
        linked=bool(extra.get("linked")),
        unused=bool(extra.get("unused")),
        is_path=bool(extra.get("path")),
    )
