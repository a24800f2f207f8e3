"""Files that are written in one step: a reader finds the old one, the new one or none, never half of one."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from mpi_coupling.failure import UserError


def write_in_one_step(path: Path, content: str | bytes) -> None:
    """Write a file, or replace it, with the rights that a new file has.

    Args:
        path: the file; its folder must exist.
        content: text is written as UTF-8.

    Raises:
        OSError: it cannot be written; it names this file. What was there before is still there, and nothing else.
    """
    data = content.encode() if isinstance(content, str) else content
    try:
        _write_beside_and_rename(path, data)
    except OSError as error:
        raise OSError(error.errno, error.strerror, str(path)) from error


@contextmanager
def writing(path: Path, remedy: str) -> Iterator[None]:
    """What the system has against an output becomes an error that the user can mend.

    Args:
        path: file or folder that the block writes, perhaps under a hidden name beside it first.
        remedy: what the user can do.

    Raises:
        UserError: it cannot be written; errors of other files pass.
    """
    try:
        yield
    except OSError as error:
        if not _is_about(error, path):
            raise
        raise UserError(f"{path} cannot be written: {error.strerror or error}; {remedy}") from error


def _is_about(error: OSError, path: Path) -> bool:
    """Whether an error is about a path, its folder, or a hidden file or folder beside it."""
    if error.filename is None:  # as when the disk is full
        return True
    folder, file = path.resolve().parent, Path(error.filename).resolve()
    if not file.is_relative_to(folder):
        return False
    first = file.relative_to(folder).parts[:1]
    return first in ((), (path.resolve().name,)) or first[0].startswith(".")


def _write_beside_and_rename(path: Path, data: bytes) -> None:
    handle, name = tempfile.mkstemp(dir=path.absolute().parent, prefix=f".{path.name}-", suffix=".part")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
        mask = os.umask(0)
        os.umask(mask)
        Path(name).chmod(0o666 & ~mask)
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
