"""Starts both programs as one job, by mpirun or, inside SLURM, by srun."""

from __future__ import annotations

import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from mpi_coupling import Program, supervise

HERE = Path(__file__).parent

if __name__ == "__main__":
    programs = [Program(role, [sys.executable, str(HERE / f"{role}.py")]) for role in ("neurons", "brain")]
    with TemporaryDirectory(dir=Path.cwd()) as folder:
        sys.exit(supervise(programs, Path(folder)))
