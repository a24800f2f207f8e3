"""Connectomes that come as files: finding, checking, turning round, and writing them the way the rest reads them."""

from __future__ import annotations

import bz2
import tempfile
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mpi_coupling.failure import UserError

NAMES = {
    "weights": ("weights",),
    "lengths": ("tract_lengths", "lengths", "distances", "distance"),
    "centres": ("centres", "centers"),
    "labels": ("labels", "region_labels", "centres", "centers"),
}
"""What is looked for -> names without suffix, the best first. TVB writes labels beside the centres."""

SUFFIXES = (".npy", ".txt", ".txt.bz2")
AXES = 3
EVEN = 1e-6
"""Difference of sums that count as equal to 1."""


@dataclass(frozen=True)
class ConnectomeFiles:
    """What the files of a connectome hold.

    Attributes:
        weights: shape (n, n), target x source.
        lengths: of the tracts in mm, shape (n, n), target x source.
        centres: of the regions in mm, shape (n, 3).
        labels: names of the regions, n.
    """

    weights: NDArray[np.float64]
    lengths: NDArray[np.float64]
    centres: NDArray[np.float64]
    labels: tuple[str, ...]

    def turned(self) -> ConnectomeFiles:
        """The same from files whose rows are the sources."""
        return replace(self, weights=self.weights.T.copy(), lengths=self.lengths.T.copy())

    def in_unit(self, millimetres: float) -> ConnectomeFiles:
        """The same from files in another unit of length."""
        return replace(self, lengths=self.lengths * millimetres, centres=self.centres * millimetres)

    def remarks(self) -> Iterator[str]:
        """What the user should know, a sentence each."""
        connected = (self.weights > 0) & ~np.eye(len(self.labels), dtype=bool)
        if np.diag(self.weights).any():
            yield "some regions are connected to themselves; these weights are not used"
        if (connected & (self.lengths == 0)).any():
            yield f"{np.count_nonzero(connected & (self.lengths == 0))} connections have no length, thus no delay"
        into, out_of = self.weights.sum(axis=1), self.weights.sum(axis=0)
        if np.allclose(out_of, 1, atol=EVEN) and not np.allclose(into, 1, atol=EVEN):
            yield "weights add up to 1 over targets, not over sources: the files may need --transpose"


def normalised(weights: NDArray[np.float64]) -> NDArray[np.float64]:
    """Weights whose sum into each region is 1; a region without input keeps none.

    Args:
        weights: shape (n, n), target x source.
    """
    into = weights.sum(axis=1, keepdims=True)
    return np.divide(weights, into, out=np.zeros_like(weights), where=into > 0)


def read_connectome_files(source: Path) -> ConnectomeFiles:
    """Read a connectome from a folder or a zip, under the names that TVB or the original uses.

    Raises:
        UserError: a file is missing or cannot be read, or the files do not fit together; all that is wrong is named.
    """
    if source.is_dir():
        return _read_folder(source, source)
    if not zipfile.is_zipfile(source):
        raise UserError(f"{source}: neither a folder nor a zip with the files of a connectome")
    with tempfile.TemporaryDirectory() as unpacked:
        with zipfile.ZipFile(source) as archive:
            archive.extractall(unpacked)
        return _read_folder(Path(unpacked), source)


def write_connectome_files(connectome: ConnectomeFiles, folder: Path) -> None:
    """Write weights.npy, tract_lengths.npy, centres.npy and labels.txt."""
    folder.mkdir(parents=True, exist_ok=True)
    np.save(folder / "weights.npy", connectome.weights)
    np.save(folder / "tract_lengths.npy", connectome.lengths)
    np.save(folder / "centres.npy", connectome.centres)
    (folder / "labels.txt").write_text("".join(f"{label}\n" for label in connectome.labels), encoding="utf-8")


def _read_folder(folder: Path, source: Path) -> ConnectomeFiles:
    files = {what: _find(folder, names) for what, names in NAMES.items()}
    missing = [what for what, file in files.items() if file is None]
    if missing:
        lines = (f"{source}: no file of the {what}; looked for {_tried(NAMES[what])}" for what in missing)
        raise UserError("\n".join(lines))
    found = {what: file for what, file in files.items() if file is not None}
    labels = _labels(found["labels"])
    connectome = ConnectomeFiles(
        weights=_numbers(found["weights"]),
        lengths=_numbers(found["lengths"]),
        centres=_centres(found["centres"], len(labels)),
        labels=labels,
    )
    problems = [f"{source}: {problem}" for problem in _problems(connectome)]
    if problems:
        raise UserError("\n".join(problems))
    return connectome


def _find(folder: Path, names: tuple[str, ...]) -> Path | None:
    wanted = (f"{name}{suffix}" for name in names for suffix in SUFFIXES)
    return next((file for name in wanted for file in sorted(folder.rglob(name))), None)


def _tried(names: tuple[str, ...]) -> str:
    return ", ".join(f"{name}{'|'.join(SUFFIXES)}" for name in names)


def _numbers(file: Path) -> NDArray[np.float64]:
    try:
        values = np.load(file) if file.suffix == ".npy" else np.loadtxt(file, ndmin=2)
        return np.asarray(values, np.float64)
    except (ValueError, OSError) as error:
        raise UserError(f"{file.name}: cannot be read as numbers: {error}") from error


def _centres(file: Path, count: int) -> NDArray[np.float64]:
    if file.suffix == ".npy":
        values = _numbers(file)
    else:
        rows = np.loadtxt(file, dtype=str, ndmin=2)
        try:
            # TVB's rows begin with the name of the region
            values = rows[:, 1:].astype(float) if rows.shape == (count, AXES + 1) else rows.astype(float)
        except ValueError as error:
            raise UserError(f"{file.name}: cannot be read as positions: {error}") from error
    return values.T.copy() if values.shape == (AXES, count) and count != AXES else values


def _labels(file: Path) -> tuple[str, ...]:
    if file.suffix == ".npy":
        return tuple(str(label) for label in np.load(file))
    lines = [line.strip() for line in _text(file).splitlines() if line.strip()]
    if not file.name.startswith(NAMES["centres"]):
        return tuple(lines)
    rows = [line.split() for line in lines]
    if any(len(row) != AXES + 1 or _is_number(row[0]) for row in rows):
        raise UserError(f"{file.name}: has no names of regions; put them into labels.txt, one on a line")
    return tuple(row[0] for row in rows)


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _text(file: Path) -> str:
    content = file.read_bytes()
    return (bz2.decompress(content) if file.suffix == ".bz2" else content).decode("utf-8-sig")


def _problems(connectome: ConnectomeFiles) -> Iterator[str]:
    count = len(connectome.labels)
    for what, values in (("weights", connectome.weights), ("lengths", connectome.lengths)):
        if values.shape != (count, count):
            yield f"{what} have shape {values.shape}, but there are {count} labels"
        if not np.isfinite(values).all():
            yield f"{what} must be finite numbers"
        elif (values < 0).any():
            yield f"{what} must not be negative"
    if connectome.centres.shape != (count, AXES):
        yield f"centres have shape {connectome.centres.shape}, but for {count} labels it must be ({count}, {AXES})"
    twice = sorted({label for label in connectome.labels if connectome.labels.count(label) > 1})
    if twice:
        yield f"labels must differ; given twice: {', '.join(twice)}"
