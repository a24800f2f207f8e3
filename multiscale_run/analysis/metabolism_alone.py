"""The metabolic network without neurons: cells under a constant ATP demand, for those who work on the network."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from mpi_coupling.world import UserError
from multiscale_run.metabolism import MetabolismEngine, Network, Status

ATP = "atp_c_n"
ENERGY_SPECIES = {
    "atp_c_n": "ATP, neuron",
    "atp_c_a": "ATP, astrocyte",
    "pcr_c_n": "phosphocreatine, neuron",
    "glc_c_n": "glucose, neuron",
    "lac_c_n": "lactate, neuron",
    "o2_b": "oxygen, capillary",
    "nadh_m_n": "NADH, neuronal matrix",
    "psi_m_n": "matrix potential, neuron",
}
"""What a figure shows of our network: species -> its name in words."""

MOST_SHOWN = 8
"""Species shown of a network that has none of these."""


@dataclass(frozen=True)
class Course:
    """The course of a run.

    Attributes:
        seconds: times of the rows, shape (rows,).
        species: ids of the species shown.
        values: their values, shape (rows, cells, species); a failed cell keeps its last good ones.
        status: how each cell ended, shape (cells,).
    """

    seconds: np.ndarray
    species: tuple[str, ...]
    values: np.ndarray
    status: np.ndarray


def run_alone(
    engine: MetabolismEngine,
    cells: int,
    seconds: float,
    *,
    demand: float = 0.0,
    spread: float = 0.0,
    window: float = 0.1,
    inputs: Mapping[str, float] | None = None,
) -> Course:
    """Integrate cells from the resting state with ATP removed at a constant rate.

    The demand is taken out after each window, as a neuron's pump does in a coupled run.

    Args:
        engine: integrates the network.
        cells: how many.
        seconds: duration; rounded up to whole windows.
        demand: ATP removed from the neuron's cytosol, mM/s.
        spread: the cells' demands lie between (1 - spread) and (1 + spread) times the demand.
        window: time between two removals, s.
        inputs: other values for the network's inputs, by name.

    Raises:
        UserError: a demand is given for a network without the neuron's ATP.
    """
    network = engine.network
    state, given = network.initial_state(cells), network.default_inputs(cells)
    for name, value in (inputs or {}).items():
        given[:, network.input_index(name)] = value
    ids = {species.id for species in network.species}
    if demand and ATP not in ids:
        raise UserError(f"the network has no species {ATP!r} to take ATP from; use a demand of 0")
    dynamic = [network.species[slot].id for slot in network.dynamic_slots]
    species = tuple(name for name in ENERGY_SPECIES if name in ids) or tuple(dynamic[:MOST_SHOWN])
    shown = [network.slot(name) for name in species]
    demands = demand * np.linspace(1 - spread, 1 + spread, cells)
    rows = int(np.ceil(seconds / window - 1e-9))
    values = np.empty((rows + 1, cells, len(shown)))
    values[0] = state[:, shown]
    status = np.full(cells, Status.OK, np.int8)
    for row in range(1, rows + 1):
        result = engine.advance(state, given, window, active=status == Status.OK)
        status = np.where(status == Status.OK, result.status, status)
        if demand:
            state[status == Status.OK, network.slot(ATP)] -= demands[status == Status.OK] * window
        values[row] = state[:, shown]
    return Course(window * np.arange(rows + 1), species, values, status)


def plot_course(course: Course, network: Network, file: Path) -> None:
    """Draw the energy species of all cells into a picture file; its ending chooses the format."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(7.2, 7.2), layout="constrained")
    axes = figure.subplots(-(-len(course.species) // 2), 2, sharex=True, squeeze=False)
    for i, (ax, species) in enumerate(zip(axes.flat, course.species, strict=False)):
        unit, label = network.species[network.slot(species)].unit, ENERGY_SPECIES.get(species, species)
        ax.plot(course.seconds, course.values[:, :, i], color="#0072B2", lw=0.8, alpha=0.7)
        ax.set_ylabel(f"{label}\n({unit})", fontsize=8)
        ax.tick_params(labelsize=8)
        ax.ticklabel_format(useOffset=False, axis="y")
        ax.spines[["top", "right"]].set_visible(False)
    for ax in axes[-1]:
        ax.set_xlabel("time (s)", fontsize=8)
    figure.savefig(file, dpi=150)
