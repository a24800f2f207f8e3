"""The numbers of a synthetic circuit, read from the tables in `circuits/data`.

Sources: layer thicknesses, type names and synaptic physiology follow the rat somatosensory cortex of
Markram et al. 2015, Cell 163:456 (doi:10.1016/j.cell.2015.09.029); the other tables name their sources in place.
"""

import csv
import tomllib
from dataclasses import dataclass, fields
from importlib.resources import files
from typing import Any, TypeVar

Row = TypeVar("Row")


@dataclass(frozen=True)
class Layer:
    """One cortical layer and its thickness in um."""

    layer: int
    thickness_um: float


@dataclass(frozen=True)
class NeuronType:
    """A morpho-electrical type; `fraction` is its share within its layer and synapse class."""

    mtype: str
    etype: str
    layer: int
    synapse_class: str
    fraction: float
    morphology: str


@dataclass(frozen=True)
class ElectricalType:
    """The cell template of an etype and predictors of its excitability from the membrane area.

    The coefficients are measured: rheobase of a step of 300 ms at the soma, and input resistance at rest, of the
    synthetic morphologies with our mechanisms; both scale with the area to a few percent.
    """

    etype: str
    model_template: str
    threshold_current_na_per_um2: float
    specific_membrane_resistance_ohm_cm2: float


@dataclass(frozen=True)
class Pathway:
    """Connections from one synapse class to another: how likely, how strong, where on the target.

    The probability falls as `probability * exp(-distance / length_constant_um)` up to `cutoff_um`. Synapses spread
    over the dendrites with a density `exp(-path distance / path_constant_um)`; `soma_fraction` of them sit on the soma.
    """

    source: str
    target: str
    probability: float
    length_constant_um: float
    cutoff_um: float
    synapses: float
    conductance_nanosiemens: float
    conductance_sd_nanosiemens: float
    u_syn: float
    u_syn_sd: float
    depression_time_ms: float
    depression_time_sd_ms: float
    facilitation_time_ms: float
    facilitation_time_sd_ms: float
    decay_time_ms: float
    decay_time_sd_ms: float
    vesicles: float
    syn_type_id: int
    soma_fraction: float
    path_constant_um: float


def read_csv(name: str, row: type[Row]) -> list[Row]:
    """Read `data/<name>.csv` as a list of `row` dataclasses, each cell converted to the type of its field."""
    with (files(__package__) / "data" / f"{name}.csv").open(encoding="utf-8") as stream:
        return [
            row(**{field.name: field.type(line[field.name]) for field in fields(row)})  # type: ignore[operator,arg-type]
            for line in csv.DictReader(stream)
        ]


def read_toml(name: str) -> dict[str, Any]:
    """Read `data/<name>.toml`."""
    return tomllib.loads((files(__package__) / "data" / f"{name}.toml").read_text(encoding="utf-8"))


def layers() -> list[Layer]:
    """The cortical layers from the pia down."""
    return read_csv("layers", Layer)


def neuron_types() -> list[NeuronType]:
    """All morpho-electrical types."""
    return read_csv("neuron_types", NeuronType)


def electrical_types() -> dict[str, ElectricalType]:
    """Electrical types by etype."""
    return {row.etype: row for row in read_csv("electrical_types", ElectricalType)}


def pathways() -> list[Pathway]:
    """The four pathways in the order EXC-EXC, EXC-INH, INH-EXC, INH-INH."""
    by_classes = {(row.source, row.target): row for row in read_csv("pathways", Pathway)}
    return [by_classes[source, target] for source in ("EXC", "INH") for target in ("EXC", "INH")]
