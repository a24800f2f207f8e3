"""Ready-made parameters: a table for each example."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from importlib import resources
from typing import Any

from mpi_coupling.settings.json_file import merge

NAMES = ("two-regions", "wong-wang", "asynchronous", "regular-burst", "up-down", "mouse-brain")

REPLACED = ("multimeter_list", "record_spike_list")
"""Tables that an example takes as they are, instead of adding to those of the example or default below."""


@dataclass(frozen=True)
class Example:
    """An example.

    Attributes:
        title: one line.
        about: a paragraph.
        source: where its values are from.
        parameters: what differs from the defaults, as in parameter.json.
        upstream: what is different again where the original's slips are kept.
    """

    title: str
    about: str
    source: str
    parameters: dict[str, Any]
    upstream: dict[str, Any]


def load_example(name: str) -> Example:
    """Read the table of an example, on top of the one that it extends."""
    text = resources.files("tvb_nest.examples").joinpath(f"{name}.toml").read_text(encoding="utf-8")
    table = tomllib.loads(text)
    about = {key: str(table.pop(key)).strip() for key in ("title", "about", "source")}
    below = load_example(table.pop("extends")) if "extends" in table else None
    upstream = table.pop("upstream", {})
    if below is not None:
        table, upstream = layered(below.parameters, table), layered(below.upstream, upstream)
    return Example(parameters=table, upstream=upstream, **about)


def layered(below: dict[str, Any], above: dict[str, Any]) -> dict[str, Any]:
    """Merge parameters key by key; lists of recorders are replaced as a whole."""
    result = merge(below, above)
    for section, content in above.items():
        for name in REPLACED:
            if isinstance(content, dict) and name in content:
                result[section][name] = content[name]
    return result
