"""SONATA reports: one quantity per element (segment, neuron, tetrahedron) and time, from any number of ranks.

The format is the compartment report of the SONATA developer guide (Dai et al. 2020, PLoS Comput Biol 16:e1007696,
doi:10.1371/journal.pcbi.1007696), read by libsonata and bluepysnap. The root writes; HDF5 needs no MPI.

A run that dies keeps its report: the file has its final size and structure from the start, with NaN where nothing was
written yet, and is closed between flushes, so a flush changes nothing but numbers and `last_written_step`.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from numpy.typing import ArrayLike, NDArray

from mpi_coupling._sonata_file import CollectiveWriter, change_file, create_file
from mpi_coupling.failure import UserError
from mpi_coupling.world import World

CHUNK_BYTES = 2**18
"""Size of the blocks in the file: large enough for the disk, small enough to read one element's trace."""

CHUNK_ELEMENTS = 1024
"""Most elements in a block: keeps several steps in each, so that reading a trace does not read whole rows."""

INDEX_BYTES = 100
"""Room for a block in HDF5's index of blocks: an entry of 40 bytes, in nodes that may be half empty."""

FLUSH_ELEMENTS = 2**25
"""Most numbers gathered at once: bounds the memory of the root, 256 MB at 8 bytes."""


@dataclass(frozen=True)
class _TimeAxis:
    """When the rows of a report are taken: at `start`, `start + step`, ... before `stop` [ms]."""

    start: float
    stop: float
    step: float

    def __post_init__(self) -> None:
        if not (self.step > 0 and self.stop > self.start):
            raise UserError(
                f"a report from {self.start} to {self.stop} ms every {self.step} ms has no rows; "
                "the end must be after the start and the step above 0"
            )

    @property
    def rows(self) -> int:
        # the tolerance of libsonata, which counts the rows from these three numbers
        return max(1, math.ceil((self.stop - self.start) / self.step - 1e-6))


@dataclass(frozen=True)
class _Columns:
    """The columns of the file, known to the root: nodes in ascending order, each with its elements as the caller gave.

    Attributes:
        node_ids: (nodes,) ascending.
        index_pointers: (nodes + 1,) first column of each node.
        element_ids: (elements,) of the columns.
        gathered: (elements,) where a column stands in the row gathered in the order of the ranks.
    """

    node_ids: NDArray[np.uint64]
    index_pointers: NDArray[np.uint64]
    element_ids: NDArray[np.uint32]
    gathered: NDArray[np.int64]

    @property
    def n_bytes(self) -> int:
        """Size of the mapping in the file."""
        return self.node_ids.nbytes + self.index_pointers.nbytes + self.element_ids.nbytes

    @classmethod
    def sort(cls, node_ids: NDArray[Any], counts: NDArray[Any], element_ids: NDArray[Any]) -> _Columns:
        """Sorts nodes that were gathered in the order of the ranks.

        Raises:
            ValueError: a node comes twice.
        """
        order = np.argsort(node_ids, kind="stable")
        repeated = np.flatnonzero(np.diff(node_ids[order]) == 0)
        if repeated.size:
            raise ValueError(f"node {node_ids[order][repeated[0]]} is reported twice; each node belongs to one rank")
        gathered_start = (np.cumsum(counts) - counts)[order]
        sorted_counts = counts[order]
        pointers = np.concatenate([[0], np.cumsum(sorted_counts)]).astype(np.int64)
        gathered = np.repeat(gathered_start - pointers[:-1], sorted_counts) + np.arange(pointers[-1])
        return cls(
            node_ids[order].astype(np.uint64),
            pointers.astype(np.uint64),
            element_ids[gathered].astype(np.uint32),
            gathered,
        )


