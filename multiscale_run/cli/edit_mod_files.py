"""``multiscale-run edit-mod-files``: NEURON mechanisms of one's own."""

from __future__ import annotations

import shlex
from pathlib import Path

import click

from multiscale_run.cli import FOLDER, refuse_several_ranks


@click.command("edit-mod-files")
@FOLDER
@click.option("--rebuild", "only_rebuild", is_flag=True, help="Build the files in FOLDER/mod after they were edited.")
def command(folder: Path, only_rebuild: bool) -> None:
    """Copy the mod files in use into FOLDER/mod (default: ./mod) and build them, for editing.

    The simulation in FOLDER uses them from then on. `check` and `compute` warn, and build, when they changed since.
    """
    from multiscale_run.mechanisms import copy_mod_files, mod_warnings, patch_slurm_script, rebuild

    refuse_several_ranks("edit-mod-files")
    if not only_rebuild:
        copied = copy_mod_files(folder)
        click.echo(f"{len(list(copied.iterdir()))} files in {copied}")
        if patch_slurm_script(folder):
            click.echo(f"{folder / 'simulation.sbatch'} now unsets NRNMECH_LIB_PATH, which would replace them")
    click.echo(f"built: {rebuild(folder)}")
    for warning in mod_warnings(folder):
        click.echo(f"note: {warning}")
    if not only_rebuild:
        click.echo(f"edit them, then: multiscale-run edit-mod-files --rebuild {shlex.quote(str(folder))}")
