"""``multiscale-run watch``: follow a run while it is computed."""

from __future__ import annotations

import math
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from multiscale_run.cli import FOLDER, refuse_several_ranks

if TYPE_CHECKING:
    from multiscale_run.watching import Moment


@click.command("watch")
@FOLDER
@click.option("--once", is_flag=True, help="Print one table and end.")
@click.option(
    "--every",
    metavar="S",
    type=click.FloatRange(min=0.1),
    default=2.0,
    show_default=True,
    help="Wall time between two looks, in seconds.",
)
def command(folder: Path, once: bool, every: float) -> None:
    """Follow the run in FOLDER (default: here), on this machine or in a queue, by the files that it writes.

    Shows progress, speed, spikes, neurons that take part, ATP, ions and vessels at the last moment on disk, and the
    last warnings. The run is not disturbed. Exit code: 0 when the run has finished, or with --once if it goes on; 1
    when it stopped itself or was killed; 2 when the folder is no simulation.
    """
    refuse_several_ranks("watch")
    from mpi_coupling.console import standard_output
    from multiscale_run.config import load_config
    from multiscale_run.watching import follow, look

    if once:
        moment = look(load_config(folder))
        click.echo(moment.outcome)  # as one line: it may end with a command
        for part in _details(moment):
            standard_output().print(part)
    elif standard_output().is_terminal:
        moment = _show_live(folder, every)
    else:
        for moment in follow(folder, every):
            click.echo(_line(moment))
    if moment.state in ("stopped", "unfinished"):
        sys.exit(1)


def _show_live(folder: Path, every: float) -> Moment:
    from rich.live import Live

    from mpi_coupling.console import standard_output
    from multiscale_run.watching import Moment, follow

    moment = Moment("waiting")
    with Live(console=standard_output(), auto_refresh=False) as live:
        for moment in follow(folder, every):
            live.update(_panel(moment), refresh=True)
    click.echo(moment.outcome)
    return moment


def _panel(moment: Moment) -> Any:
    from rich.console import Group
    from rich.progress_bar import ProgressBar
    from rich.text import Text

    bar = ProgressBar(total=max(moment.planned_ms, 1e-9), completed=moment.reached_ms, width=60)
    return Group(bar, Text(moment.outcome), *_details(moment))


def _details(moment: Moment) -> list[Any]:
    """A table, where there is something to tell, and the warnings."""
    from rich.text import Text

    from mpi_coupling.console import build_table

    columns = ["", "value, mean", "lowest", "highest", "unit"]
    rows = [*_facts(moment), *((s.label, s.mean, s.lowest, s.highest, s.unit) for s in moment.spreads)]
    table = [build_table("", columns, map(_as_text, rows))] if rows else []
    return [*table, *(Text(f"warning: {text}", style="yellow") for text in moment.warnings)]


def _facts(moment: Moment) -> list[tuple[Any, ...]]:
    from mpi_coupling.console import duration

    if moment.state in ("waiting", "building"):
        return []
    left = None if math.isnan(moment.seconds_left) else duration(moment.seconds_left)
    facts = [
        ("biological time", moment.reached_ms, None, None, "ms"),
        ("planned", moment.planned_ms, None, None, "ms"),
        ("speed", None if math.isnan(moment.speed) else moment.speed, None, None, "biological s per s"),
        ("time left", left, None, None, ""),
        ("spikes", moment.spikes, None, None, ""),
        ("mean rate", moment.rate, None, None, "Hz"),
        ("rate, last 100 ms", moment.present_rate, None, None, "Hz"),
        ("neurons that take part", moment.alive, None, None, f"of {moment.neurons}"),
        ("warnings", moment.n_warnings, None, None, ""),
    ]
    return [fact for fact in facts if fact[1] is not None]


def _as_text(row: tuple[Any, ...]) -> list[Any]:
    return [f"{cell:.6g}" if isinstance(cell, float) else cell for cell in row]


def _line(moment: Moment) -> str:
    """All in a line, where nobody watches a terminal."""
    facts = [f"{what} {_as_text((value,))[0]} {unit}".strip() for what, value, *_, unit in _facts(moment)[2:]]
    means = [f"{s.label} {s.mean:.6g} {s.unit}" for s in moment.spreads]
    return "; ".join([moment.outcome, *facts, *means])
