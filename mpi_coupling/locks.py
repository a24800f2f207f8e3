"""Locks of files, by which processes on the machines of a cluster keep out of each other's way."""

from __future__ import annotations

import errno
import fcntl
import stat
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, Any

from mpi_coupling.failure import UserError

NO_LOCKS = (errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP)
"""What flock says on the shared file systems of some clusters."""

PAUSE = 0.1
"""Seconds between two attempts."""

FOLDER_LOCK = ".lock"
"""File of a folder of results that the run which writes there keeps locked."""

FOLDER_PATIENCE = 0.5
"""Seconds that a run tries to get it: somebody may have it for a moment, to see whether a run is going on."""


def lock(file: IO[Any], patience: float) -> bool:
    """Take the lock of an open file; the system gives it back when the file is closed, or the process ends.

    Args:
        file: open for writing.
        patience: how long to try, s.

    Returns:
        Whether this process may go on: it has the lock, or the file system knows none.

    Raises:
        OSError: the system refuses for another reason.
    """
    deadline = time.monotonic() + patience
    while True:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() > deadline:
                return False
            time.sleep(PAUSE)
            continue
        except OSError as error:
            if error.errno not in NO_LOCKS:
                raise
        return True


def file_in_the_way(folder: Path) -> Path | None:
    """The file that stands where a folder, or one that it lies in, should be; None where there is none."""
    for path in (folder, *folder.parents):
        with suppress(OSError):  # not there, or not for us to see
            if not stat.S_ISDIR(path.stat().st_mode):
                return path
    return None


@contextmanager
def writing_results(folder: Path) -> Iterator[None]:
    """What the system has against results in a folder becomes an error that names it.

    Raises:
        UserError: something cannot be written there.
    """
    try:
        yield
    except OSError as error:
        raise UserError(f"{folder}: results cannot be written there: {error.strerror}") from error


def make_folder(folder: Path) -> None:
    """Make a folder of results.

    Raises:
        UserError: it cannot be made.
    """
    if file := file_in_the_way(folder):
        raise UserError(f"{file} is a file, not a folder; remove it or name another folder for the results")
    with writing_results(folder):
        folder.mkdir(parents=True, exist_ok=True)


def hold_folder(folder: Path) -> IO[Any]:
    """Make a folder of results and keep other runs out of it, as long as the file that is returned is open.

    Raises:
        UserError: another run writes there, or the folder cannot be written.
    """
    make_folder(folder)
    with writing_results(folder):
        file = (folder / FOLDER_LOCK).open("w")
        if not lock(file, FOLDER_PATIENCE):
            raise UserError(f"{folder}: another run is writing its results there; wait for it or stop it")
    return file


def is_folder_held(folder: Path) -> bool | None:
    """Whether a run writes in a folder of results; its lock is taken for a moment to find out.

    None where that cannot be known, because the file system has no locks.
    """
    try:
        with (folder / FOLDER_LOCK).open() as file:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError as error:
        return None if error.errno in NO_LOCKS else False
    return False
