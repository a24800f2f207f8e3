"""Resistance of a vessel segment to flow."""

from __future__ import annotations

import numpy as np


def hematocrit_factor(radii: np.ndarray) -> np.ndarray:
    """Apparent viscosity of blood over that of plasma, for a radius in um.

    The correction that AstroVascPy 0.1.6 applies. Its bracket is the empirical dependence of the relative apparent
    viscosity on the tube's width at a discharge hematocrit of 0.45 (Pries, Secomb et al. 1994, Circ Res 75:904, and
    its earlier forms); the constants are AstroVascPy's, which takes them at the radius.
    """
    return 4 * (1 - 0.863 * np.exp(-radii / 14.3) + 27.5 * np.exp(-radii / 0.351))


def resistance(lengths: np.ndarray, radii: np.ndarray, viscosity: float) -> np.ndarray:
    """Pressure drop over flow, g/(um4 s): Poiseuille's 8 mu L/(pi r^4) times :func:`hematocrit_factor`.

    Args:
        lengths: um.
        radii: um.
        viscosity: of the plasma, g/(um s).
    """
    return 8 * viscosity * lengths / (np.pi * radii**4) * hematocrit_factor(radii)
