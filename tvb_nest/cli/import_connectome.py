"""``tvb-nest import-connectome``: check files of a connectome and write them the way simulations read them."""

from __future__ import annotations

from pathlib import Path

import click


@click.command("import-connectome")
@click.argument("source")
@click.argument("folder", type=click.Path(path_type=Path))
@click.option("--transpose", is_flag=True, help="The rows of SOURCE are sources, its columns targets.")
@click.option(
    "--length-unit",
    type=click.FloatRange(min=0, min_open=True),
    default=1.0,
    show_default=True,
    help="Millimetres in a unit of SOURCE's lengths and centres.",
)
@click.option("-f", "--force", is_flag=True, help="Replace a connectome in FOLDER.")
def command(source: str, folder: Path, transpose: bool, length_unit: float, force: bool) -> None:
    """Read weights, lengths, centres and labels from SOURCE and write them to FOLDER.

    SOURCE is a folder, a TVB zip, or the name of a tvb-data set."""
    from mpi_coupling.failure import UserError
    from tvb_nest.connectome_import import import_connectome

    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())) and not force:
        raise UserError(f"{folder} is not empty; name another folder, or use --force")
    connectome, remarks = import_connectome(source, folder, rows_are_sources=transpose, length_unit=length_unit)
    for remark in remarks:
        click.echo(f"note: {remark}")
    click.echo(f"wrote {connectome.n_regions} regions to {folder}")
