"""Keeps sparse matrices between runs in files named by everything that decides their content."""

from __future__ import annotations

import hashlib
import logging
import tempfile
import zipfile
from collections.abc import Callable, Iterable
from functools import cache
from pathlib import Path

import numpy as np
import scipy.sparse as sparse

log = logging.getLogger(__name__)


class MatrixStore:
    """A folder of matrices. Never needed for correctness: what cannot be read is made, what cannot be written is not.

    Args:
        cache_path: the folder; made when something is saved.
        cache_save: whether matrices are written.
        cache_load: whether matrices are read.
    """

    def __init__(self, cache_path: Path, cache_save: bool = True, cache_load: bool = True) -> None:
        self._folder = Path(cache_path)
        self._save = cache_save
        self._load = cache_load

    def obtain(
        self, name: str, deciding: Iterable[np.ndarray], make: Callable[[], sparse.csr_matrix]
    ) -> sparse.csr_matrix:
        """Read a matrix, or make it and keep it.

        Args:
            name: what it is; begins the file's name.
            deciding: all data that it is made from.
            make: makes it.
        """
        if not (self._save or self._load):
            return make()
        file = self._folder / f"{name}-{_digest(deciding)}.npz"
        matrix = _read(file) if self._load else None
        if matrix is None:
            matrix = make()
            if self._save:
                _write(file, matrix)
        return matrix


def _digest(arrays: Iterable[np.ndarray]) -> str:
    digest = hashlib.sha256(_source_digest())
    for array in arrays:
        digest.update(f"{array.dtype.str}{array.shape}".encode())
        digest.update(np.ascontiguousarray(array).data)
    return digest.hexdigest()[:32]


@cache
def _source_digest() -> bytes:
    """A changed method makes other files."""
    return hashlib.sha256(b"".join(path.read_bytes() for path in sorted(Path(__file__).parent.glob("*.py")))).digest()


def _read(file: Path) -> sparse.csr_matrix | None:
    """The matrix in a file; None where there is none that can be used."""
    try:
        matrix = sparse.csr_matrix(sparse.load_npz(file))
        matrix.check_format(full_check=True)
    except FileNotFoundError:
        return None
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile) as error:
        log.warning("%s cannot be used and is made again (%s)", file, error)
        return None
    return matrix


def _write(file: Path, matrix: sparse.csr_matrix) -> None:
    """Put a file in place in one step, as several ranks and runs may share the folder."""
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=file.parent, prefix=".part") as folder:
            part = Path(folder) / file.name
            sparse.save_npz(part, matrix, compressed=False)
            part.replace(file)
    except OSError as error:
        log.warning("cannot keep %s (%s); it will be made again in the next run", file, error.strerror)
