"""SONATA spike files, from any number of ranks.

The format is that of the SONATA developer guide (Dai et al. 2020, PLoS Comput Biol 16:e1007696,
doi:10.1371/journal.pcbi.1007696), read by libsonata and bluepysnap.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from numpy.typing import ArrayLike, NDArray

from mpi_coupling._sonata_file import CollectiveWriter, create_file, rewrite_file
from mpi_coupling.failure import UserError
from mpi_coupling.world import World

SORTING = h5py.enum_dtype({"none": 0, "by_id": 1, "by_time": 2}, basetype="u1")
"""Values of the attribute `sorting` of a population of spikes."""

CHUNK_SPIKES = 4096
"""Spikes by which a dataset grows at once."""

SPIKE_BYTES = 16
"""Size of a time and an id in the file."""


class SpikeWriter(CollectiveWriter):
    """Writes the spikes of all ranks, sorted by time and then by neuron, whatever rank they come from.

    Spikes are added by `append` and reach the file by `flush`, window after window of time. A flush copies the file,
    so that a process that is killed meanwhile leaves all earlier spikes: long runs with many spikes flush rarely.
    """

    def __init__(
        self, world: World, path: Path | str, populations: Sequence[str] = (), *, resume_from_ms: float | None = None
    ) -> None:
        """Creates the file, or opens that of an earlier run. Collective.

        Args:
            world: the ranks that have spikes.
            path: the file; its folder is created.
            populations: populations that are in the file even when none of their neurons ever fires.
            resume_from_ms: continue an existing file; spikes after this time are removed from it.

        Raises:
            UserError: on every rank, when the file cannot be written or continued.
        """
        self.path = Path(path)
        self._world = world
        self._spikes: defaultdict[str, list[tuple[NDArray[Any], NDArray[Any]]]] = defaultdict(list)
        if resume_from_ms is None:
            create_file(world, self.path, lambda file: _add_populations(file, populations))
        else:
            rewrite_file(world, self.path, lambda file: self._resume(file, resume_from_ms))

    def append(self, population: str, times: ArrayLike, node_ids: ArrayLike) -> None:
        """Keeps spikes of this rank until `flush`.

        Args:
            population: SONATA population of the neurons.
            times: (spikes,) [ms], in any order.
            node_ids: (spikes,) SONATA ids.

        Raises:
            ValueError: times and ids differ in number.
        """
        spikes = np.array(times, np.float64), np.array(node_ids, np.uint64)
        if spikes[0].shape != spikes[1].shape or spikes[0].ndim != 1:
            raise ValueError(f"{self.path}: {spikes[0].shape} times do not go with {spikes[1].shape} neurons")
        self._spikes[population].append(spikes)

    def flush(self) -> None:
        """Writes the spikes that were appended since the last time. Collective.

        Raises:
            UserError: on every rank, when the file cannot be written.
            ValueError: on every rank, when a spike is earlier than one that is in the file already.
        """
        names = sorted(set().union(*self._world.comm.allgather(set(self._spikes))))
        windows = [(name, *self._gather(name)) for name in names]
        n_spikes = self._world.sum(sum(len(times) for spikes in self._spikes.values() for times, _ in spikes))
        self._spikes.clear()
        if n_spikes == 0:
            return  # each writing copies the file

        def change(file: h5py.File) -> None:
            for name, times, node_ids in windows:
                assert times is not None and node_ids is not None
                self._extend(_population(file, name), times, node_ids)

        # a population may begin a new chunk of each dataset and leave it nearly empty
        rewrite_file(self._world, self.path, change, SPIKE_BYTES * (int(n_spikes) + len(names) * CHUNK_SPIKES))

    def _gather(self, population: str) -> tuple[NDArray[Any] | None, NDArray[Any] | None]:
        local = self._spikes.get(population, [])
        times = np.concatenate([np.empty(0), *(times for times, _ in local)])
        node_ids = np.concatenate([np.empty(0, np.uint64), *(node_ids for _, node_ids in local)])
        return self._world.gather_array(times), self._world.gather_array(node_ids)

    def _extend(self, group: h5py.Group, times: NDArray[Any], node_ids: NDArray[Any]) -> None:
        order = np.lexsort((node_ids, times))
        stored = len(group["timestamps"])
        if stored and times.size and times[order[0]] < group["timestamps"][-1]:
            raise ValueError(
                f"{self.path}: a spike at {times[order[0]]} ms comes after one at {group['timestamps'][-1]} ms was "
                "written; windows must be flushed in the order of time"
            )
        for name, values in (("timestamps", times), ("node_ids", node_ids)):
            group[name].resize((stored + order.size,))
            group[name][stored:] = values[order]

    def _resume(self, file: h5py.File, resume_from_ms: float) -> None:
        if "spikes" not in file:
            raise UserError(f"{self.path}: cannot be continued, it is not a file of spikes; start anew")
        for group in file["spikes"].values():
            kept = np.searchsorted(group["timestamps"][:], resume_from_ms, side="right")
            for name in ("timestamps", "node_ids"):
                group[name].resize((kept,))


def _add_populations(file: h5py.File, populations: Sequence[str]) -> None:
    file.create_group("spikes")
    for name in populations:
        _population(file, name)


def _population(file: h5py.File, name: str) -> h5py.Group:
    """The group of a population, which is created when it is new."""
    spikes = file["spikes"]
    if name in spikes:
        return spikes[name]
    group = spikes.create_group(name)
    group.attrs.create("sorting", 2, dtype=SORTING)
    for dataset, dtype in (("timestamps", "f8"), ("node_ids", "u8")):
        group.create_dataset(dataset, shape=(0,), maxshape=(None,), chunks=(CHUNK_SPIKES,), dtype=dtype)
    group["timestamps"].attrs["units"] = "ms"
    return group
