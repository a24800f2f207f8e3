"""Which quantity a report file holds, as the configuration asks for it, whatever the file is called."""

from __future__ import annotations

import csv
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mpi_coupling.failure import UserError
from multiscale_run.config import SimulationConfig
from multiscale_run.config.schema import SIMULATORS
from multiscale_run.metabolism import load_network

_QUANTITIES = Path(__file__).with_name("quantities.csv")

NEURONS, METABOLISM = "neurodamus", "metabolism"
FIELD_ARGUMENTS = ("idx", "species_name", "var")
"""Arguments that say which of several variables a field reads."""


@dataclass(frozen=True)
class Quantity:
    """A quantity that figures know by name.

    Attributes:
        key: its name, such as ``sodium``.
        label: in words.
        symbol: as on an axis.
        simulator: whose it is.
        variable: what the simulator calls it.
        when: ``before_sync``, ``after_sync``, or empty for neurons, which report while they run.
    """

    key: str
    label: str
    symbol: str
    simulator: str
    variable: str
    when: str


Namer = Callable[[str, Any], str]
"""From a field and the argument that chooses a variable of it to the variable's name."""


@dataclass(frozen=True)
class Source:
    """Where the numbers of a report come from.

    Attributes:
        simulator: whose they are; empty for a file that the configuration does not name.
        variable: variable of NEURON, species, input or field.
        when: ``before_sync`` or ``after_sync``, or empty.
        sections: of neurons: ``all`` or ``soma``.
        kind: of neurons: ``compartment`` or ``summation``.
    """

    simulator: str
    variable: str
    when: str = ""
    sections: str = ""
    kind: str = ""

    def gives(self, wanted: Quantity) -> bool:
        """Whether these are numbers of a quantity."""
        return (self.simulator, self.variable, self.when) == (wanted.simulator, wanted.variable, wanted.when)


def quantities() -> dict[str, Quantity]:
    """All quantities by key."""
    with _QUANTITIES.open(newline="", encoding="utf-8") as stream:
        rows = [row | {"symbol": row["symbol"].replace("\\n", "\n")} for row in csv.DictReader(stream)]
    return {row["key"]: Quantity(**row) for row in rows}


def quantities_of_others(sources: Mapping[str, Source]) -> dict[str, Quantity]:
    """What simulators of other packages reported, by their name and that of the report.

    Args:
        sources: of the reports, by their names.
    """
    found = {}
    for report, source in sources.items():
        if source.simulator and source.simulator not in SIMULATORS:
            key, label = f"{source.simulator}_{report}", report.replace("_", " ")
            found[key] = Quantity(key, label, label, source.simulator, source.variable, source.when)
    return found


def sources(config: SimulationConfig, settings: Mapping[str, Any]) -> dict[str, Source]:
    """File name without ending -> where its numbers come from.

    Args:
        config: the simulation's configuration.
        settings: the content of the configuration that was computed, which may have been another.
    """
    found = {}
    for name, report in settings.get("reports", {}).items():
        kind = report.get("type", "compartment")
        sections = "all" if kind == "summation" else report.get("sections", "soma")
        found[_stem(report.get("file_name", name))] = Source(NEURONS, report["variable_name"], "", sections, kind)
    names = names_in_network(config)
    for simulator, reports in settings.get("multiscale_run", {}).get("reports", {}).items():
        for report in reports.values():
            variable = _variable(report, names if simulator == METABOLISM else _as_written)
            found[_stem(report["file_name"])] = Source(simulator, variable, report.get("when", "after_sync"))
    return found


def _variable(report: Mapping[str, Any], name: Namer) -> str:
    field, arguments = report["src_get_func"], report.get("src_get_kwargs", {})
    chosen = next((arguments[key] for key in FIELD_ARGUMENTS if key in arguments), None)
    return str(field) if chosen is None else name(field, chosen)


def _as_written(field: str, chosen: Any) -> str:
    return str(chosen)


def names_in_network(config: SimulationConfig) -> Namer:
    """A function from a field and a slot, number or alias of the metabolic network to the id of a species or input."""
    settings = config.multiscale_run.metabolism
    network = None
    with suppress(UserError, OSError):  # a network of the user's own that is no longer there
        network = load_network(settings.variant, settings.network_path, settings.network_parameters)

    def name(field: str, chosen: Any) -> str:
        if network is not None:
            with suppress(UserError, LookupError):
                if field == "get_parameters_idx":
                    return network.inputs[network.input_index(chosen)].id
                return network.species[network.slot(chosen)].id
        return str(chosen)

    return name


def _stem(file_name: str) -> str:
    return file_name.removesuffix(".h5")
