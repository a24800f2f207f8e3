"""The connectome: which region projects to which, how strongly and over what distance; and the exchange window.

Two simulators that run at the same time may exchange what they know only as late as the shortest delay between their
regions allows: nothing that happens within such a window can reach the other side before its end.
"""

from __future__ import annotations

import math
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mpi_coupling.failure import UserError
from tvb_nest.connectome_files import Tables, read_tables

STEP_TOLERANCE = 1e-6
"""How far below a whole number of steps a delay may lie, as a share of a step, and still count as that number."""
SYMMETRY_TOLERANCE = 1e-6
"""How much a length may differ from that of the way back, as a share of the longest."""


@dataclass(frozen=True, eq=False)
class Connectome:
    """Regions and the tracts between them; n is the number of regions.

    Connections of a region with itself are set to 0: they are part of the model of the region.

    Attributes:
        weights: strength of each connection, shape (n, n), [target, source].
        lengths: tract lengths [mm], shape (n, n), symmetric.
        centres: positions of the regions [mm], shape (n, 3).
        labels: names of the regions, n of them, all different.
        speed: conduction speed [mm/ms].
        orientations: vectors normal to the cortex of the regions, shape (n, 3); None where they are not known.
        cortical: which regions are cortical, shape (n,); None where that is not known.

    Raises:
        UserError: arrays of wrong shape, values that are not finite, negative lengths or such that differ by direction,
            equal labels, or a speed that is not positive.
    """

    weights: NDArray[np.float64]
    lengths: NDArray[np.float64]
    centres: NDArray[np.float64]
    labels: tuple[str, ...]
    speed: float
    orientations: NDArray[np.float64] | None = None
    cortical: NDArray[np.bool_] | None = None

    def __post_init__(self) -> None:
        for name in ("weights", "lengths", "centres", "orientations", "cortical"):
            given = getattr(self, name)
            if given is not None:
                kind = np.bool_ if name == "cortical" else np.float64
                object.__setattr__(self, name, np.array(given, dtype=kind))
        object.__setattr__(self, "labels", tuple(str(label) for label in self.labels))
        _check(self)
        np.fill_diagonal(self.weights, 0.0)
        for array in (self.weights, self.lengths, self.centres, self.orientations, self.cortical):
            if array is not None:
                array.flags.writeable = False

    @property
    def n_regions(self) -> int:
        """Number of regions."""
        return len(self.weights)

    def delays(self, dt: float) -> NDArray[np.int64]:
        """Delays in whole steps of `dt` ms, shape (n, n): the nearest number, as The Virtual Brain rounds them.

        Raises:
            UserError: `dt` is not a positive number.
        """
        return np.rint(self._exact_delays(dt)).astype(np.int64)

    def window(self, spiking: Collection[int], dt: float, *, among_spiking: bool = False) -> int:
        """The longest exchange window between spiking regions and the others.

        Args:
            spiking: indices of the spiking regions.
            dt: time step [ms].
            among_spiking: count connections between two spiking regions too; needed where their mutual input goes
                through the whole-brain model as well.

        Returns:
            The window in steps: the largest whole number of `dt` that is not above the shortest delay.

        Raises:
            UserError: a region does not exist or is named twice, nothing connects spiking regions with others, or the
                shortest delay is below `dt`.
        """
        is_spiking = self._mask(spiking)
        crossing = is_spiking[:, None] | is_spiking[None, :]
        if not among_spiking:
            crossing &= is_spiking[:, None] != is_spiking[None, :]
        crossing &= self.weights != 0
        if not crossing.any():
            raise UserError(f"no connection between spiking regions {sorted(spiking)} and others: nothing to exchange")
        exact = np.where(crossing, self._exact_delays(dt), np.inf)
        steps = math.floor(exact.min() + STEP_TOLERANCE)
        if steps < 1:
            target, source = np.unravel_index(exact.argmin(), exact.shape)
            raise UserError(
                f"the delay from {self.labels[source]} to {self.labels[target]} is {exact.min() * dt:.4g} ms, below "
                f"the time step of {dt} ms: choose a smaller step, a lower speed, or other spiking regions"
            )
        return steps

    def _exact_delays(self, dt: float) -> NDArray[np.float64]:
        if not (math.isfinite(dt) and dt > 0):
            raise UserError(f"dt = {dt} ms: the time step must be a number above 0")
        return self.lengths / self.speed / dt

    def _mask(self, regions: Collection[int]) -> NDArray[np.bool_]:
        wrong = [index for index in regions if not 0 <= index < self.n_regions]
        if wrong:
            raise UserError(f"spiking regions {wrong} do not exist: the regions are 0 to {self.n_regions - 1}")
        if len(set(regions)) != len(regions):
            raise UserError(f"spiking regions {list(regions)}: a region is named twice")
        mask = np.zeros(self.n_regions, np.bool_)
        mask[list(regions)] = True
        return mask


