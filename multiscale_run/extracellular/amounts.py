"""Concentrations, numbers of molecules and electric currents in tetrahedra, and how they follow from each other."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from mpi_coupling.world import UserError
from multiscale_run.extracellular.space import Space

AVOGADRO = 6.02214076e23
"""Molecules per mole; exact since 2019 (SI brochure, 9th edition)."""
ELEMENTARY_CHARGE = 1.602176634e-19
"""Coulomb; exact since 2019 (SI brochure, 9th edition)."""
CUBIC_METRES = 1e-18
"""Cubic metres in 1 um3; 1 mM is 1 mol/m3."""
AMPERES = 1e-3
"""Amperes in 1 mA."""
MOLAR = 1e-3
"""mol/L in 1 mM."""
NEGLIGIBLE = 1e-6
"""How far below zero the rounding of a solver may bring a concentration, mM."""


@dataclass(frozen=True, eq=False)
class Amounts:
    """Translates between concentrations and the numbers of molecules a solver holds.

    A solver holds ``conc_factor`` times the molecules there are, so that counts stay small.

    Attributes:
        volumes: of the tetrahedra in um3, shape (tetrahedra,).
        conc_factor: simulated molecules per molecule.
        volume_fraction: part of the tissue's volume that is extracellular.
    """

    volumes: np.ndarray
    conc_factor: float = 1.0
    volume_fraction: float = 1.0

    @cached_property
    def per_millimolar(self) -> np.ndarray:
        """Simulated molecules in each tetrahedron at 1 mM, shape (tetrahedra,)."""
        return AVOGADRO * CUBIC_METRES * self.conc_factor * self.volume_fraction * self.volumes

    def molecules(self, concentrations: np.ndarray | float) -> np.ndarray:
        """Simulated molecules for concentrations in mM, shape (tetrahedra,)."""
        return concentrations * self.per_millimolar

    def concentrations(self, molecules: np.ndarray) -> np.ndarray:
        """Concentrations in mM for simulated molecules, shape (..., tetrahedra)."""
        return molecules / self.per_millimolar

    def carried(self, currents: np.ndarray, seconds: float, charge: int) -> np.ndarray:
        """Simulated molecules that currents bring in a time.

        Args:
            currents: in mA, positive for positive charge that enters the space, shape (tetrahedra,).
            seconds: for how long they flow.
            charge: elementary charges per ion, not 0.
        """
        return currents * (AMPERES * seconds * self.conc_factor / (charge * ELEMENTARY_CHARGE))


def refuse_negative(concentrations: np.ndarray, what: str, space: Space, remedy: str) -> None:
    """Stop where a concentration would be below zero or no finite number.

    Args:
        concentrations: in mM, shape (tetrahedra,).
        what: what would bring them about, for the message.
        space: where the tetrahedra are.
        remedy: what the user can do.

    Raises:
        UserError: with the number of tetrahedra and the lowest of them.
    """
    wrong = np.flatnonzero(~((concentrations >= -NEGLIGIBLE) & (concentrations < np.inf)))
    if len(wrong):
        worst = wrong[np.argmin(concentrations[wrong])]
        raise UserError(
            f"steps: {what} would leave {len(wrong)} of {len(concentrations)} tetrahedra with a concentration that is "
            f"negative or not finite, {concentrations[worst]:.6g} mM in {space.describe(worst)}; {remedy}"
        )
