"""``multiscale-run convert-blueconfig``: from the simulation file before SONATA to SONATA's."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from multiscale_run.cli import refuse_several_ranks

if TYPE_CHECKING:
    from multiscale_run.blueconfig import Conversion

FILE = click.Path(path_type=Path, dir_okay=False)
INPUT = click.Path(path_type=Path, dir_okay=False, exists=True)


@click.command("convert-blueconfig")
@click.argument("circuit_config", type=INPUT)
@click.argument("out", type=FILE)
@click.argument("node_sets", type=INPUT)
@click.argument("blueconfig", type=INPUT)
@click.option("-f", "--force", is_flag=True, help="Replace OUT where it exists.")
@click.option("--allow-missing", is_flag=True, help="Also write targets that NODE_SETS does not have.")
@click.option("--strict", is_flag=True, help="Write nothing, and end with exit code 2, where anything is lost.")
def command(
    circuit_config: Path,
    out: Path,
    node_sets: Path,
    blueconfig: Path,
    force: bool,
    allow_missing: bool,
    strict: bool,
) -> None:
    """Convert BLUECONFIG to the SONATA simulation configuration OUT.

    CIRCUIT_CONFIG is the circuit in SONATA format, NODE_SETS the JSON file whose node sets take the place of targets.
    Lists what became of every key; what SONATA cannot express is lost, and listed with the reason.
    """
    from mpi_coupling.world import UserError
    from multiscale_run.blueconfig import Outcome, convert, write_conversion

    refuse_several_ranks("convert-blueconfig")
    if out.exists() and not force:
        raise UserError(f"{out} exists; name another file, or replace it with --force")
    if not out.absolute().parent.is_dir():
        raise UserError(f"{out.parent}: no such folder to write {out.name} into")
    conversion = convert(circuit_config, out, node_sets, blueconfig, allow_missing)
    _show(conversion)
    lost = len(conversion.with_outcome(Outcome.LOST))
    if strict and lost:
        raise UserError(f"{blueconfig}: {lost} keys or blocks are lost, see the table; nothing is written (--strict)")
    write_conversion(conversion, out)
    converted = len(conversion.with_outcome(Outcome.CONVERTED, Outcome.DEFAULT))
    click.echo(f"{out} is written: {converted} converted, {lost} lost")


def _show(conversion: Conversion) -> None:
    from mpi_coupling.console import table
    from multiscale_run.blueconfig import Outcome

    converted = conversion.with_outcome(Outcome.CONVERTED, Outcome.DEFAULT)
    rows = [(e.line or None, e.block or "(default)", e.key, e.place, e.note) for e in converted]
    table("converted", ["line", "block", "key", "in SONATA", "value"], rows)
    for title, outcomes in (
        ("not needed, or part of the circuit", (Outcome.USED, Outcome.CIRCUIT, Outcome.NEEDLESS)),
        ("lost", (Outcome.LOST,)),
    ):
        entries = conversion.with_outcome(*outcomes)
        if entries:
            table(
                title, ["line", "block", "key", "why"], [(e.line, e.block, e.key or "(all)", e.note) for e in entries]
            )
