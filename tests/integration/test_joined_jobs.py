"""Two jobs, started separately, that join through a port: with a server they couple, without one they are refused."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import pytest

from mpi_coupling.launch import job_environment

REPOSITORY = Path(__file__).parents[2]
SERVER = shutil.which("ompi-server")

pytestmark = [
    pytest.mark.skipif(SERVER is None, reason="SKIPPED: no Open MPI 4 with ompi-server on this machine"),
    pytest.mark.timeout(120),
]

PROGRAM = """
    import sys
    from pathlib import Path
    import numpy as np
    from mpi_coupling import Role, Signal, Window, World, connect
    from mpi_coupling.ports import joined_groups

    role = sys.argv[1]
    world = World.start()
    first = role == "spiking"
    plan = [Role("spiking", 1, None), Role("field")]
    deadline = float(sys.argv[2])
    with world.guard(), joined_groups(plan, role, world, Path("port.txt"), first=first, deadline=deadline) as groups:
        channel = connect(groups, Signal("rate", "Hz", (2,), 10), "spiking", "field", deadline=30)
        if first:
            with channel.sender as sender:
                for k in range(50):
                    sender.send(Window(10 * k, 10 * k + 10, np.full((10, len(sender.items)), float(k))))
        else:
            print("received", sum(window.values.sum() for window in channel.receiver))
"""


def start(folder: Path, ranks: int, role: str, *options: str, deadline: float = 30.0) -> subprocess.Popen[str]:
    (folder / "program.py").write_text(textwrap.dedent(PROGRAM))
    root = {"OMPI_ALLOW_RUN_AS_ROOT": "1", "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM": "1", "PYTHONPATH": str(REPOSITORY)}
    return subprocess.Popen(
        [
            *("mpirun", *options, "--bind-to", "none", "-n", str(ranks)),
            sys.executable,
            "program.py",
            role,
            str(deadline),
        ],
        env={**job_environment(), **root},
        cwd=folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


@pytest.fixture
def server(tmp_path: Path):
    """The options by which a job finds a server."""
    uri = tmp_path / "uri"
    process = subprocess.Popen([str(SERVER), "--no-daemonize", "-r", str(uri)], env=os.environ)
    while not (uri.exists() and uri.read_text()):
        time.sleep(0.05)
    yield ["--ompi-server", f"file:{uri}"]
    process.terminate()
    process.wait(10)


def test_without_a_server_the_job_is_refused_instead_of_hanging(tmp_path: Path) -> None:
    job = start(tmp_path, 2, "spiking")
    _, errors = job.communicate(timeout=60)
    assert job.returncode == 2
    assert errors.count("only through a server: run `ompi-server --no-daemonize -r FILE`") == 1
    assert "`mpirun -n 1 A : -n 1 B`" in errors


def test_jobs_that_know_a_server_join(tmp_path: Path, server: list[str]) -> None:
    first, second = start(tmp_path, 2, "spiking", *server), start(tmp_path, 1, "field", *server)
    output, errors = second.communicate(timeout=60)
    assert second.returncode == 0, errors
    assert output == f"received {20.0 * sum(range(50))}\n"
    _, errors = first.communicate(timeout=60)
    assert first.returncode == 0, errors
    assert not list(tmp_path.glob("port.txt*"))


def test_nobody_comes(tmp_path: Path, server: list[str]) -> None:
    job = start(tmp_path, 1, "spiking", *server, deadline=0.5)
    _, errors = job.communicate(timeout=60)
    assert job.returncode == 2
    assert "port.txt: no job came to join within 0.5 s" in errors
