"""Time limits as SLURM writes them."""

from __future__ import annotations

import re

FORMATS = "minutes, minutes:seconds, hours:minutes:seconds, days-hours, days-hours:minutes, days-hours:minutes:seconds"
NO_LIMIT = "UNLIMITED"

_WITH_DAYS = re.compile(r"(?P<d>\d+)-(?P<h>\d+)(:(?P<m>\d+)(:(?P<s>\d+))?)?")
_WITHOUT_DAYS = re.compile(r"((?P<h>\d+):(?=\d+:))?(?P<m>\d+)(:(?P<s>\d+))?")
_SECONDS = {"d": 86400, "h": 3600, "m": 60, "s": 1}


def seconds_of(limit: str) -> int | None:
    """How long a job may run, s; None without limit.

    Raises:
        ValueError: SLURM would not understand it, or it is no time at all.
    """
    if limit.upper() == NO_LIMIT:
        return None
    match = _WITH_DAYS.fullmatch(limit) or _WITHOUT_DAYS.fullmatch(limit)
    seconds = sum(_SECONDS[unit] * int(text or 0) for unit, text in match.groupdict().items()) if match else 0
    if not seconds:
        raise ValueError(f"must be a time limit such as 02:00:00; SLURM knows {FORMATS}, and {NO_LIMIT}")
    return seconds