def load_connectome(
    source: str | Path, speed: float, *, rows_are_sources: bool = False, length_unit: float = 1.0
) -> Connectome:
    """Read a connectome.

    Args:
        source: a name in the package tvb-data (``connectivity_76``), a ZIP file of The Virtual Brain, or a folder. The
            files are named after what they hold, weights, tract_lengths or distance, centres and region_labels, with
            the ending .npy, .txt or .txt.bz2. Centres may carry the label in front. Centres, average_orientations and
            cortical may be missing.
        speed: conduction speed [mm/ms].
        rows_are_sources: the file has weights[source, target].
        length_unit: how many mm one unit of the file's lengths and centres is.

    Raises:
        UserError: the source does not exist, lacks a table, or its tables do not fit together.
    """
    tables: Tables = read_tables(source)
    weights = tables.weights.T if rows_are_sources else tables.weights
    try:
        return Connectome(
            weights,
            tables.lengths * length_unit,
            tables.centres * length_unit,
            tables.labels,
            speed,
            tables.orientations,
            tables.cortical,
        )
    except UserError as error:
        raise UserError(f"connectome {source}: {error}") from None


def _check(connectome: Connectome) -> None:
    n = len(connectome.weights)
    shapes = {"weights": (n, n), "lengths": (n, n), "centres": (n, 3), "orientations": (n, 3), "cortical": (n,)}
    for name, shape in shapes.items():
        array = getattr(connectome, name)
        if array is None:
            continue
        if array.shape != shape:
            raise UserError(f"{name} has shape {array.shape}, must have {shape} for {n} regions")
        if not np.isfinite(array).all():
            raise UserError(f"{name} holds values that are no finite numbers, first at {_first(~np.isfinite(array))}")
    if len(connectome.labels) != n:
        raise UserError(f"{len(connectome.labels)} labels for {n} regions")
    if len(set(connectome.labels)) != n:
        raise UserError(f"equal labels: {sorted({x for x in connectome.labels if connectome.labels.count(x) > 1})}")
    if not (math.isfinite(connectome.speed) and connectome.speed > 0):
        raise UserError(f"speed = {connectome.speed} mm/ms: must be a number above 0")
    _check_lengths(connectome.lengths)


def _check_lengths(lengths: NDArray[np.float64]) -> None:
    if (lengths < 0).any():
        raise UserError(f"lengths holds negative values, first at {_first(lengths < 0)}")
    differs = np.abs(lengths - lengths.T) > SYMMETRY_TOLERANCE * lengths.max(initial=0.0)
    if differs.any():
        i, j = _first(differs)
        raise UserError(
            f"lengths[{i}, {j}] = {lengths[i, j]:g} mm but lengths[{j}, {i}] = {lengths[j, i]:g} mm: "
            "a tract is as long in both directions"
        )


def _first(mask: NDArray[np.bool_]) -> tuple[int, ...]:
    return tuple(int(index[0]) for index in np.nonzero(mask))
