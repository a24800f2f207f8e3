"""`python -m multiscale_run.mechanisms.build` compiles the mechanisms if need be and prints the library's path.

With `--export` it prints what a shell evaluates to use them, and our hoc files, in plain NEURON and neurodamus.
"""

import logging
import shlex
import sys

from mpi_coupling.world import UserError
from multiscale_run.mechanisms.library import build, hoc_folders


def main() -> int:
    """Runs the command; the exit code is 2 when the mechanisms do not compile."""
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    try:
        library = build()
        if sys.argv[1:] == ["--export"]:
            print(f"export NRNMECH_LIB_PATH={shlex.quote(str(library))}")
            print(f"export HOC_LIBRARY_PATH={shlex.quote(':'.join(hoc_folders()))}")
        else:
            print(library)
    except UserError as error:
        print(error, file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
