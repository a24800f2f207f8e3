"""The files that a simulation reads besides its configuration, and a digest that tells when one of them has changed."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

import libsonata

from multiscale_run.config import SimulationConfig

BLOCK = 1 << 20
"""Bytes that are read at once."""

LONGEST_WHOLE = 64
"""Blocks up to which a file is read as a whole; of a longer one as many, spread evenly over it."""


def input_files(config: SimulationConfig) -> list[Path]:
    """Files of the circuit's populations, node sets, files of the stimuli and a metabolic network of the user's own.

    Not the morphologies, which can be a million files, and not the mesh, which a run may make itself.
    """
    circuit = json.loads(libsonata.CircuitConfig.from_file(str(config.network)).expanded_json)
    stimuli = config.raw.get("inputs", {})
    found = {config.node_sets_file, *_named(circuit, config.network.parent), *_named(stimuli, config.folder)}
    network = config.multiscale_run.metabolism.network_path
    if network is not None:
        found.update((config.folder / network).rglob("*"))
    return sorted(file for file in found if file.is_file())


def digest(files: list[Path]) -> str:
    """A digest of the contents of files, whatever their names and times: a copy has the same."""
    found = hashlib.sha256()
    for file in files:
        with file.open("rb") as stream:
            for part in _samples(stream, file.stat().st_size):
                found.update(part)
    return found.hexdigest()


def _named(node: Any, folder: Path) -> Iterator[Path]:
    """What stands in keys that end in ``_file``, at any depth."""
    if isinstance(node, list):
        node = dict(enumerate(node))
    if isinstance(node, dict):
        for key, value in node.items():
            if isinstance(value, str) and str(key).endswith("_file"):
                yield folder / value
            yield from _named(value, folder)


def _samples(stream: IO[bytes], size: int) -> Iterator[bytes]:
    yield f"{size}\0".encode()
    step = max(BLOCK, size // LONGEST_WHOLE)
    for begin in range(0, size, step):
        stream.seek(begin)
        yield stream.read(BLOCK)
