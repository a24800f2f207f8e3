"""``multiscale-run stats``: what a circuit and its results consist of."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from multiscale_run.cli import FOLDER

if TYPE_CHECKING:
    from multiscale_run.analysis import ResultsSummary
    from multiscale_run.circuits import CircuitStatistics

MOST_VALUES = 12
"""Attributes with more different values than this are given by their number only."""


@click.command("stats")
@FOLDER
@click.option("--results", "only_results", is_flag=True, help="Show the results instead of the circuit.")
def command(folder: Path, only_results: bool) -> None:
    """Show the populations of the circuit in FOLDER (default: here), or with --results what was computed."""
    from multiscale_run.analysis import summarise
    from multiscale_run.circuits import circuit_statistics
    from multiscale_run.config import load_config

    config = load_config(folder)
    if only_results:
        _show_results(summarise(config))
    else:
        _show_circuit(circuit_statistics(config.network))


def _show_circuit(statistics: CircuitStatistics) -> None:
    from mpi_coupling.console import table

    nodes = [(p.name, p.kind, p.size, _megabytes(p.file_bytes)) for p in statistics.nodes]
    table("node populations", ["population", "type", "nodes", "MB"], nodes)
    edges = [
        (p.name, p.kind, f"{p.source} -> {p.target}", p.size, f"{p.per_target:.1f}", _megabytes(p.file_bytes))
        for p in statistics.edges
    ]
    table("edge populations", ["population", "type", "from -> to", "edges", "per target", "MB"], edges)
    kinds = [(p.name, attribute, _values(counts)) for p in statistics.nodes for attribute, counts in p.counts.items()]
    table("attributes", ["population", "attribute", "value: nodes"], kinds)
    click.echo(f"all files: {_megabytes(statistics.file_bytes)} MB")


def _values(counts: dict[str, int]) -> str:
    if len(counts) > MOST_VALUES:
        return f"{len(counts)} different values"
    return ", ".join(f"{value}: {count}" for value, count in counts.items())


def _megabytes(size: int) -> str:
    return f"{size / 1e6:.2f}"


def _show_results(results: ResultsSummary) -> None:
    from mpi_coupling.console import table

    rows = [
        (
            r.name,
            r.unit,
            f"{r.rows[0]}/{r.rows[1]}",
            r.elements,
            *(f"{x:.6g}" for x in (r.first, r.last, r.lowest, r.highest)),
        )
        for r in results.reports
    ]
    columns = ["report", "unit", "steps written", "elements", "mean at start", "mean at end", "lowest", "highest"]
    table("reports", columns, rows)
    moved = [
        (quantity, r.unit, *(f"{x:.6g}" for x in (r.first, r.last)), f"{r.moved:+.3g}", f"{100 * r.moved_part:+.3g} %")
        for quantity, r in results.highlights
    ]
    columns = ["quantity", "unit", "mean at start", "mean at end", "largest change of one", "relative"]
    table("what moved", columns, moved)
    for reason in results.unreadable:
        click.echo(f"warning: {reason}")
    if results.spikes is not None:
        click.echo(f"{results.spikes} spikes")
    if results.state.state == "finished":
        click.echo(f"{results.state}; results in {results.folder}")
    else:
        click.echo(f"not finished: steps that were not reached are NaN; {results.state}; results in {results.folder}")
