"""Where the suite keeps what is worth keeping between runs: one folder of the user, a part for each use."""

from __future__ import annotations

import os
from pathlib import Path


def user_cache_folder(part: str) -> Path:
    """A part of the user's cache: of MULTISCALE_RUN_CACHE, XDG_CACHE_HOME/multiscale-run or ~/.cache/multiscale-run.

    Args:
        part: name of the folder in it, such as ``mechanisms``; it need not exist.
    """
    chosen = os.environ.get("MULTISCALE_RUN_CACHE")
    if chosen:
        return Path(chosen).absolute() / part
    base = os.environ.get("XDG_CACHE_HOME")
    return (Path(base) if base else Path.home() / ".cache") / "multiscale-run" / part
