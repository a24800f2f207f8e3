"""Numbers of molecules that a stochastic solver can hold, and what their smallness does to concentrations."""

from __future__ import annotations

import math

import numpy as np

from mpi_coupling.console import get_logger
from mpi_coupling.world import UserError
from multiscale_run.extracellular.amounts import Amounts
from multiscale_run.extracellular.space import Space

log = get_logger(__name__)

MOST_MOLECULES = 2**32 - 1
"""STEPS counts the molecules of a species in a tetrahedron in 32 bits."""
ENOUGH_MOLECULES = 1e4
"""Per tetrahedron: with fewer, a concentration fluctuates by more than 1 % (Poisson)."""
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
