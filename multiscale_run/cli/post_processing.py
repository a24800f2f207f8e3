"""``multiscale-run post-processing``: a report of the results."""

from __future__ import annotations

from pathlib import Path

import click

from multiscale_run.cli import FOLDER, refuse_several_ranks

FILE = click.Path(path_type=Path, dir_okay=False)


@click.command("post-processing")
@FOLDER
@click.option("--notebook", type=FILE, help="Run this notebook instead of the simulation's postproc.ipynb.")
@click.option(
    "--compare",
    metavar="FOLDER",
    type=click.Path(path_type=Path),
    help="Lay the results of another simulation over it.",
)
@click.option(
    "--output",
    type=FILE,
    help="Write the report here instead of report.html (or report-compare-OTHER.html) among the results.",
)
def command(folder: Path, notebook: Path | None, compare: Path | None, output: Path | None) -> None:
    """Write a report of the results of the simulation in FOLDER (default: here): one HTML file, to be read offline.

    The report is what the simulation's notebook shows. Runs that are not finished are shown as far as they came.
    """
    from multiscale_run.analysis import Results
    from multiscale_run.analysis.html_report import write_report

    refuse_several_ranks("post-processing")
    results = Results(folder)
    other = None if compare is None else Results(compare)
    click.echo(f"report: {write_report(results, notebook, other, output)}")
