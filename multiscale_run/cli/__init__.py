"""The command line: one file per command, loaded only when it is called."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from mpi_coupling.command_line import LazyGroup, file_errors_are_the_users
from multiscale_run import __version__

COMMANDS = {
    "init": "Write a simulation folder that is ready to compute.",
    "check": "Look for mistakes in a simulation folder.",
    "compute": "Run the simulation.",
    "connections": "Show what is coupled to what, when and in which unit.",
    "post-processing": "Write a report of the results: one HTML file with figures.",
    "stats": "Show what a circuit and a simulation consist of.",
    "metabolism": "The metabolic network alone.",
    "edit-mod-files": "Copy the NEURON mechanisms into a simulation, for editing.",
    "virtualenv": "Make a Python environment for work on the suite itself.",
    "convert-blueconfig": "Convert a BlueConfig to a SONATA simulation configuration.",
}
"""Command -> help text. ``some-command`` lives in ``cli/some_command.py`` as ``command``."""

FOLDER = click.argument("folder", type=click.Path(path_type=Path), default=".", required=False)
"""The simulation folder: every command works in the present one without it."""


@click.group(
    cls=LazyGroup, package=__name__, summaries=COMMANDS, context_settings={"help_option_names": ["-h", "--help"]}
)
@click.version_option(__version__, prog_name="multiscale-run")
@click.option("-v", "--verbose", is_flag=True, help="Say more: log everything.")
def group(verbose: bool) -> None:
    """Coupled simulation of neurons, extracellular ions, blood flow and energy metabolism.

    Start with: multiscale-run init --circuit tiny my-simulation
    """


def refuse_several_ranks(command: str) -> None:
    """For commands that write files and have nothing to share out.

    Raises:
        UserError: this is a job of several ranks.
    """
    from mpi_coupling.world import UserError, World

    if World.start().size > 1:
        raise UserError(f"multiscale-run {command} runs on one rank; start it without mpirun or srun")


def main() -> None:
    """Entry point of the ``multiscale-run`` program: runs a command; an error ends all ranks."""
    if {"-h", "--help", "--version"} & set(sys.argv[1:]):
        group()  # needs no MPI
    from mpi_coupling.console import setup_logging
    from mpi_coupling.world import UserError, World, abort_on_error

    try:
        world = World.start()  # before any command imports NEURON
    except UserError as error:
        sys.exit(f"Error: {error}")
    abort_on_error(world)
    setup_logging(world.rank, world.size, 1 if {"-v", "--verbose"} & set(sys.argv[1:]) else 0)
    with world.guard(), file_errors_are_the_users():
        try:
            sys.exit(group(standalone_mode=False))
        except click.Abort as error:  # what click makes of Ctrl-C
            raise KeyboardInterrupt from error
        except click.ClickException as error:
            error.show()
            sys.exit(error.exit_code)
