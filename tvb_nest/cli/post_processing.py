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
    """Draw spikes, rates and the mean field of the brain computed in FOLDER (default: here)."""
    from matplotlib.backend_bases import FigureCanvasBase

    from mpi_coupling.atomic import writing
    from mpi_coupling.failure import UserError
    from tvb_nest.figures import draw_summary
    from tvb_nest.results import Results

    results = Results.of(folder)
    path = output or results.folder / "figures" / "summary.png"
    formats = FigureCanvasBase.get_supported_filetypes()
    if path.suffix.removeprefix(".") not in formats:
        raise UserError(f"--output {path}: no format has this ending; take one of {', '.join(sorted(formats))}")
    with writing(path, "name another file with --output"):
        path.parent.mkdir(parents=True, exist_ok=True)
        draw_summary(results, path)
    click.echo(f"drawn: {path}")
