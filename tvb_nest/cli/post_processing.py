"""``tvb-nest post-processing``: the figure of a run."""

from __future__ import annotations

from pathlib import Path

import click

from tvb_nest.cli import FOLDER


@click.command("post-processing")
@FOLDER
@click.option(
    "-o", "--output", type=click.Path(path_type=Path, dir_okay=False), help="File, default figures/summary.png."
)
def command(folder: Path, output: Path | None) -> None:
    """Draw spikes, rates and the mean field of the brain computed in FOLDER (default: here).

    A run that is not finished is drawn as far as it is on disk.
    """
    from mpi_coupling.atomic import writing
    from tvb_nest.figures import draw_summary
    from tvb_nest.results import Results

    results = Results.of(folder)
    path = _default(results.folder / "figures") if output is None else _checked(output)
    with writing(path, "name another file with --output"):
        notes = draw_summary(results, path)
    for note in notes:
        click.echo(f"note: {note}")
    click.echo(f"drawn: {path}")


def _default(folder: Path) -> Path:
    """The file in the folder of figures, which is made."""
    from mpi_coupling.failure import UserError

    try:
        folder.mkdir(exist_ok=True)
    except OSError as error:
        reason = "is a file, not a folder" if folder.exists() else f"cannot be made ({error.strerror})"
        raise UserError(f"{folder}: {reason}; name another place for the figure: --output FILE") from error
    return folder / "summary.png"


def _checked(output: Path) -> Path:
    """The user's file, if a figure can be written there."""
    from matplotlib.backend_bases import FigureCanvasBase

    from mpi_coupling.failure import UserError

    formats = FigureCanvasBase.get_supported_filetypes()
    if output.suffix.removeprefix(".") not in formats:
        raise UserError(f"--output {output}: no format has this ending; take one of {', '.join(sorted(formats))}")
    if not output.parent.is_dir():
        raise UserError(f"--output {output}: there is no folder {output.parent}; make it, or name another one")
    return output
