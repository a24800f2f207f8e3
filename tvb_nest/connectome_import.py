"""Bringing a connectome into the form that everything here reads, with a word on what looks odd."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from tvb_nest.connectome import Connectome, load_connectome
from tvb_nest.connectome_files import read_tables

EVEN = 1e-6
"""How far sums of weights may be from 1 and still count as 1."""

ANY_SPEED = 1.0
"""The files do not depend on the speed (mm/ms)."""


def import_connectome(
    source: str | Path, folder: Path, *, rows_are_sources: bool = False, length_unit: float = 1.0
) -> tuple[Connectome, list[str]]:
    """Read a connectome and write it as weights.npy, tract_lengths.npy, centres.npy and labels.txt.

    Orientations and which regions are cortical are written too, where the source has them.

    Args:
        source: as for `load_connectome`.
        folder: made if it does not exist.
        rows_are_sources: the source has weights[source, target].
        length_unit: how many mm one unit of the source's lengths and centres is.

    Returns:
        The connectome, and what the user should know about it, a sentence each.

    Raises:
        UserError: as `load_connectome`.
    """
    connectome = load_connectome(source, ANY_SPEED, rows_are_sources=rows_are_sources, length_unit=length_unit)
    folder.mkdir(parents=True, exist_ok=True)
    np.save(folder / "weights.npy", connectome.weights)
    np.save(folder / "tract_lengths.npy", connectome.lengths)
    np.save(folder / "centres.npy", connectome.centres)
    for name in ("orientations", "cortical"):
        if getattr(connectome, name) is not None:
            np.save(folder / f"{name}.npy", getattr(connectome, name))
    (folder / "labels.txt").write_text("".join(f"{label}\n" for label in connectome.labels), encoding="utf-8")
    return connectome, [*_remarks(connectome, read_tables(source).weights)]


def _remarks(connectome: Connectome, raw_weights: NDArray[np.float64]) -> Iterator[str]:
    """What looks odd.

    Args:
        connectome: as it was imported.
        raw_weights: as they are in the files, shape (n, n), with connections of regions with themselves.
    """
    if np.diag(raw_weights).any():
        yield "some regions are connected with themselves; these weights are left out"
    instant = (connectome.weights != 0) & (connectome.lengths == 0)
    if instant.any():
        yield f"{np.count_nonzero(instant)} connections have no length, thus no delay"
    into, out_of = connectome.weights.sum(axis=1), connectome.weights.sum(axis=0)
    if np.allclose(out_of, 1, atol=EVEN) and not np.allclose(into, 1, atol=EVEN):
        yield "weights add up to 1 over targets, not over sources: the files may need --transpose"
