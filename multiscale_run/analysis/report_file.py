"""One SONATA report file: what it holds, and its numbers, read when they are used."""

from __future__ import annotations

import errno
import os
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import h5py
import numpy as np
from xarray.backends import BackendArray
from xarray.core import indexing

from multiscale_run.analysis.errors import Unreadable

PATIENCE_SECONDS = 2.0
"""How long a file is tried again that a run is just writing."""
QUIET_SECONDS = 60.0
"""A file that was not written to for so long is not just being written."""
DAMAGED = (OSError, KeyError, RuntimeError, ValueError, TypeError, AttributeError)
"""What h5py and numpy raise where a file holds something else than it should."""

T = TypeVar("T")


@dataclass(frozen=True)
class ReportFile:
    """A population's part of a report file.

    Attributes:
        path: the file.
        population: SONATA population of its nodes.
        unit: of the values.
        start_ms: time of the first row.
        step_ms: time between two rows.
        rows: number of rows written; those after them are NaN in the file.
        planned_rows: number of rows of the whole run.
        node_ids: SONATA id of each column, shape (elements,).
        section_ids: section of each column, shape (elements,).
    """

    path: Path
    population: str
    unit: str
    start_ms: float
    step_ms: float
    rows: int
    planned_rows: int
    node_ids: np.ndarray
    section_ids: np.ndarray

    @property
    def times(self) -> np.ndarray:
        """Times of the rows written, ms, shape (rows,)."""
        return self.start_ms + self.step_ms * np.arange(self.rows)

    @property
    def is_per_node(self) -> bool:
        """Whether every node has one value."""
        return len(np.unique(self.node_ids)) == len(self.node_ids)

    @property
    def segments(self) -> np.ndarray:
        """Number of each column among those of its node and section, shape (elements,)."""
        key = np.stack([self.node_ids, self.section_ids])
        starts = np.flatnonzero(np.concatenate([[True], (np.diff(key) != 0).any(axis=0)]))
        lengths = np.diff(np.append(starts, len(self.node_ids)))
        return np.arange(len(self.node_ids)) - np.repeat(starts, lengths)

    def lazy(self) -> indexing.LazilyIndexedArray:
        """The rows written, shape (rows, elements), for an ``xarray.Variable``; parts are read when they are used."""
        return indexing.LazilyIndexedArray(_Rows(self))


class _Rows(BackendArray):
    """The numbers of a report. The file is opened for each reading: a run that goes on is never in the way."""

    def __init__(self, report: ReportFile) -> None:
        self._report = report
        self.shape = (report.rows, len(report.node_ids))
        self.dtype = np.dtype("f4")

    def __getitem__(self, key: indexing.ExplicitIndexer) -> Any:
        support = indexing.IndexingSupport.OUTER_1VECTOR
        return indexing.explicit_indexing_adapter(key, self.shape, support, self._read)

    def _read(self, key: tuple[Any, ...]) -> np.ndarray:
        rows = slice(*key[0].indices(self.shape[0])) if isinstance(key[0], slice) else key[0]

        def read(file: h5py.File) -> np.ndarray:
            return file[f"report/{self._report.population}/data"][(rows, *key[1:])].astype(self.dtype)

        return read_patiently(self._report.path, read)


def find_reports(folder: Path, no_report: Path) -> tuple[dict[str, ReportFile], dict[str, Unreadable]]:
    """The reports of a folder of results, and why others cannot be read.

    Args:
        folder: of the results.
        no_report: the file of spikes.

    Returns:
        Both by name: the file's, and the population's behind a slash where a file has several.
    """
    found: dict[str, ReportFile] = {}
    unreadable: dict[str, Unreadable] = {}
    for path in sorted(folder.rglob("*.h5")):
        if path == no_report or path.is_relative_to(folder / "checkpoints"):
            continue
        name = path.relative_to(folder).as_posix().removesuffix(".h5")
        try:
            parts = read_patiently(path, partial(_headers, path))
        except Unreadable as error:
            unreadable[name] = error
        else:
            found |= {name if len(parts) == 1 else f"{name}/{part.population}": part for part in parts}
    return found, unreadable


def read_patiently(path: Path, read: Callable[[h5py.File], T]) -> T:
    """Read from a file that a run may just be writing.

    Raises:
        Unreadable: it cannot be read, again and again.
    """
    deadline = time.monotonic() + PATIENCE_SECONDS
    while True:
        try:
            with _opened(path) as file:
                return read(file)
        except DAMAGED as error:
            if time.monotonic() > deadline or not _may_be_just_written(path, error):
                raise Unreadable(f"{path} cannot be read: {_why(error)}") from error
        time.sleep(0.05)


def _may_be_just_written(path: Path, error: Exception) -> bool:
    if isinstance(error, PermissionError):
        return False
    try:
        return time.time() - path.stat().st_mtime < QUIET_SECONDS
    except OSError:
        return False


def _why(error: Exception) -> str:
    """The reason in a few words, and what to do about it."""
    number = error.errno if isinstance(error, OSError) else None
    if number in (errno.EACCES, errno.EPERM):
        return f"{os.strerror(number)}; ask its owner for the right to read it (chmod)"
    if number and number != errno.ENOENT:  # not the file's fault
        return os.strerror(number)
    return f"{' '.join(str(error).split())}; compute it again"


def _opened(path: Path) -> h5py.File:
    try:
        return h5py.File(path, locking=False)
    except OSError as error:
        if "locking flag" not in str(error):
            raise
        return h5py.File(path)  # this process has it open with a lock; HDF5 wants the same from all


def read_spikes(file: h5py.File) -> tuple[np.ndarray, np.ndarray]:
    """Times (ms) and neurons of the spikes of all populations of a file."""
    groups = list(file.get("spikes", {}).values())
    times = [np.empty(0), *(group["timestamps"][:] for group in groups)]
    neurons = [np.empty(0, np.int64), *(group["node_ids"][:].astype(np.int64) for group in groups)]
    return np.concatenate(times), np.concatenate(neurons)


def _headers(path: Path, file: h5py.File) -> list[ReportFile]:
    return [_header(path, name, group) for name, group in file.get("report", {}).items()]


def _header(path: Path, population: str, group: h5py.Group) -> ReportFile:
    data, mapping = group["data"], group["mapping"]
    start, _, step = mapping["time"][:]
    pointers = mapping["index_pointers"][:].astype(np.int64)
    if len(pointers) == len(mapping["node_ids"]):  # as early writers of the format left it
        pointers = np.append(pointers, data.shape[1])
    unit = data.attrs.get("units", "")
    last = data.attrs.get("last_written_step")
    return ReportFile(
        path=path,
        population=population,
        unit=unit.decode() if isinstance(unit, bytes) else str(unit),
        start_ms=float(start),
        step_ms=float(step),
        rows=_rows_before_the_tail(data) if last is None else int(last) + 1,
        planned_rows=len(data),
        node_ids=np.repeat(mapping["node_ids"][:].astype(np.int64), np.diff(pointers)),
        section_ids=mapping["element_ids"][:].astype(np.int64),
    )


def _rows_before_the_tail(data: h5py.Dataset) -> int:
    """Number of rows before those at the end that are all NaN, for files of other programs."""
    first, last = 0, len(data)
    with suppress(ValueError):
        while first < last:  # rows are written in order, so halving finds the end
            middle = (first + last) // 2
            if np.isnan(data[middle]).all():
                last = middle
            else:
                first = middle + 1
    return first
