"""Judges states after an integration: bands, negative or non-finite values, and which rates drive them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .network import Network


@dataclass(frozen=True, slots=True)
class Band:
    """Allowed range of a value: lb < v, leb <= v, v < hb, v <= heb; None leaves a side open."""

    lb: float | None = None
    leb: float | None = None
    hb: float | None = None
    heb: float | None = None

    def violations(self, values: np.ndarray) -> np.ndarray:
        """Mask of the values outside the band; a value that is not finite is always outside."""
        outside = ~np.isfinite(values)
        with np.errstate(invalid="ignore"):
            for bound, allowed in (
                (self.lb, np.greater),
                (self.leb, np.greater_equal),
                (self.hb, np.less),
                (self.heb, np.less_equal),
            ):
                if bound is not None:
                    outside |= ~allowed(values, bound)
        return outside

    def __str__(self) -> str:
        signs = ((">", self.lb), (">=", self.leb), ("<", self.hb), ("<=", self.heb))
        return " and ".join(f"{sign} {bound:g}" for sign, bound in signs if bound is not None) or "finite"


@dataclass(frozen=True, slots=True)
class Finding:
    """One value that fails a check, with what drives it.

    Attributes:
        row: row of the cell in the state array.
        species: id of the species.
        value: the offending value.
        unit: unit of the value.
        expected: the rule that it breaks, in words.
        drivers: (rate id, contribution to the equation in unit/s), largest first.
    """

    row: int
    species: str
    value: float
    unit: str
    expected: str
    drivers: tuple[tuple[str, float], ...] = ()

    def describe(self, neuron: int | str, milliseconds: float) -> str:
        """One sentence for a log or an error message."""
        return f"neuron {neuron} at {milliseconds:g} ms: {self.describe_value()}"

    def describe_value(self) -> str:
        """The value, what it must be, and the rates that drive it."""
        text = f"{self.species} = {self.value:.6g} {self.unit}, must be {self.expected}"
        if self.drivers:
            text += (
                "; driven by " + ", ".join(f"{rate} {value:+.3g}" for rate, value in self.drivers) + f" {self.unit}/s"
            )
        return text


def negative_rows(network: Network, state: np.ndarray, tolerance: float) -> np.ndarray:
    """Mask of the rows in which a concentration lies below -tolerance (mM)."""
    return np.any(state[:, network.concentration_slots] < -tolerance, axis=1)


def findings(
    network: Network, state: np.ndarray, tolerance: float, bands: dict[int, Band] | None = None
) -> list[Finding]:
    """Every value of a state array that is not finite, negative beyond the tolerance, or outside its band.

    Args:
        network: gives names and units.
        state: shape (n, n_species).
        tolerance: how far below zero a concentration may lie, mM.
        bands: band per slot.
    """
    rules: list[tuple[int, Band]] = [(slot, Band(leb=-tolerance)) for slot in network.concentration_slots]
    judged = {slot for slot, _ in rules}
    rules += [(species.slot, Band()) for species in network.species if species.slot not in judged]
    rules += list((bands or {}).items())
    found = []
    for slot, band in rules:
        species = network.species[slot]
        for row in np.flatnonzero(band.violations(state[:, slot])):
            found.append(Finding(int(row), species.id, float(state[row, slot]), species.unit, str(band)))
    return sorted(found, key=lambda finding: finding.row)
