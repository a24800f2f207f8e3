"""Paths in SONATA files: relative to the file, with names from its manifest."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path


def sonata_path(name: str, manifest: Mapping[str, str], folder: Path) -> Path:
    """A path of a SONATA file, absolute.

    Args:
        name: the path as written; may begin with a name of the manifest, such as $BASE_DIR.
        manifest: names of folders; values may use other names.
        folder: where relative paths start.
    """
    variables = sorted(manifest, key=len, reverse=True)
    for _ in variables:  # names within names: at most one level for each
        for variable in variables:
            name = name.replace(variable, manifest[variable])
    return (folder / name).resolve()


def circuit_node_sets(circuit: Path) -> Path | None:
    """The node sets that a circuit_config.json brings, or None where it has none or cannot be read."""
    try:
        content = json.loads(circuit.read_text(encoding="utf-8"))
        name = content.get("node_sets_file")
        return sonata_path(name, content.get("manifest", {}), circuit.parent) if name else None
    except (OSError, ValueError, AttributeError, TypeError):
        return None