class CompartmentReport(CollectiveWriter):
    """Writes a SONATA report of the elements of all ranks.

    Rows are added by `append` on every rank and reach the file by `flush`. The columns of the file are sorted by node,
    whichever rank owns it, so that the file does not depend on the number of ranks. A rank may own no node.

    Attributes:
        path: the file.
        n_steps: rows of the file.
        next_step: row that the next `append` fills.
    """

    def __init__(
        self,
        world: World,
        path: Path | str,
        population: str,
        node_ids: ArrayLike,
        counts: ArrayLike,
        element_ids: ArrayLike,
        *,
        start_ms: float,
        stop_ms: float,
        step_ms: float,
        unit: str,
        dtype: str = "f4",
        resume_from_step: int | None = None,
    ) -> None:
        """Creates the file in its final size, or opens that of an earlier run. Collective.

        Args:
            world: the ranks that report.
            path: the file; its folder is created.
            population: SONATA population of the nodes.
            node_ids: (local nodes,) SONATA ids of the nodes of this rank, in any order.
            counts: (local nodes,) number of elements of each.
            element_ids: (local elements,) number of the section that each element belongs to, node after node.
            start_ms: time of the first row.
            stop_ms: end of the report; no row is taken there or later.
            step_ms: time between rows.
            unit: unit of the data, as SONATA spells it: "mV", "mM", "mA/cm2".
            dtype: "f4", which readers expect, or "f8".
            resume_from_step: continue an existing file from this row on; the rows from there on become NaN again.

        Raises:
            UserError: on every rank, when the file cannot be written, or does not fit the run to be resumed.
            ValueError: the arrays do not belong together.
        """
        self.path = Path(path)
        self._world = world
        self._group = f"report/{population}"
        self._unit = unit
        self._dtype = np.dtype(dtype)
        self._time = _TimeAxis(float(start_ms), float(stop_ms), float(step_ms))
        self.n_steps = self._time.rows
        self.next_step = 0 if resume_from_step is None else int(resume_from_step)
        self._n_local, self._columns = self._gather_columns(node_ids, counts, element_ids)
        self._n_elements = int(world.sum(self._n_local))
        self._buffer = np.empty((1, self._n_local), self._dtype)  # grows as needed; reused after each flush
        self._n_buffered = 0
        if resume_from_step is None:
            n_bytes = _stored_bytes(self.n_steps, self._n_elements, self._dtype.itemsize)
            create_file(world, self.path, self._fill, n_bytes + (self._columns.n_bytes if self._columns else 0))
        else:
            change_file(world, self.path, self._resume)

    @classmethod
    def per_node(
        cls, world: World, path: Path | str, population: str, node_ids: ArrayLike, **options: Any
    ) -> CompartmentReport:
        """A report of one value per node (a neuron, a vessel segment); for the options see the constructor."""
        zeros = np.zeros(np.size(node_ids), np.int64)
        return cls(world, path, population, node_ids, zeros + 1, zeros, **options)

    def append(self, row: ArrayLike) -> None:
        """Keeps the next row until `flush`; every rank appends the same number of rows.

        Args:
            row: (local elements,) in the order of the constructor's arguments; it is copied.

        Raises:
            ValueError: the row has another length, or the report is full.
        """
        values = np.asarray(row)
        if values.shape != (self._n_local,):
            raise ValueError(f"{self.path}: a row of shape {values.shape} was given, expected {(self._n_local,)}")
        if self.next_step >= self.n_steps:
            raise ValueError(f"{self.path}: all {self.n_steps} rows, up to {self._time.stop} ms, were given already")
        if self._n_buffered == len(self._buffer):
            self._buffer = np.concatenate([self._buffer, np.empty_like(self._buffer)])
        self._buffer[self._n_buffered] = values
        self._n_buffered += 1
        self.next_step += 1

    def flush(self) -> None:
        """Writes the rows that were appended since the last time; afterwards any reader sees them. Collective.

        Raises:
            UserError: on every rank, when the file cannot be written.
            RuntimeError: on every rank, when they appended different numbers of rows.
        """
        first = self.next_step - self._n_buffered
        fewest, most = self._world.minimum(self.next_step), self._world.maximum(self.next_step)
        if fewest != most:
            raise RuntimeError(f"{self.path}: some ranks appended {most} rows, others only {fewest}")
        n_piece = max(1, FLUSH_ELEMENTS // max(1, self._n_elements))
        for begin in range(0, self._n_buffered, n_piece):
            piece = self._buffer[begin : min(begin + n_piece, self._n_buffered)]
            self._write(first + begin, self._world.gather_array(piece, axis=1))
        self._n_buffered = 0

    def _gather_columns(
        self, node_ids: ArrayLike, counts: ArrayLike, element_ids: ArrayLike
    ) -> tuple[int, _Columns | None]:
        """The number of local elements and, on the root, the columns of the file."""
        local = [np.asarray(values, np.int64).ravel() for values in (node_ids, counts, element_ids)]
        nodes, per_node, elements = local
        if nodes.size != per_node.size or per_node.sum() != elements.size or (nodes < 0).any() or (per_node < 0).any():
            raise ValueError(
                f"{self.path}: {nodes.size} nodes with {per_node.size} counts that add up to {per_node.sum()} "
                f"do not describe {elements.size} elements (ids and counts must not be negative)"
            )
        gathered = [values for values in map(self._world.gather_array, local) if values is not None]
        columns: list[_Columns] = []  # stays on the root
        self._world.on_root(lambda: columns.append(_Columns.sort(*gathered)))
        return elements.size, columns[0] if columns else None

    def _fill(self, file: h5py.File) -> None:
        assert self._columns is not None
        group = file.create_group(self._group)
        mapping = group.create_group("mapping")
        nodes = mapping.create_dataset("node_ids", data=self._columns.node_ids)
        nodes.attrs["sorted"] = np.uint8(1)
        mapping["index_pointers"] = self._columns.index_pointers
        mapping["element_ids"] = self._columns.element_ids
        time = mapping.create_dataset("time", data=[self._time.start, self._time.stop, self._time.step])
        time.attrs["units"] = "ms"
        data = _create_data(group, (self.n_steps, self._n_elements), self._dtype)
        data.attrs["units"] = self._unit
        data.attrs["last_written_step"] = np.int64(-1)

    def _resume(self, file: h5py.File) -> None:
        """Checks that the file belongs to this report and empties the rows that will be written again."""
        assert self._columns is not None
        group = file.get(self._group)
        expected: dict[str, ArrayLike] = {
            "mapping/node_ids": self._columns.node_ids,
            "mapping/index_pointers": self._columns.index_pointers,
            "mapping/element_ids": self._columns.element_ids,
            "mapping/time": [self._time.start, self._time.stop, self._time.step],
        }
        for name, values in expected.items():
            if group is None or not np.array_equal(group[name][:], values):
                raise UserError(
                    f"{self.path}: cannot be continued, its {self._group}/{name} is not that of this run; "
                    "resume with the circuit and the times of the first run, or start anew"
                )
        data = group["data"]
        last = int(data.attrs["last_written_step"])
        if not 0 <= self.next_step <= last + 1:
            raise UserError(
                f"{self.path}: cannot be continued from step {self.next_step}, its last step is {last}; "
                "resume from an earlier checkpoint, or start anew"
            )
        data.attrs.modify("last_written_step", np.int64(self.next_step - 1))
        data[self.next_step : last + 1] = np.nan

    def _write(self, first: int, rows: NDArray[Any] | None) -> None:
        """Writes gathered rows (steps, elements) from row `first` on."""

        def change(file: h5py.File) -> None:
            assert rows is not None and self._columns is not None
            data = file[self._group]["data"]
            data[first : first + len(rows)] = rows[:, self._columns.gathered]
            # the numbers must be in the file before the attribute that vouches for them
            file.flush()
            data.attrs.modify("last_written_step", np.int64(first + len(rows) - 1))

        change_file(self._world, self.path, change)


def _chunk_shape(n_steps: int, n_elements: int, itemsize: int) -> tuple[int, int]:
    """Steps and elements of a block of the file, such that the last blocks stand over by little."""
    n_columns = _share(n_elements, CHUNK_ELEMENTS)
    return _share(n_steps, max(1, CHUNK_BYTES // (n_columns * itemsize))), n_columns


def _share(total: int, most: int) -> int:
    """The size of the parts when `total` is divided into the fewest equal parts of at most `most`."""
    return max(1, math.ceil(total / math.ceil(total / most))) if total else 1


def _stored_bytes(n_steps: int, n_elements: int, itemsize: int) -> int:
    """Room that the dataset takes in the file, with the blocks that stand over and their index."""
    n_rows, n_columns = _chunk_shape(n_steps, n_elements, itemsize)
    n_chunks = math.ceil(n_steps / n_rows) * math.ceil(n_elements / n_columns)
    return n_chunks * (n_rows * n_columns * itemsize + INDEX_BYTES)


def _create_data(group: h5py.Group, shape: tuple[int, int], dtype: np.dtype[Any]) -> h5py.Dataset:
    """The dataset `data`, all NaN, with its place on the disk taken at once: a full disk shows before the run."""
    if 0 in shape:
        return group.create_dataset("data", shape=shape, dtype=dtype)
    chunks = _chunk_shape(*shape, dtype.itemsize)
    properties = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
    properties.set_alloc_time(h5py.h5d.ALLOC_TIME_EARLY)
    return group.create_dataset("data", shape=shape, dtype=dtype, chunks=chunks, fillvalue=np.nan, dcpl=properties)
