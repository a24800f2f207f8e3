"""Numbers of molecules that a stochastic solver can hold, and what their smallness does to concentrations."""

from __future__ import annotations

import math

import numpy as np

from mpi_coupling.console import get_logger
from mpi_coupling.world import UserError
from multiscale_run.extracellular.amounts import CUBIC_METRES, Amounts
from multiscale_run.extracellular.space import Ion, Space

log = get_logger(__name__)

MOST_MOLECULES = 2**32 - 1
"""STEPS counts the molecules of a species in a tetrahedron in 32 bits."""
ENOUGH_MOLECULES = 1e4
"""Per tetrahedron: with fewer, a concentration fluctuates by more than 1 % (Poisson)."""
MOST_JUMPS = 1e9
"""Of molecules in one period, drawn one by one: a quarter of an hour."""
JUMP_RATE = 9.0
"""Rate at which a molecule leaves a regular tetrahedron, in D over its volume to the power 2/3."""
HEADROOM = 4.0
"""How far a concentration may rise above the present one when a conc_factor is recommended."""


def largest_factor(concentration: float, amounts: Amounts) -> float:
    """The largest conc_factor, to one digit, at which a concentration (mM) fits everywhere, with room to rise."""
    most = HEADROOM * concentration * amounts.per_millimolar.max() / amounts.conc_factor
    exact = MOST_MOLECULES / most
    digit = 10.0 ** math.floor(math.log10(exact))
    return min(1.0, math.floor(exact / digit) * digit)


def check_counts(molecules: np.ndarray, species: str, solver: str, amounts: Amounts, space: Space) -> None:
    """Stop before a count does not fit into 32 bits: STEPS would wrap it round or fail without a hint.

    Args:
        molecules: simulated ones that each tetrahedron is to hold, shape (tetrahedra,).
        species: whose they are.
        solver: name of the solver, for the message.
        amounts: how they follow from concentrations.
        space: where the tetrahedra are.

    Raises:
        UserError: with the highest count and a conc_factor that fits.
    """
    over = molecules > MOST_MOLECULES
    if over.any():
        worst = int(np.argmax(molecules))
        fitting = largest_factor(float(amounts.concentrations(molecules).max()), amounts)
        raise UserError(
            f"steps: {over.sum()} of {len(over)} tetrahedra would hold more molecules of {species} than {solver} can "
            f"count ({MOST_MOLECULES}), {molecules[worst]:.3g} in {space.describe(worst)}; lower steps.conc_factor "
            f"from {amounts.conc_factor:g} to at most {fitting:g}, or set steps.solver to TetODE, which has no limit"
        )


def refuse_endless(molecules: np.ndarray, ion: Ion, seconds: float, amounts: Amounts) -> None:
    """Stop before a solver that draws every jump of every molecule begins a period that would take hours.

    Args:
        molecules: simulated ones in each tetrahedron, shape (tetrahedra,).
        ion: whose they are.
        seconds: length of a period.
        amounts: volumes, and molecules per concentration.

    Raises:
        UserError: with the number of jumps and a conc_factor that is quick enough.
    """
    metres = (amounts.volumes * CUBIC_METRES) ** (1 / 3)
    jumps = float((molecules * JUMP_RATE * ion.diffusion / metres**2).sum() * seconds)
    if jumps > MOST_JUMPS:
        raise UserError(
            f"steps.solver = Tetexact draws the jumps of {ion.name} one by one, some {jumps:.1g} in a period of "
            f"{1e3 * seconds:g} ms; lower steps.conc_factor from {amounts.conc_factor:g} to at most "
            f"{amounts.conc_factor * MOST_JUMPS / jumps:.1g}, or set steps.solver to TetOpSplit or TetODE"
        )


def warn_of_shot_noise(concentration: float, species: str, solver: str, amounts: Amounts) -> None:
    """Warn when so few molecules are simulated that their number fluctuates visibly.

    Args:
        concentration: initial one in mM.
        species: whose it is.
        solver: name of the solver, for the message.
        amounts: molecules per concentration.
    """
    molecules = float(amounts.molecules(concentration).mean())
    if 0 < molecules < ENOUGH_MOLECULES:
        share = 1 / math.sqrt(molecules)
        enough, fitting = amounts.conc_factor * ENOUGH_MOLECULES / molecules, largest_factor(concentration, amounts)
        log.warning(
            "steps: with steps.conc_factor = %g, %s simulates about %.3g molecules of %s per tetrahedron, whose "
            "concentration will fluctuate by %.2g %% (%.2g mM round %g mM); raise steps.conc_factor to %.1g or more "
            "(up to %g fits), or set steps.solver to TetODE, which has no such noise",
            amounts.conc_factor,
            solver,
            molecules,
            species,
            100 * share,
            share * concentration,
            concentration,
            enough,
            fitting,
        )
