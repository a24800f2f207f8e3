"""SONATA node and edge files whose bytes depend on their content only.

HDF5 stores no times here, and the indices are written by h5py: libsonata's own writer puts a time stamp into the file.
"""

from collections.abc import Iterable, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import h5py
import numpy as np
from numpy.typing import ArrayLike, NDArray

_LONGEST_CHUNK = 65_536


def create_file(path: Path) -> h5py.File:
    """Open a new HDF5 file of a fixed format version; the folder is made when absent."""
    path.parent.mkdir(parents=True, exist_ok=True)
    return h5py.File(path, "w", libver=("earliest", "v110"), track_order=False)


def write_nodes(
    path: Path,
    population: str,
    count: int,
    attributes: Mapping[str, Any],
    dynamics: Mapping[str, Any] | None = None,
) -> None:
    """Write one node population.

    Args:
        path: file to create.
        population: name of the population.
        count: number of nodes.
        attributes: one value per node or one for all; texts are stored as an enumeration (SONATA `@library`).
        dynamics: the same for the group `dynamics_params`.
    """
    with create_file(path) as file:
        root = file.create_group(f"nodes/{population}")
        root["node_type_id"] = np.full(count, -1, "i8")
        group = root.create_group("0")
        for name, values in attributes.items():
            _write_attribute(group, name, np.broadcast_to(np.asarray(values), count))
        for name, values in (dynamics or {}).items():
            group[f"dynamics_params/{name}"] = np.broadcast_to(np.asarray(values, "f4"), count)


def _write_attribute(group: h5py.Group, name: str, values: NDArray) -> None:
    if values.dtype.kind != "U":
        group[name] = values.astype("f4") if values.dtype.kind == "f" else values
        return
    labels, codes = np.unique(values, return_inverse=True)
    write_enumeration(group, name, labels)
    group[name] = codes.astype("u4")


def write_enumeration(group: h5py.Group, name: str, labels: Iterable[str]) -> None:
    """Write the texts an integer attribute stands for."""
    group.create_dataset(f"@library/{name}", data=[str(label) for label in labels], dtype=h5py.string_dtype())


def components(prefix: str, vectors: NDArray, names: str = "xyz") -> dict[str, NDArray]:
    """The columns of n x len(names) vectors as attributes `<prefix><name>`."""
    return {f"{prefix}{name}": vectors[:, column] for column, name in enumerate(names)}


class EdgeWriter:
    """Writes one edge population in pieces, so that memory does not grow with the number of edges.

    Args:
        path: file to create.
        population: name of the edge population.
        source: source node population and its size.
        target: target node population and its size.
        labels: enumerated attributes, name to texts.
        attributes_of: HDF5 attributes of datasets, (dataset, attribute) to text.
    """

    def __init__(
        self,
        path: Path,
        population: str,
        source: tuple[str, int],
        target: tuple[str, int],
        labels: Mapping[str, list[str]] | None = None,
        attributes_of: Mapping[tuple[str, str], str] | None = None,
    ) -> None:
        self.count = 0
        self._ends = {"source": source, "target": target}
        self._file = create_file(path)
        self._root = self._file.create_group(f"edges/{population}")
        self._group = self._root.create_group("0")
        self._attributes_of = dict(attributes_of or {})
        for name, texts in (labels or {}).items():
            write_enumeration(self._group, name, texts)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is None:
            self._finish()
        self._file.close()

    def append(self, source: ArrayLike, target: ArrayLike, columns: Mapping[str, NDArray]) -> None:
        """Add edges: node ids of both ends and one array per attribute; floats are stored as float32."""
        source, target = np.asarray(source, "u8"), np.asarray(target, "u8")
        self._extend(self._root, "source_node_id", source)
        self._extend(self._root, "target_node_id", target)
        self._extend(self._root, "edge_type_id", np.full(len(source), -1, "i8"))
        for name, values in columns.items():
            self._extend(self._group, name, values.astype("f4") if values.dtype.kind == "f" else values)
        self.count += len(source)

    def _extend(self, group: h5py.Group, name: str, values: NDArray) -> None:
        if name not in group:
            chunk = min(max(len(values), 1), _LONGEST_CHUNK)
            group.create_dataset(name, shape=(0,), maxshape=(None,), chunks=(chunk,), dtype=values.dtype)
        dataset = group[name]
        dataset.resize(self.count + len(values), axis=0)
        dataset[self.count :] = values

    def _finish(self) -> None:
        for end, (population, _) in self._ends.items():
            self._root[f"{end}_node_id"].attrs["node_population"] = population
        for (dataset, attribute), text in self._attributes_of.items():
            self._group[dataset].attrs[attribute] = text
        for name, end in (("source_to_target", "source"), ("target_to_source", "target")):
            ranges, rows = edge_index(self._root[f"{end}_node_id"][:], self._ends[end][1])
            self._root[f"indices/{name}/node_id_to_ranges"] = ranges
            self._root[f"indices/{name}/range_to_edge_id"] = rows


def edge_index(node_ids: NDArray[np.uint64], node_count: int) -> tuple[NDArray[np.uint64], NDArray[np.uint64]]:
    """The SONATA index of one end of the edges.

    Args:
        node_ids: node of every edge.
        node_count: size of the node population.

    Returns:
        For each node the half-open range of its rows in the second table (`node_count` x 2), and the half-open
        ranges of consecutive edges (ranges x 2).
    """
    order = np.argsort(node_ids, kind="stable")
    nodes = node_ids[order]
    if len(order) == 0:
        return np.zeros((node_count, 2), "u8"), np.empty((0, 2), "u8")
    first = np.flatnonzero(np.r_[True, (np.diff(nodes) != 0) | (np.diff(order) != 1)])
    last = np.append(first[1:], len(order)) - 1
    rows = np.stack([order[first], order[last] + 1], axis=1).astype("u8")
    bounds = np.searchsorted(nodes[first], np.arange(node_count + 1, dtype="u8"))
    return np.stack([bounds[:-1], bounds[1:]], axis=1).astype("u8"), rows
