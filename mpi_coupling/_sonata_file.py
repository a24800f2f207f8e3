"""What report and spike files share: the root touches the file, every rank learns how it went."""

from __future__ import annotations

import errno
import os
import re
import shutil
from abc import ABC, abstractmethod
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Self

import h5py
import numpy as np

from mpi_coupling.failure import UserError
from mpi_coupling.world import World

METADATA_BYTES = 2**18
"""Room for everything in a file beside the numbers of its datasets."""

SONATA_MAGIC = 0x0A7A
SONATA_VERSION = (0, 1)
"""Top-level attributes `magic` and `version` of every SONATA file (SONATA developer guide, AllenInstitute/sonata)."""


def create_file(world: World, path: Path, fill: Callable[[h5py.File], None], n_bytes: int = 0) -> None:
    """Creates a SONATA file, replacing an older one, and its folder. Collective.

    Args:
        world: the ranks; the root writes.
        path: the file.
        fill: creates the content.
        n_bytes: room that the datasets of the content take.

    Raises:
        UserError: on every rank, when the file cannot be written; what was written of it is removed.
    """

    def create() -> None:
        with suppress(FileExistsError):  # a file in the place of the folder is refused below
            path.parent.mkdir(parents=True, exist_ok=True)
        path.unlink(missing_ok=True)
        with h5py.File(path, "w", locking=False) as file:
            file.attrs["magic"] = np.uint32(SONATA_MAGIC)
            file.attrs["version"] = np.array(SONATA_VERSION, "u4")
        try:
            _edit(path, fill, n_bytes)
        except BaseException:
            path.unlink(missing_ok=True)
            raise

    _on_root(world, path, n_bytes, create)


class CollectiveWriter(ABC):
    """A result file that buffers on every rank and is written by `flush`; usable in a `with` statement."""

    @abstractmethod
    def flush(self) -> None:
        """Writes what was appended since the last time. Collective."""

    def close(self) -> None:
        """Flushes; the file itself is never left open. Collective."""
        self.flush()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        # a rank that fails must not wait for the others in a flush
        if kind is None:
            self.close()


def change_file(world: World, path: Path, change: Callable[[h5py.File], None]) -> None:
    """Changes values in a file, in place. Collective.

    For changes that leave the structure of the file alone: a process that is killed in between then leaves a good file.

    Raises:
        UserError: on every rank, when the file cannot be read or written.
    """
    _on_root(world, path, 0, lambda: _edit(path, change, 0))


def rewrite_file(world: World, path: Path, change: Callable[[h5py.File], None], n_bytes: int = 0) -> None:
    """Changes a copy of a file, which then takes its place. Collective.

    For changes of its structure: HDF5 writes them piece by piece, and a process that is killed in between leaves a
    file that cannot be read. Costs a copy of the file.

    Args:
        world: the ranks; the root writes.
        path: the file.
        change: what is done with the open copy.
        n_bytes: room that the datasets take by which the file grows.

    Raises:
        UserError: on every rank, when the file cannot be read or written; it is left as it was.
    """

    def rewrite() -> None:
        copy = path.with_name(path.name + ".new")
        try:
            shutil.copyfile(path, copy)
            _edit(copy, change, n_bytes)
            copy.replace(path)
        except BaseException:
            copy.unlink(missing_ok=True)
            raise

    _on_root(world, path, n_bytes, rewrite)


def _edit(path: Path, change: Callable[[h5py.File], None], n_bytes: int) -> None:
    if n_bytes:
        _reserve(path, n_bytes + METADATA_BYTES)
    # not locked: a reader that holds a lock must not stop a simulation;
    # no chunk cache: it would read and write whole chunks where only a row changes
    with h5py.File(path, "r+", locking=False, rdcc_nbytes=0) as file:
        change(file)


def _reserve(path: Path, n_bytes: int) -> None:
    """Takes room at the end of the file, which HDF5 then fills; it gives back the rest when it closes the file.

    HDF5 must not meet a full disk itself: it cannot close the file then and may crash.
    """
    if n_bytes > shutil.disk_usage(path.parent).free:  # before a file system without fallocate fills up byte by byte
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    with path.open("r+b") as file:
        size = file.seek(0, os.SEEK_END)
        try:
            os.posix_fallocate(file.fileno(), size, n_bytes)
        except OSError:
            file.truncate(size)
            raise


def _on_root(world: World, path: Path, n_bytes: int, work: Callable[[], None]) -> None:
    """Calls `work` on the root; what the system or HDF5 has against it becomes a UserError on every rank."""

    def explained() -> None:
        try:
            work()
        except (OSError, RuntimeError) as error:  # h5py raises either
            room = f" for the {n_bytes / 1e6:.3g} MB that it needs" if n_bytes else ""
            raise UserError(
                f"{path}: cannot be written ({_reason(error)}); check that the folder is writable and has room{room}"
            ) from error

    world.on_root(explained)


def _reason(error: OSError | RuntimeError) -> str:
    """What the system says, without HDF5's account of where it heard it."""
    number = getattr(error, "errno", None)
    if number is None and (found := re.search(r"errno = (\d+)", str(error))):
        number = int(found.group(1))
    return os.strerror(number) if number else str(error).splitlines()[0]
