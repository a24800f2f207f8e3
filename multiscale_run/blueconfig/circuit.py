"""What a BlueConfig says of the circuit: SONATA has it in circuit_config.json, so it is compared, not converted."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mpi_coupling.settings.json_file import read_json
from mpi_coupling.settings.problems import ABSENT, ConfigError, Problem
from multiscale_run.blueconfig import tables
from multiscale_run.blueconfig.outcome import Outcome
from multiscale_run.blueconfig.parser import Block, BlueConfig
from multiscale_run.blueconfig.session import Session

DEFAULT_TYPES = {"nodes": "biophysical", "edges": "chemical"}
"""Types of populations whose circuit configuration gives none."""


@dataclass(frozen=True)
class Population:
    """A population of a circuit: its name, its type, and the name of its file."""

    name: str
    kind: str
    file: str


@dataclass(frozen=True)
class Circuit:
    """The populations that a circuit configuration names."""

    file: Path
    nodes: tuple[Population, ...]
    edges: tuple[Population, ...]


def read_circuit(file: Path) -> Circuit:
    """Read the names of a circuit's populations; no HDF5 file is opened.

    Raises:
        ConfigError: the file cannot be read or holds no networks.
    """
    content = read_json(file, str(file))
    networks = content.get("networks")
    if not isinstance(networks, dict) or not networks.get("nodes"):
        message = "is not a SONATA circuit configuration: it names no networks.nodes"
        raise ConfigError([Problem(str(file), "networks", ABSENT, message)])
    try:
        return Circuit(file, _populations(networks, "nodes"), _populations(networks, "edges"))
    except (AttributeError, TypeError) as error:
        message = "is not a SONATA circuit configuration: nodes and edges are lists of files with populations"
        raise ConfigError([Problem(str(file), "networks", ABSENT, message)]) from error


def _populations(networks: Mapping[str, Any], group: str) -> tuple[Population, ...]:
    default = DEFAULT_TYPES[group]
    return tuple(
        Population(name, (properties or {}).get("type", default), Path(str(network.get(f"{group}_file", ""))).name)
        for network in networks.get(group) or ()
        for name, properties in (network.get("populations") or {}).items()
    )


def compare_circuit(session: Session, config: BlueConfig, circuit: Circuit) -> None:
    """Say of each Projection, Circuit and Electrode whether the circuit configuration has what it adds."""
    for block in config.of("Projection"):
        _projection(session, block, circuit)
    for block in config.of("Circuit"):
        _extra_circuit(session, block, circuit)
    for block in config.of("Electrode"):
        session.record(Outcome.LOST, block, None, "SONATA has no electrodes of this kind")


def _projection(session: Session, block: Block, circuit: Circuit) -> None:
    path, kind = block.get("Path"), block.get("Type")
    if path is None or not path.value:
        session.problem(block, path, "needs Path, the file of its synapses")
        return
    types = {name.lower(): sonata for name, sonata in tables.circuit_terms()["connection_types"].items()}
    sonata_type = types.get((kind.value if kind else "Synaptic").lower())
    if sonata_type is None:
        session.problem(block, kind, f"must be one of {', '.join(tables.circuit_terms()['connection_types'])}")
        return
    file, _, name = path.value.partition(":")
    source = block.get("Source")
    expected = f"edges population {name}" if name else f"an edges population of type {sonata_type}"
    expected += f" from {source.value.rstrip(':')}" if source and not name else ""
    found = [p for p in circuit.edges if _is_projection(p, name, sonata_type, Path(file).name, source)]
    _compared(session, block, expected, found, circuit)


def _is_projection(population: Population, name: str, kind: str, file: str, source: Any) -> bool:
    if name:
        return population.name == name
    same_file = bool(file) and population.file == file
    same_source = source is not None and population.name.startswith(f"{source.value.partition(':')[0]}__")
    return population.kind == kind and (same_file or same_source or source is None)


def _extra_circuit(session: Session, block: Block, circuit: Circuit) -> None:
    target = block.get("CircuitTarget")
    library = block.get("CellLibraryFile")
    population = target.value.partition(":")[0] if target and ":" in target.value else ""
    file = Path(library.value.partition(":")[0]).name if library else ""
    population = population or (library.value.partition(":")[2] if library else "")
    if population:
        found = [p for p in circuit.nodes if p.name == population]
    else:
        engine = block.get("Engine")
        kind = tables.circuit_terms()["engines"].get(engine.value) if engine else None
        found = [p for p in circuit.nodes if p.name == block.name or (file and p.file == file) or p.kind == kind]
    _compared(session, block, f"nodes population {population or block.name}", found, circuit)
    if target is not None and target.value:
        note = f"SONATA has one node_set for all populations: name one that joins {target.value} and that of Run"
        session.record(Outcome.LOST, block, target, note)


def _compared(session: Session, block: Block, expected: str, found: list[Population], circuit: Circuit) -> None:
    if found:
        names = ", ".join(p.name for p in found)
        session.record(Outcome.CIRCUIT, block, None, f"{expected}: {circuit.file.name} has {names}")
    else:
        note = f"{circuit.file} has no such thing: add {expected} there"
        session.record(Outcome.LOST, block, None, note)
