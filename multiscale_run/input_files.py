"""The files that a simulation reads besides its configuration, and a digest that tells when one of them has changed."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import IO, Any

import libsonata

from multiscale_run.config import SimulationConfig
from multiscale_run.config.sonata_paths import sonata_path

BLOCK = 1 << 20
"""Bytes that are read at once."""

LONGEST_WHOLE = 64
"""Blocks up to which a file is read as a whole; of a longer one as many, spread evenly over it."""


def input_files(config: SimulationConfig) -> set[Path]:
    """Files of the circuit's populations, node sets, files of the stimuli and a metabolic network of the user's own.

    Not the morphologies, which can be a million files, and not the mesh, which a run may make itself.
    """
    circuit = json.loads(libsonata.CircuitConfig.from_file(str(config.network)).expanded_json)
    manifest = config.raw.get("manifest", {})
    found = {config.node_sets_file, *(config.network.parent / name for name in _named(circuit))}
    found.update(sonata_path(name, manifest, config.folder) for name in _named(config.raw.get("inputs", {})))
    network = config.multiscale_run.metabolism.network_path
    if network is not None:
        found.update(network.rglob("*"))
    return {file.resolve() for file in found if file.is_file()}


def digest(files: Collection[Path]) -> str:
    """A digest of the contents of some files, whatever their names, places and times: copies have the same."""
    return hashlib.sha256("\n".join(sorted(map(_digest_of_one, files))).encode()).hexdigest()


def _digest_of_one(file: Path) -> str:
    found = hashlib.sha256()
    with file.open("rb") as stream:
        for part in _samples(stream, file.stat().st_size):
            found.update(part)
    return found.hexdigest()


def _named(node: Any) -> Iterator[str]:
    """What stands in keys that end in ``_file``, at any depth."""
    if isinstance(node, list):
        node = dict(enumerate(node))
    if isinstance(node, dict):
        for key, value in node.items():
            if isinstance(value, str) and str(key).endswith("_file"):
                yield value
            yield from _named(value)


def _samples(stream: IO[bytes], size: int) -> Iterator[bytes]:
    yield f"{size}\0".encode()
    step = max(BLOCK, size // LONGEST_WHOLE)
    for begin in range(0, size, step):
        stream.seek(begin)
        yield stream.read(BLOCK)
