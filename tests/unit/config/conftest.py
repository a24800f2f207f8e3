"""A simulation folder to spoil: the default configuration with a circuit file and node sets beside it."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from multiscale_run.config import default_config

Write = Callable[..., Path]

TWO_SIMULATORS = {"with_steps": False, "with_bloodflow": False}
"""Most rules show in neurons and metabolism alone; tests of the others switch them on."""


def changed(content: dict[str, Any], changes: dict[tuple[str | int, ...], Any]) -> dict[str, Any]:
    """A copy of a configuration with other values at some places; ``...`` takes a key out."""
    result = copy.deepcopy(content)
    for path, value in changes.items():
        node: Any = result
        for part in path[:-1]:
            node = node.setdefault(part, {}) if isinstance(node, dict) else node[part]
        if value is ...:
            del node[path[-1]]
        else:
            node[path[-1]] = value
    return result


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Write a simulation folder: ``write({path: value, ...})`` changes the default of neurons and metabolism."""

    def write_folder(changes: dict[tuple[str | int, ...], Any] | None = None, **options: Any) -> Path:
        for name in ("circuit_config.json", "node_sets.json"):
            (tmp_path / name).write_text("{}")
        content = changed(default_config(**TWO_SIMULATORS | options), changes or {})
        (tmp_path / "simulation_config.json").write_text(json.dumps(content))
        return tmp_path

    return write_folder
