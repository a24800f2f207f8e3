"""Snapshots of a run, from which it can be continued after it was stopped, killed or lost.

A snapshot is a folder with one file per rank. It is written under another name and put in place by a rename once all of
it is on the disk; only then the one before the previous one is removed. So at any moment there is a whole snapshot.
"""

from __future__ import annotations

import json
import os
import shutil
import zipfile
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mpi_coupling.console import get_logger
from mpi_coupling.failure import UserError
from mpi_coupling.world import World

log = get_logger(__name__)

State = dict[str, NDArray[Any]]
"""Arrays of one rank by name."""

KEPT = 2
"""Snapshots that are kept: the newest, and the one before it."""

_MANIFEST = "manifest.json"
_PREFIX, _PART = "tick-", ".part"
_PLACED = f"{_PREFIX}*[0-9]"
"""Pattern of the names of snapshots that are in place."""
_UNREADABLE = (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile)


def joined(parts: Mapping[str, Mapping[str, NDArray[Any]]]) -> State:
    """The states of several parts as one, each array named ``<part>/<name>``."""
    return {f"{part}/{name}": array for part, state in parts.items() for name, array in state.items()}


def part_of(state: Mapping[str, NDArray[Any]], part: str) -> State:
    """The state of one part of what `joined` gave."""
    prefix = f"{part}/"
    return {name.removeprefix(prefix): array for name, array in state.items() if name.startswith(prefix)}


def has_checkpoints(folder: Path) -> bool:
    """Whether snapshots are in place in a folder; they are not read."""
    return any(folder.glob(_PLACED))


@dataclass(frozen=True)
class Manifest:
    """What a snapshot says of itself.

    Attributes:
        tick: time of the run, in ticks.
        ranks: number of ranks that wrote it.
        fingerprint: of everything that must be the same when it is read.
    """

    tick: int
    ranks: int
    fingerprint: str


class CheckpointStore:
    """The snapshots of a run.

    Args:
        world: the ranks.
        folder: where the snapshots are; made when the first is written.
        fingerprint: of everything that a continued run must have in common with the one that wrote them.
    """

    def __init__(self, world: World, folder: Path, fingerprint: str) -> None:
        self._world, self._folder, self._fingerprint = world, Path(folder), fingerprint

    @property
    def folder(self) -> Path:
        """Where the snapshots are."""
        return self._folder

    def save(self, tick: int, state: Mapping[str, NDArray[Any]]) -> None:
        """Write a snapshot. Collective.

        Args:
            tick: time of the run.
            state: arrays of this rank, by name.

        Raises:
            UserError: on every rank, when a rank cannot write; earlier snapshots are left as they are.
        """
        final = self._folder / f"{_PREFIX}{tick:012d}"
        part = final.with_name(final.name + _PART)
        manifest = Manifest(tick, self._world.size, self._fingerprint)

        def prepare() -> None:
            shutil.rmtree(part, ignore_errors=True)
            part.mkdir(parents=True)

        try:
            self._together(prepare, on_root=True)
            self._together(lambda: self._write_rank(part, state))
            self._together(lambda: self._put_in_place(part, final, manifest), on_root=True)
        except UserError:
            if self._world.is_root:
                shutil.rmtree(part, ignore_errors=True)
            raise

    def load(self) -> tuple[int, State] | None:
        """Read the newest snapshot; where a file of it is damaged, the one before. Collective.

        Returns:
            The tick and the arrays of this rank; None where there is no snapshot.

        Raises:
            UserError: on every rank, when the snapshots belong to another run, or none of them can be read.
        """
        found = self._world.on_root(self._manifests)
        for manifest in found:
            self._refuse_foreign(manifest)
            state = self._read(manifest.tick)
            if self._world.all(state is not None):
                assert state is not None
                return manifest.tick, state
            if self._world.is_root:
                log.warning("the checkpoint at tick %d in %s is damaged", manifest.tick, self._folder)
        if found:
            raise UserError(f"{self._folder}: none of the {len(found)} checkpoints can be read; start anew")
        return None

    def clear(self) -> None:
        """Remove all snapshots. Collective."""
        self._world.on_root(lambda: shutil.rmtree(self._folder, ignore_errors=True))

    def _manifests(self) -> list[Manifest]:
        """Of all snapshots that are in place, the newest first."""
        found = []
        for folder in sorted(self._folder.glob(_PLACED), reverse=True):
            try:
                found.append(Manifest(**json.loads((folder / _MANIFEST).read_text())))
            except (*_UNREADABLE, TypeError) as error:
                log.warning("%s is no checkpoint that can be read (%s)", folder, error)
        return found

    def _refuse_foreign(self, manifest: Manifest) -> None:
        if manifest.fingerprint != self._fingerprint:
            raise UserError(
                f"{self._folder}: the checkpoint was written by a run with another configuration, circuit or "
                "mechanisms; undo the change, or start anew"
            )
        if manifest.ranks != self._world.size:
            raise UserError(
                f"{self._folder}: the checkpoint was written by {manifest.ranks} ranks and cannot be read by "
                f"{self._world.size}; resume with -n {manifest.ranks}"
            )

    def _read(self, tick: int) -> State | None:
        try:
            with np.load(self._folder / f"{_PREFIX}{tick:012d}" / _rank_file(self._world.rank)) as file:
                return {name: file[name] for name in file.files}
        except _UNREADABLE:
            return None

    def _write_rank(self, folder: Path, state: Mapping[str, NDArray[Any]]) -> None:
        _write_synced(folder / _rank_file(self._world.rank), lambda f: np.savez(f, allow_pickle=False, **state))

    def _put_in_place(self, part: Path, final: Path, manifest: Manifest) -> None:
        _write_synced(part / _MANIFEST, lambda f: f.write(json.dumps(asdict(manifest)).encode()))
        _sync(part)
        shutil.rmtree(final, ignore_errors=True)  # of a run that was continued from before it
        part.rename(final)
        _sync(self._folder)
        for old in sorted(self._folder.glob(_PLACED), reverse=True)[KEPT:]:
            shutil.rmtree(old, ignore_errors=True)

    def _together(self, work: Callable[[], None], on_root: bool = False) -> None:
        """Do something on every rank, or on the root; what the system has against it becomes an error of all."""
        problem = ""
        if self._world.is_root or not on_root:
            try:
                work()
            except OSError as error:
                problem = f"{error.filename or self._folder}: {error.strerror}"
        problems = [text for text in self._world.comm.allgather(problem) if text]
        if problems:
            raise UserError(f"the checkpoint cannot be written: {problems[0]}; check that there is room")


def _rank_file(rank: int) -> str:
    return f"rank-{rank:05d}.npz"


def _write_synced(path: Path, write: Callable[[Any], Any]) -> None:
    with path.open("wb") as file:
        write(file)
        file.flush()
        os.fsync(file.fileno())


def _sync(folder: Path) -> None:
    """Bring the names in a folder to disk."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
