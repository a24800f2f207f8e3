"""``tvb-nest fit-transfer-function``: the mean field's coefficients for the neurons of a simulation."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING

import click

from tvb_nest.cli import FOLDER

if TYPE_CHECKING:
    from tvb_nest.tvb_side.mean_field.fitting import Fit

BANDS = (0.0, 2e-3, 5e-3, 10e-3, 20e-3, 40e-3, 60e-3)
"""kHz, of the rows of the table."""


@click.command("fit-transfer-function")
@FOLDER
@click.option(
    "--duration",
    type=click.FloatRange(min=100.0),
    default=10_000.0,
    show_default=True,
    help="Time in which the spikes of a neuron are counted, ms.",
)
@click.option("--dry-run", is_flag=True, help="Show the fit; leave the parameter file alone.")
def command(folder: Path, duration: float, dry_run: bool) -> None:
    """Fit the mean field to the neurons of FOLDER (default: here).

    Runs single neurons in NEST at some two hundred inputs, fits the coefficients P_e and P_i of the effective threshold
    to their rates, and writes them to parameter.json. Do so after every change of neurons or synapses: with the
    coefficients of others a region fires at another rate as a mean field than as a spiking network.
    """
    from mpi_coupling.console import table
    from tvb_nest.parameters import read_parameters, write_parameters
    from tvb_nest.transfer_function import measure_and_fit, with_fits

    parameters = read_parameters(folder)
    fits = measure_and_fit(parameters, duration)
    columns = ("neurons", "rate (Hz)", "inputs", "misfit (Hz)", "of it chance (Hz)")
    table("misfit of the transfer functions, root mean square", columns, _rows(fits))
    for kind, fit in fits.items():
        click.echo(f"P_{kind} = {[float(f'{value:.6g}') for value in fit.coefficients]}")
    if not dry_run:
        write_parameters(with_fits(parameters, fits), resolved=False)
        click.echo(f"written to {parameters.file}")


def _rows(fits: Mapping[str, Fit]) -> Iterator[tuple[str, ...]]:
    names = {"e": "excitatory", "i": "inhibitory"}
    for kind, fit in fits.items():
        for low, high in pairwise(BANDS):
            points, misfit, chance = fit.misfit(low, high)
            if not math.isnan(misfit):
                band = f"{1e3 * low:g} to {1e3 * high:g}"
                yield names[kind], band, str(points), f"{1e3 * misfit:.2f}", f"{1e3 * chance:.2f}"
