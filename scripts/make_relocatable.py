"""Makes a Python virtual environment movable: its programs find their interpreter beside them, wherever that is.

`python scripts/make_relocatable.py ENVIRONMENT`. Programs that pip installs name the interpreter by its absolute path
in their first line. The line is replaced by one that the shell reads as a command and Python as a string. The activate
scripts, which name the path too, are removed: a module or the PATH does their work.
"""

from __future__ import annotations

import sys
from pathlib import Path

HEADER = """\
#!/bin/sh
'''exec' env -u PYTHONHOME "$(dirname -- "$(realpath -- "$0")")/python" "$0" "$@"
' '''
"""
"""PYTHONHOME, which other modules may set, would send the interpreter to another one's library."""


def relocate(environment: Path) -> int:
    """Rewrites the programs of an environment; returns how many."""
    programs = environment / "bin"
    wanted = f"#!{programs.absolute()}/python".encode()
    count = 0
    for file in programs.iterdir():
        if file.name.lower().startswith("activate"):
            file.unlink()
            continue
        if file.is_symlink() or not file.is_file():
            continue
        first, _, rest = file.read_bytes().partition(b"\n")
        if first.startswith(wanted):
            file.write_bytes(HEADER.encode() + rest)
            count += 1
    return count


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    print(f"{relocate(Path(sys.argv[1]))} programs made relocatable")
