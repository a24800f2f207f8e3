"""Jobs of two programs, seen from outside: they end in order, or within 10 seconds and with the name of who died."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import numpy as np
import psutil
import pytest

from mpi_coupling import Channel, LocalChannel, Program, Window
from mpi_coupling.launch import job_environment

REPOSITORY = Path(__file__).parents[2]
TOY = REPOSITORY / "examples" / "toy_coupling"

pytestmark = [
    pytest.mark.skipif(shutil.which("mpirun") is None, reason="SKIPPED: no mpirun on this machine"),
    pytest.mark.timeout(180),
]

SUPERVISOR = """
    import sys
    from pathlib import Path
    from mpi_coupling import Program, supervise

    command = [sys.executable, *sys.argv[1:]]
    programs = [Program("spiking", command), Program("field", command, 2, {"OMP_NUM_THREADS": "1"})]
    sys.exit(supervise(programs, Path.cwd(), "mpirun"))
"""

PROGRAM = """
    import os, signal, sys, time
    import numpy as np
    from mpi_coupling import Groups, Role, Signal, Window, connect

    groups = Groups.join([Role("spiking"), Role("field", 1, 2)])
    there, back = (Signal(name, unit="Hz", shape=(76,), window=20) for name in ("there", "back"))
    first = groups.group.is_root
    # the second rank of field misses what the first one's silence keeps spiking from: it must not speak first
    deadline = float(sys.argv[2]) * (1 + groups.group.rank)
    with groups.guard():
        there = connect(groups, there, "spiking", "field", deadline=deadline)
        back = connect(groups, back, "field", "spiking", deadline=deadline)
        mine, other = (there, back) if groups.plays("spiking") else (back, there)
        items = len(mine.sender.items)
        for k in range(int(sys.argv[1])):
            if groups.role == sys.argv[3] and k == 20 and first:
                print("process", os.getpid(), flush=True)
                exec(sys.argv[4])
            mine.sender.send(Window(20 * k, 20 * k + 20, np.full((20, items), float(k))))
            assert other.receiver.receive(stop=20 * k + 20).values.mean() == k
            time.sleep(0.005)
        mine.sender.close()
        other.receiver.close()
    print(groups.role, "ended in order", flush=True)
