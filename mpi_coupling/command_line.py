"""What the command lines of the applications share."""

from __future__ import annotations

import contextlib
import importlib
from collections.abc import Iterator, Mapping
from typing import Any

import click

from mpi_coupling.failure import UserError


@contextlib.contextmanager
def file_errors_are_the_users() -> Iterator[None]:
    """Turns what the system says about a file (missing, read-only, disk full) into an error that the user can mend.

    Raises:
        UserError: the block raised an `OSError` that names a file; others pass.
    """
    try:
        yield
    except OSError as error:
        if error.filename is None:
            raise
        raise UserError(f"{error.filename}: {error.strerror}") from error


class LazyGroup(click.Group):
    """A group that imports a command's file when the command is called, so that ``--help`` is immediate."""

    def __init__(self, *arguments: Any, package: str, summaries: Mapping[str, str], **options: Any) -> None:
        """Prepares the group.

        Args:
            arguments: click's own.
            package: where the commands are: ``some-command`` is ``command`` in ``<package>.some_command``.
            summaries: command -> help text, in the order in which they are listed.
            options: click's own.
        """
        super().__init__(*arguments, **options)
        self._package = package
        self._summaries = summaries

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(self._summaries)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in self._summaries:
            return None
        command: click.Command = importlib.import_module(f"{self._package}.{cmd_name.replace('-', '_')}").command
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl(list(self._summaries.items()))
