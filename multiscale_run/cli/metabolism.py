"""``multiscale-run metabolism``: the metabolic network alone."""

from __future__ import annotations

import time
from pathlib import Path

import click

VARIANT = click.option("--variant", default="standard", show_default=True, help="Variant of the network.")
NETWORK = click.option(
    "--network", "folder", type=click.Path(path_type=Path), help="Folder with the tables of a network of your own."
)
FILE = click.Path(path_type=Path, dir_okay=False)


@click.group("metabolism")
def command() -> None:
    """The metabolic network by itself: run it, write it as SBML, read one of your own."""


@command.command("run")
@click.option("--cells", type=click.IntRange(min=1), default=8, show_default=True, help="How many cells.")
@click.option(
    "--seconds", type=click.FloatRange(min=0, min_open=True), default=10.0, show_default=True, help="How long [s]."
)
@click.option("--demand", type=float, default=0.0257, show_default=True, help="ATP taken from the neuron [mM/s].")
@click.option(
    "--spread", type=click.FloatRange(0, 1), default=0.0, show_default=True, help="Spread of the demand over cells."
)
@click.option("--engine", "engine_name", default="native", show_default=True, help="native, scipy or julia.")
@click.option(
    "--set", "settings", multiple=True, metavar="NAME=VALUE", help="An input or parameter, such as bf_fin=1e-4."
)
@click.option("--plot", type=FILE, help="Draw the energy species into this file.")
@VARIANT
@NETWORK
def run(
    cells: int,
    seconds: float,
    demand: float,
    spread: float,
    engine_name: str,
    settings: tuple[str, ...],
    plot: Path | None,
    variant: str,
    folder: Path | None,
) -> None:
    """Integrate cells from rest under a constant ATP demand and show the energy species."""
    from mpi_coupling.console import table
    from multiscale_run.analysis.metabolism_alone import ENERGY_SPECIES, plot_course, run_alone
    from multiscale_run.metabolism import Status, load_network, make_engine

    given = _numbers(settings)
    names = {x.id for x in load_network(variant, folder).inputs}
    network = load_network(variant, folder, {k: v for k, v in given.items() if k not in names})
    engine = make_engine(engine_name, network)
    start = time.perf_counter()
    inputs = {name: value for name, value in given.items() if name in names}
    course = run_alone(engine, cells, seconds, demand=demand, spread=spread, inputs=inputs)
    elapsed = time.perf_counter() - start
    rows = []
    for i, species in enumerate(course.species):
        values, label = course.values[:, :, i], ENERGY_SPECIES.get(species, "")
        figures = (values[0].mean(), values[-1].mean(), values.min(), values.max())
        rows.append((species, label, network.species[network.slot(species)].unit, *(f"{x:.6g}" for x in figures)))
    table(f"{cells} cells, {seconds:g} s", ["species", "", "unit", "start", "end", "lowest", "highest"], rows)
    for status in sorted(set(course.status.tolist()) - {Status.OK}):
        click.echo(f"{int((course.status == status).sum())} cells failed: {Status(status).meaning}")
    click.echo(
        f"{elapsed:.3f} s of wall time, {1e6 * elapsed / cells / (len(course.seconds) - 1):.1f} us per cell and window"
    )
    if plot is not None:
        plot_course(course, network, plot)
        click.echo(f"figure in {plot}")

    if (course.status != Status.OK).all():
        raise SystemExit(3)


@command.command("export")
@click.argument("file", type=FILE)
@VARIANT
@NETWORK
def export(file: Path, variant: str, folder: Path | None) -> None:
    """Write the network as an SBML FILE (Level 3 Version 2) for other simulators."""
    from multiscale_run.metabolism import load_network
    from multiscale_run.metabolism.sbml import export_sbml

    click.echo(export_sbml(load_network(variant, folder), file, folder).message)


@command.command("import")
@click.argument("file", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@click.argument("folder", type=click.Path(path_type=Path, file_okay=False))
@click.option("--input", "inputs", multiple=True, metavar="ID", help="A parameter of the model to be set per cell.")
def import_(file: Path, folder: Path, inputs: tuple[str, ...]) -> None:
    """Read an SBML FILE and write it as a FOLDER of tables: a network for metabolism.network_path."""
    from mpi_coupling.world import UserError
    from multiscale_run.metabolism.sbml import import_sbml, write_tables

    if folder.is_dir() and any(folder.iterdir()):
        raise UserError(f"{folder} is not empty; name a new folder")
    imported = import_sbml(file, inputs)
    write_tables(imported.network, folder)
    click.echo(f"{imported.message}\ntables in {folder}")


def _numbers(assignments: tuple[str, ...]) -> dict[str, float]:
    from mpi_coupling.world import UserError

    values = {}
    for text in assignments:
        name, _, number = text.partition("=")
        try:
            values[name.strip()] = float(number)
        except ValueError:
            raise UserError(f"--set {text}: write NAME=NUMBER, such as glc_art=4.6") from None
    return values
