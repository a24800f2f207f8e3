"""Options of the command line by which a user says where a job shall run."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

import click
from pydantic import TypeAdapter, ValidationError

from mpi_coupling.slurm.sites import DEFAULT, OWN_MESSAGE, TimeLimit, Word, find_site, read_site

_OPTIONS: tuple[tuple[str, Any, str, str], ...] = (
    ("account", Word, "NAME", "Account to charge."),
    ("partition", Word, "NAME", "Partition of the cluster."),
    ("nodes", click.IntRange(min=1), "N", "Nodes of a job."),
    ("ntasks-per-node", click.IntRange(min=1), "N", "Ranks on each node."),
    ("time", TimeLimit, "LIMIT", "Time limit of a job, such as 02:00:00 or 1-12."),
    ("constraint", Word, "FEATURES", "Features that nodes must have."),
)
"""Name, type, placeholder and help. All but `--site` are keys of a profile and stand before its values."""


class _Checked(click.ParamType):
    """Text of a type of the profile."""

    name = "text"

    def __init__(self, kind: Any) -> None:
        self._adapter: TypeAdapter[str] = TypeAdapter(kind)

    def convert(self, value: str, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """Check it with the words of the profile."""
        try:
            return self._adapter.validate_python(value)
        except ValidationError as error:
            self.fail(f"{value!r} {error.errors()[0]['msg'].removeprefix(OWN_MESSAGE)}", param, ctx)


def site_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command the options of a SLURM job; it is called with the profile that they make as `site`."""

    @wraps(command)
    def with_site(*arguments: Any, site: str, **options: Any) -> Any:
        names = [name.replace("-", "_") for name, *_ in _OPTIONS]
        given = {name: value for name in names if (value := options.pop(name)) is not None}
        return command(*arguments, site=read_site(find_site(site), given), **options)

    for name, kind, placeholder, text in reversed(_OPTIONS):
        checked = kind if isinstance(kind, click.ParamType) else _Checked(kind)
        with_site = click.option(f"--{name}", type=checked, metavar=placeholder, help=f"SLURM: {text}")(with_site)
    text = "SLURM: profile of a cluster, by name or as a file."
    return click.option("--site", default=DEFAULT, show_default=True, metavar="NAME|FILE.toml", help=text)(with_site)
