"""Results that are worth keeping between runs: files named by everything that decides their content.

Entries carry a digest and are put in place by renaming, so that runs at the same time, a damaged file or a folder that
cannot be written do no harm.
"""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Callable
from functools import cache
from pathlib import Path

from mpi_coupling.atomic import write_in_one_step
from multiscale_run.user_cache import user_cache_folder

log = logging.getLogger(__name__)

_DIGEST_BYTES = 32


def cache_folder() -> Path:
    """Where the metabolism keeps its kernels and resting states."""
    return user_cache_folder("metabolism")


def remembered(kind: str, deciding: object, make: Callable[[], bytes], folder: Path | None = None) -> bytes:
    """Take a content from the cache, or make it and try to keep it.

    Args:
        kind: what it is; becomes the suffix of the file.
        deciding: everything that decides the content, beside this package's source; its repr names the file.
        make: makes the content.
        folder: cache folder; None takes :func:`cache_folder`.
    """
    name = hashlib.sha256(repr((deciding, _source_digest())).encode()).hexdigest()[:32]
    entry = (folder or cache_folder()) / f"{name}.{kind}"
    content = _read(entry)
    if content is None:
        content = make()
        try:
            _keep(entry, hashlib.sha256(content).digest() + content)
        except OSError as error:
            log.warning("cannot keep the %s of the metabolism in %s (%s)", kind, entry.parent, error.strerror)
    return content


@cache
def _source_digest() -> str:
    """Digest of this package's source: a changed generator makes other entries."""
    digest = hashlib.sha256()
    for source in sorted(Path(__file__).parent.glob("*.py")):
        digest.update(source.read_bytes())
    return digest.hexdigest()


def _read(entry: Path) -> bytes | None:
    try:
        data = entry.read_bytes()
    except OSError:
        return None
    content = data[_DIGEST_BYTES:]
    if hashlib.sha256(content).digest() != data[:_DIGEST_BYTES]:
        log.warning("%s is damaged and is made again", entry)
        return None
    return content


def _keep(entry: Path, data: bytes) -> None:
    """Put a file in place in one step."""
    entry.parent.mkdir(parents=True, exist_ok=True)
    write_in_one_step(entry, data)