"""


def environment() -> dict[str, str]:
    """The environment of a job."""
    # unbuffered, the words of a line are written one by one, and those of two ranks mix
    inherited = {name: value for name, value in job_environment().items() if name != "PYTHONUNBUFFERED"}
    root = {"OMPI_ALLOW_RUN_AS_ROOT": "1", "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM": "1"}
    return {**inherited, **root, "PYTHONPATH": str(REPOSITORY)}


def ended(command: list[str], folder: Path, timeout: float) -> subprocess.CompletedProcess[str]:
    """Runs a job in a folder to its end."""
    return subprocess.run(
        command, env=environment(), cwd=folder, capture_output=True, text=True, timeout=timeout, check=False
    )


def start(folder: Path, windows: int, deadline: float, victim: str = "", deed: str = "") -> subprocess.Popen[str]:
    for name, text in (("supervisor.py", SUPERVISOR), ("program.py", PROGRAM)):
        (folder / name).write_text(textwrap.dedent(text))
    return subprocess.Popen(
        [sys.executable, "supervisor.py", "program.py", str(windows), str(deadline), victim, deed],
        env=environment(),
        cwd=folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def die(folder: Path, victim: str, deed: str, deadline: float = 100.0) -> tuple[int, str, float]:
    """Runs a job in which the first rank of a role does something bad; returns code, errors and seconds since then."""
    job = start(folder, 10_000, deadline, victim, deed)
    assert job.stdout is not None
    while not job.stdout.readline().startswith("process"):
        assert job.poll() is None
    begin = time.monotonic()
    _, errors = job.communicate(timeout=60)
    return job.returncode, errors, time.monotonic() - begin


@pytest.mark.parametrize(("victim", "rank"), [("spiking", 0), ("field", 1)])
@pytest.mark.parametrize(
    ("deed", "code", "fate"),
    [
        ("os.kill(os.getpid(), signal.SIGKILL)", 137, r"was killed by signal 9 \(SIGKILL\)"),
        ("os.kill(os.getpid(), signal.SIGSEGV)", 139, r"was killed by signal 11 \(SIGSEGV\)"),
        ("os._exit(5)", 5, "ended with exit code 5"),
        ("1 / 0", 1, "(ended with exit code 1|failed with the message above)"),
        ("sys.exit(7)", 7, "(ended with exit code 7|failed with the message above)"),
    ],
)
def test_a_death_ends_the_job_and_is_explained(
    victim: str, rank: int, deed: str, code: int, fate: str, tmp_path: Path
) -> None:
    status, errors, seconds = die(tmp_path, victim, deed)
    assert status == code, errors
    assert seconds < 10
    assert re.search(rf"Error: the job was ended because {victim} \(rank {rank} of the job\) {fate}\n", errors), errors


def test_a_program_that_just_leaves_does_not_hang_the_other(tmp_path: Path) -> None:
    status, errors, seconds = die(tmp_path, "spiking", "sys.exit(0)")
    assert status == 1 and seconds < 10
    assert "spiking ends before it closed the channel 'there' from spiking to field" in errors


@pytest.mark.parametrize(("victim", "other"), [("spiking", "field"), ("field", "spiking")])
def test_the_deadline_names_the_silent_side(victim: str, other: str, tmp_path: Path) -> None:
    status, errors, seconds = die(tmp_path, victim, "time.sleep(100)", deadline=1.0)
    assert status == 2 and seconds < 10
    assert f"[{other}, rank " in errors
    rank = 0 if victim == "spiking" else 1
    assert re.search(rf"Error: {victim} \(rank {rank} of the job\) has been silent for 1 s: channel ", errors), errors
    assert "window that begins at step 400" in errors


def test_an_orderly_end(tmp_path: Path) -> None:
    job = start(tmp_path, 30, 60)
    output, errors = job.communicate(timeout=60)
    assert job.returncode == 0, errors
    assert sorted(output.splitlines()) == ["field ended in order"] * 2 + ["spiking ended in order"]
    assert "Error" not in errors


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_a_request_to_end_reaches_the_job(number: signal.Signals, tmp_path: Path) -> None:
    job = start(tmp_path, 10_000, 60, "spiking", "pass")
    assert job.stdout is not None
    job.stdout.readline()
    family = psutil.Process(job.pid).children(recursive=True)
    assert len(family) == 4, "mpirun and three ranks"
    begin = time.monotonic()
    job.send_signal(number)
    _, errors = job.communicate(timeout=30)
    _, left = psutil.wait_procs(family, timeout=10)
    assert not left and time.monotonic() - begin < 10
    if number == signal.SIGKILL:
        assert job.returncode == -number
    else:
        assert job.returncode == 128 + number
        assert errors.endswith(f"Error: the job was stopped by {number.name}\n")


def test_too_few_programs_are_refused_at_once(tmp_path: Path) -> None:
    (tmp_path / "program.py").write_text(textwrap.dedent(PROGRAM))
    line = Program("field", [sys.executable, "program.py", "1", "1", "", ""], 2)
    job = ended(["mpirun", "-n", "2", *line.words()], tmp_path, 60)
    assert job.returncode == 2
    assert job.stderr.count("Error: the role spiking is played by nobody. This job has the roles") == 1, job.stderr


def toy_in_one_process() -> tuple[float, float]:
    """The toy without MPI: the mean of the last window of each program."""
    sys.path.insert(0, str(TOY))
    try:
        import brain
        import neurons
        import shared
    finally:
        sys.path.remove(str(TOY))
    rate, drive = LocalChannel(shared.RATE), LocalChannel(shared.DRIVE)
    sides = (
        (neurons.Neurons().advance, Channel("drive", None, drive.receiver), Channel("rate", rate.sender, None)),
        (brain.Brain().advance, Channel("rate", None, rate.receiver), Channel("drive", drive.sender, None)),
    )
    last = [np.empty(0), np.empty(0)]
    arrived = [np.zeros((shared.WINDOW, 1))] * 2
    for k in range(shared.WINDOWS):
        for index, (advance, _, outgoing) in enumerate(sides):
            last[index] = advance(arrived[index])
            outgoing.sender.send(Window(k * shared.WINDOW, (k + 1) * shared.WINDOW, last[index]))
        arrived = [incoming.receiver.receive().values for _, incoming, _ in sides]
    return float(last[0].mean()), float(last[1].mean())


def test_the_toy_gives_the_same_bits_in_one_process_and_in_two() -> None:
    job = ended([sys.executable, str(TOY / "run.py")], Path.cwd(), 120)
    assert job.returncode == 0, job.stderr
    rate, drive = toy_in_one_process()
    assert sorted(job.stdout.splitlines()) == [f"brain: {drive!r} mV at the end", f"neurons: {rate!r} Hz at the end"]
    assert rate > 0 and 0 < drive < 5


MEASUREMENT = """
    import sys, time
    import numpy as np
    from mpi_coupling import Groups, Role, Signal, Window, connect

    groups = Groups.join([Role("ping"), Role("pong")], one_program=True)
    with groups.guard():
        for items, rounds in ((1, 2000), (76, 1000), (10_000, 30)):
            signals = [Signal(f"{name} {items}", "Hz", (items,), 20) for name in ("there", "back")]
            there, back = connect(groups, signals[0], "ping", "pong"), connect(groups, signals[1], "pong", "ping")
            values, times = np.zeros((20, items)), []
            for k in range(rounds):
                begin = time.perf_counter()
                if groups.plays("ping"):
                    there.sender.send(Window(20 * k, 20 * k + 20, values))
                    back.receiver.receive()
                else:
                    back.sender.send(Window(20 * k, 20 * k + 20, there.receiver.receive().values))
                times.append(time.perf_counter() - begin)
            for channel in (there, back):
                channel.ends[0].close()
            if groups.plays("ping"):
                one_way = np.median(times) / 2
                speed = values.nbytes / one_way / 1e6
                print(f"{values.nbytes:8d} B: {1e6 * one_way:7.1f} us one way, {speed:6.0f} MB/s")
"""


def test_latency_and_throughput(tmp_path: Path) -> None:
    (tmp_path / "measurement.py").write_text(textwrap.dedent(MEASUREMENT))
    job = ended(["mpirun", "--bind-to", "none", "-n", "2", sys.executable, "measurement.py"], tmp_path, 120)
    assert job.returncode == 0, job.stderr
    assert job.stdout.count("us one way") == 3
    print("\n" + job.stdout + f"load {os.getloadavg()[0]:.1f}")
