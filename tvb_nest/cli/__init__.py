"""The command line: one file per command, loaded only when it is called."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from mpi_coupling.command_line import LazyGroup, file_errors_are_the_users

COMMANDS = {
    "init": "Write a folder that is ready to run.",
    "params": "Show parameters, what they mean and what follows from them.",
    "check": "Look for mistakes in a simulation folder.",
    "run": "Run a simulation.",
    "stats": "Show what was computed.",
    "post-processing": "Draw what was computed.",
    "import-connectome": "Bring a connectome into the form that simulations read.",
    "fit-transfer-function": "Fit the mean field to the neurons of a simulation.",
    "explore": "Run a simulation at many points of its parameters.",
}
"""Command -> help text. ``some-command`` lives in ``cli/some_command.py`` as ``command``."""

FOLDER = click.argument("folder", type=click.Path(path_type=Path), default=".", required=False)
"""A parameter file or its folder: every command works in the present one without it."""


@click.group(
    cls=LazyGroup, package=__name__, summaries=COMMANDS, context_settings={"help_option_names": ["-h", "--help"]}
)
@click.version_option(package_name="multiscale-run", prog_name="tvb-nest")
@click.option("-v", "--verbose", is_flag=True, help="Say more: log everything.")
def group(verbose: bool) -> None:
    """Co-simulation of a whole brain (TVB) with spiking regions (NEST).

    Start with: tvb-nest init --example two-regions my-simulation
    """
    from mpi_coupling.console import setup_logging

    setup_logging(rank=0, size=1, verbosity=int(verbose))


def main() -> None:
    """Entry point of the ``tvb-nest`` program; commands that run in parallel start MPI themselves."""
    from mpi_coupling.failure import UserError, describe, exit_code

    try:
        with file_errors_are_the_users():
            group(prog_name="tvb-nest")
    except UserError as error:
        click.echo(describe(error), err=True)
        sys.exit(exit_code(error))
