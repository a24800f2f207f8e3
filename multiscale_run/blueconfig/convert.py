"""From a BlueConfig to SONATA's simulation configuration."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import libsonata

from mpi_coupling.atomic import write_in_one_step, writing
from mpi_coupling.settings.json_file import read_json
from mpi_coupling.settings.problems import ABSENT, ConfigError, Problem
from multiscale_run.blueconfig import blocks
from multiscale_run.blueconfig.circuit import compare_circuit, read_circuit
from multiscale_run.blueconfig.outcome import Entry, Outcome
from multiscale_run.blueconfig.parser import BlueConfig, read_blueconfig
from multiscale_run.blueconfig.session import Session
from multiscale_run.blueconfig.tables import BLOCK_TYPES
from multiscale_run.blueconfig.targets import read_targets

ORDER = (
    *("network", "node_sets_file", "node_set", "target_simulator", "run", "output", "conditions"),
    *("inputs", "reports", "connection_overrides", "metadata"),
)
"""Sections of the SONATA file, in the order in which they are written."""


@dataclass(frozen=True)
class Conversion:
    """A BlueConfig in SONATA's terms.

    Attributes:
        document: content of the simulation configuration.
        entries: what became of each key, in the order of the BlueConfig.
    """

    document: dict[str, Any]
    entries: tuple[Entry, ...]

    def with_outcome(self, *outcomes: Outcome) -> list[Entry]:
        """The entries of some outcomes."""
        return [entry for entry in self.entries if entry.outcome in outcomes]


def convert(circuit: Path, out: Path, node_sets: Path, blueconfig: Path, allow_missing: bool = False) -> Conversion:
    """Convert a BlueConfig; nothing is written.

    Args:
        circuit: SONATA's circuit configuration.
        out: where the simulation configuration will stand: paths below its folder are written relative to it.
        node_sets: SONATA's node sets, which take the place of the targets.
        blueconfig: the file to convert.
        allow_missing: write targets too that are not among the node sets.

    Raises:
        ConfigError: a file cannot be read, a value is wrong, a required key or a node set is missing.
    """
    config = read_blueconfig(blueconfig)
    networks = read_circuit(circuit)
    session = _session(config, out, node_sets, allow_missing)
    if session.problems:
        raise ConfigError(session.problems)
    document: dict[str, Any] = {
        "network": _named(circuit, session.out_folder),
        "node_sets_file": _named(node_sets, session.out_folder),
    }
    _other_blocks(session, config)
    blocks.convert_run(session, config, document)
    blocks.convert_stimuli(session, config, document)
    blocks.convert_reports(session, config, document)
    blocks.convert_connections(session, config, document)
    blocks.convert_modifications(session, config, document)
    compare_circuit(session, config, networks)
    if session.problems:
        raise ConfigError(session.problems)
    document = {section: document[section] for section in ORDER if section in document}
    _check(document, out, blueconfig)
    return Conversion(document, tuple(sorted(session.entries, key=lambda entry: entry.line)))


def write_conversion(conversion: Conversion, out: Path) -> None:
    """Write a simulation configuration, or replace it, in one step: a reader never sees half of it."""
    with writing(out, "name another file"):
        write_in_one_step(out, _text(conversion.document))


def _text(document: dict[str, Any]) -> str:
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"


def _session(config: BlueConfig, out: Path, node_sets: Path, allow_missing: bool) -> Session:
    runs = config.of("Run")
    current, targets = (runs[0].get(key) if runs else None for key in ("CurrentDir", "TargetFile"))
    folder = config.file.absolute().parent / (current.value if current else "")
    session = Session(
        file=config.file,
        folder=folder,
        out_folder=out.absolute().parent,
        node_sets_file=node_sets,
        node_sets=_node_sets(node_sets),
        targets=read_targets(folder / targets.value) if targets else {},
        allow_missing=allow_missing,
    )
    if not runs:
        session.problems.append(Problem(str(config.file), "", ABSENT, "has no block Run; is it a BlueConfig?"))
    for block in runs[1:]:
        session.problem(block, None, f"a second block Run; the first is in line {runs[0].line}, keep one")
    return session


def _node_sets(file: Path) -> frozenset[str]:
    """The names of the node sets of a file.

    Raises:
        ConfigError: it is not a file of node sets.
    """
    try:
        read_json(file, str(file))
        return frozenset(libsonata.NodeSets.from_file(str(file)).names)
    except ConfigError as error:
        if file.suffix != ".target":
            raise
        message = "NODE_SETS is SONATA's JSON file of node sets; write the targets of this file as node sets"
        raise ConfigError([*error.problems, Problem(str(file), "", ABSENT, message)]) from error
    except libsonata.SonataError as error:
        raise ConfigError([Problem(str(file), "", ABSENT, f"is not a file of node sets: {error}")]) from error


def _named(file: Path, folder: Path) -> str:
    path = file.absolute()
    return str(path.relative_to(folder)) if path.is_relative_to(folder) else str(path)


def _other_blocks(session: Session, config: BlueConfig) -> None:
    for block in config.blocks:
        if block.kind not in BLOCK_TYPES:
            session.record(Outcome.LOST, block, None, f"{block.kind} is not a known type of block")


def _check(document: dict[str, Any], out: Path, blueconfig: Path) -> None:
    """libsonata, which every SONATA simulator reads with, has the last word.

    Raises:
        ConfigError: it refuses the document.
    """
    try:
        libsonata.SimulationConfig(_text(document), str(out.absolute().parent))
    except Exception as error:  # also the exceptions of its JSON library
        raise ConfigError(
            [Problem(str(blueconfig), "", ABSENT, f"libsonata refuses what it becomes: {error}")]
        ) from error
