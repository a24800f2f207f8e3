"""Reads the tables of a connectome from the formats in use: ZIP files of The Virtual Brain, folders, tvb-data."""

from __future__ import annotations

import bz2
import io
import zipfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mpi_coupling.failure import UserError
from tvb_nest.tvb_data_files import CONNECTOMES, tvb_data_file, tvb_data_folder, tvb_data_names

ENDINGS = (".npy", ".txt", ".txt.bz2")
STEMS = {
    "weights": ("weights", "weight"),
    "lengths": ("tract_lengths", "lengths", "distance", "distances"),
    "centres": ("centres", "centers", "centre"),
    "labels": ("region_labels", "labels"),
    "orientations": ("average_orientations", "orientations"),
    "cortical": ("cortical",),
}
"""The names that a table's file may have, in order of preference."""


@dataclass(frozen=True, eq=False)
class Tables:
    """What the files hold, in the files' own units; n is the number of regions.

    Attributes:
        weights: shape (n, n).
        lengths: shape (n, n).
        centres: shape (n, 3); zeros where there is no file.
        labels: n names; ``region_000`` and so on where there are none.
        orientations: vectors normal to the cortex of the regions, shape (n, 3); None where there is no file.
        cortical: which regions are cortical, shape (n,); None where there is no file.
    """

    weights: NDArray[np.float64]
    lengths: NDArray[np.float64]
    centres: NDArray[np.float64]
    labels: tuple[str, ...]
    orientations: NDArray[np.float64] | None = None
    cortical: NDArray[np.bool_] | None = None


class _Files:
    """Files by name, wherever they are."""

    def __init__(self, source: str | Path, names: Mapping[str, str], read: Callable[[str], bytes]) -> None:
        """Remember where the files are.

        Args:
            source: where they come from, for messages.
            names: name of each file without folder -> the name under which `read` knows it.
            read: gives the content of a file.
        """
        self.source = source
        self._names = names
        self._read = read

    def find(self, table: str) -> tuple[str, bytes] | None:
        """Name and content, unpacked, of the file of a table."""
        for name in (stem + ending for stem in STEMS[table] for ending in ENDINGS):
            if name in self._names:
                content = self._read(self._names[name])
                return (name, bz2.decompress(content)) if name.endswith(".bz2") else (name, content)
        return None

    def matrix(self, table: str) -> NDArray[np.float64]:
        """The numbers of a table that must be there."""
        found = self.find(table)
        if found is None:
            names = " or ".join(STEMS[table])
            raise UserError(f"connectome {self.source} has no file {names} ({', '.join(ENDINGS)})")
        return _numbers(self.source, *found)

    def optional(self, table: str) -> NDArray[np.float64] | None:
        """The numbers of a table that may be missing."""
        found = self.find(table)
        return None if found is None else _numbers(self.source, *found)


def read_tables(source: str | Path) -> Tables:
    """Read a connectome's tables; see `tvb_nest.connectome.load_connectome` for what a source may be.

    Raises:
        UserError: the source does not exist, lacks weights or lengths, or a file cannot be read.
    """
    files = _open(source)
    weights = files.matrix("weights")
    centres, labels = _centres(files, len(weights))
    found = files.find("labels")
    if found is not None:
        labels = _text_labels(source, *found)
    if not labels:
        labels = tuple(f"region_{i:03d}" for i in range(len(weights)))
    orientations, cortical = files.optional("orientations"), files.optional("cortical")
    return Tables(
        weights,
        files.matrix("lengths"),
        centres,
        labels,
        None if orientations is None else by_region(orientations, len(weights)),
        None if cortical is None else cortical.ravel().astype(bool),
    )


def by_region(vectors: NDArray[np.float64], n: int) -> NDArray[np.float64]:
    """Vectors as (n, 3): some files hold one line for each axis in place of one for each region."""
    return vectors.T if vectors.shape == (3, n) != (n, 3) else vectors


def _open(source: str | Path) -> _Files:
    path = Path(source)
    if path.is_dir():
        return _Files(source, {p.name: str(p) for p in path.iterdir()}, lambda name: Path(name).read_bytes())
    archive = path if path.is_file() else _of_tvb_data(str(source))
    try:
        opened = zipfile.ZipFile(archive)
    except zipfile.BadZipFile:
        raise UserError(f"connectome {source} is neither a folder nor a ZIP file") from None
    with opened:
        contents = {name: opened.read(name) for name in opened.namelist() if not name.startswith("__MACOSX")}
    return _Files(source, {Path(name).name: name for name in contents}, contents.__getitem__)


def _of_tvb_data(name: str) -> Path:
    """The file of a connectome in the package tvb-data."""
    path = tvb_data_file(CONNECTOMES, name)
    if path is not None:
        return path
    if tvb_data_folder(CONNECTOMES) is None:
        raise UserError(f"connectome {name}: no such file or folder; for names of tvb-data: pip install tvb-data")
    known = ", ".join(tvb_data_names(CONNECTOMES))
    raise UserError(f"connectome {name}: no such file or folder, and tvb-data has only {known}")


def _centres(files: _Files, n: int) -> tuple[NDArray[np.float64], tuple[str, ...]]:
    """Positions, shape (n, 3), and the labels that stand in front of them, if any."""
    found = files.find("centres")
    if found is None:
        return np.zeros((n, 3)), ()
    name, content = found
    labels: tuple[str, ...] = ()
    if not name.endswith(".npy"):
        rows = [line.split() for line in content.decode().splitlines() if line.strip()]
        if rows and not _is_number(rows[0][0]):
            labels = tuple(row[0] for row in rows)
            content = "\n".join(" ".join(row[1:4]) for row in rows).encode()
    return by_region(_numbers(files.source, name, content), n), labels


def _numbers(source: str | Path, name: str, content: bytes) -> NDArray[np.float64]:
    try:
        if name.endswith(".npy"):
            return np.load(io.BytesIO(content)).astype(np.float64)
        return np.loadtxt(io.BytesIO(content), ndmin=2)
    except ValueError as error:
        raise UserError(f"connectome {source}: {name} does not hold a table of numbers: {error}") from None


def _text_labels(source: str | Path, name: str, content: bytes) -> tuple[str, ...]:
    if name.endswith(".npy"):
        try:
            return tuple(str(label) for label in np.load(io.BytesIO(content)))
        except ValueError as error:
            raise UserError(f"connectome {source}: {name} does not hold an array of texts: {error}") from None
    return tuple(line.strip() for line in content.decode().splitlines() if line.strip())


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True
