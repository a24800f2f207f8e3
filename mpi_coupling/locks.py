"""Locks of files, by which processes on the machines of a cluster keep out of each other's way."""

from __future__ import annotations

import errno
import fcntl
import time
from typing import IO, Any

NO_LOCKS = (errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP)
"""What flock says on the shared file systems of some clusters."""

PAUSE = 0.1
"""Seconds between two attempts."""


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
