"""``tvb-nest params``: what the parameters are and mean."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from tvb_nest.cli import FOLDER

if TYPE_CHECKING:
    from tvb_nest.parameters import Parameters


@click.command("params")
@FOLDER
@click.option("--links", "view", flag_value="links", help="Show the keys that follow from others.")
@click.option("--resolved", "view", flag_value="resolved", help="Print all keys as JSON, with those that follow.")
@click.option("--schema", "view", flag_value="schema", help="Print the JSON schema of parameter files.")
def command(folder: Path, view: str | None) -> None:
    """Show the parameters in FOLDER (or a parameter file; default: here) with units and meaning."""
    from mpi_coupling.console import table
    from tvb_nest.parameters import format_document, read_parameters, schema

    if view == "schema":
        click.echo(json.dumps(schema(), indent=2))
        return
    parameters = read_parameters(folder)
    match view:
        case "resolved":
            click.echo(format_document(parameters.resolved.document()), nl=False)
        case "links":
            table("Keys that follow from others", ("key", "value", "unit", "follows from"), _links(parameters))
        case _:
            table(f"Parameters of {parameters.file}", ("key", "value", "unit", "meaning"), _keys(parameters))


def _links(parameters: Parameters) -> Iterator[tuple[str, str, str, str]]:
    from tvb_nest.parameters import link_table

    for link in link_table():
        value = link.value(parameters.resolved)
        yield link.target, _shown(value), link.unit, link.source


def _keys(parameters: Parameters) -> Iterator[tuple[str, str, str, str]]:
    from mpi_coupling.settings.problems import ABSENT
    from tvb_nest.parameters import key_table

    for info, value in key_table(parameters):
        if not (info.unused and value is ABSENT):
            yield info.name, "" if value is ABSENT else _shown(value), info.unit, info.description


def _shown(value: Any) -> str:
    from mpi_coupling.settings.problems import format_value

    return format_value(value)
