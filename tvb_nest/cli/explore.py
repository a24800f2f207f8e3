"""``tvb-nest explore``: a simulation at many points of its parameters."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Iterable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from tvb_nest.cli import FOLDER

if TYPE_CHECKING:
    from tvb_nest.exploration import Exploration, Point, Record

SOME_FAILED = 1
"""Exit code when points failed."""


@click.command("explore")
@FOLDER
@click.option("--vary", multiple=True, metavar="KEY=VALUES", help="A key and its values: 1,2,5 or start:stop:count.")
@click.option(
    "--points",
    "table",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help="CSV file instead: a column for each key, a row for each point.",
)
@click.option("-o", "--output", type=click.Path(path_type=Path), help="Folder of the results [FOLDER/exploration].")
@click.option("-j", "--jobs", type=click.IntRange(min=1), default=1, show_default=True, help="Points at a time.")
@click.option("--retry", is_flag=True, help="Run also the points that failed before.")
@click.option("--command", "program", help="What runs a point [tvb-nest run {folder}].")
@click.option("--slurm", is_flag=True, help="Run the points as an array of SLURM jobs.")
@click.option("--slurm-option", "options", multiple=True, metavar="NAME=VALUE", help="Such as timeout_min=60.")
@click.option("--result", help="Result to draw [the mean excitatory rate, else the first].")
@click.option("--summary", "only_summary", is_flag=True, help="Run nothing; only write table and figure anew.")
def command(
    folder: Path,
    vary: tuple[str, ...],
    table: Path | None,
    output: Path | None,
    jobs: int,
    retry: bool,
    program: str | None,
    slurm: bool,
    options: tuple[str, ...],
    result: str | None,
    only_summary: bool,
) -> None:
    """Run the simulation in FOLDER (default: here) at all combinations of some values, or at the points of a table.

    Points that are finished are left alone, so an exploration that was stopped is continued by the same command. Every
    point has a folder with its parameters and results; summary.csv and a figure put the results together.
    """
    from tvb_nest.exploration import explore, in_slurm, in_this_machine, run_program, summarise
    from tvb_nest.exploration.program import COMMAND, command_of

    exploration = _exploration(folder, vary, table, output)
    records = {}
    if not only_summary:
        run = partial(run_program, command=COMMAND if program is None else command_of(program))
        launch = in_slurm(exploration.folder, _options(options)) if slurm else in_this_machine(jobs)
        records = explore(exploration, run=run, launch=launch, retry=retry)
    for file in summarise(exploration, result):
        click.echo(f"wrote {file}")
    _tell(records)


def _exploration(folder: Path, vary: tuple[str, ...], table: Path | None, output: Path | None) -> Exploration:
    from tvb_nest.exploration import Exploration
    from tvb_nest.parameters import read_parameters

    base = read_parameters(folder)
    return Exploration(base, (output or base.folder / "exploration").absolute(), _points(vary, table))


def _points(vary: tuple[str, ...], table: Path | None) -> list[Point]:
    from mpi_coupling.failure import UserError
    from tvb_nest.exploration import axis_of, points_of_grid, points_of_table

    if bool(vary) == (table is not None):
        raise UserError("say what to vary: either --vary KEY=VALUES, once for each key, or --points FILE")
    return points_of_table(table) if table is not None else points_of_grid(axis_of(text) for text in vary)


def _options(texts: Iterable[str]) -> dict[str, Any]:
    from mpi_coupling.failure import UserError

    result: dict[str, Any] = {}
    for text in texts:
        name, equals, value = text.partition("=")
        if not equals:
            raise UserError(f"--slurm-option {text}: must be NAME=VALUE")
        result[name] = int(value) if value.isdecimal() else value
    return result


def _tell(records: dict[str, Record]) -> None:
    counts = Counter(record.state for record in records.values())
    failed = {name: record for name, record in records.items() if record.state == "failed"}
    if records:
        click.echo(", ".join(f"{count} {state}" for state, count in sorted(counts.items())))
    for name, record in failed.items():
        click.echo(f"{name}: {record.message}")
    if failed:
        sys.exit(SOME_FAILED)
