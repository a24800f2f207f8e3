"""`python -m multiscale_run.mechanisms.build` compiles the mechanisms if need be and prints the library's path."""

import logging
import sys

from mpi_coupling.world import UserError
from multiscale_run.mechanisms.library import mechanism_library


def main() -> int:
    """Runs the command; the exit code is 2 when the mechanisms do not compile."""
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    try:
        print(mechanism_library().library_path)
    except UserError as error:
        print(error, file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
