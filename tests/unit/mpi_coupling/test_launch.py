"""Command lines of jobs, and the supervision of a launcher that is a script of ours."""

from __future__ import annotations

import os
import shlex
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import pytest

from mpi_coupling import Program, UserError, supervise, supervision
from mpi_coupling.launch import choose_launcher, command_line, job_environment, outside_of_jobs, role_of
from mpi_coupling.ports import SERVER_VARIABLE, refusal

PROGRAMS = [
    Program("nest", ["python", "a.py", "it's 50%"], 2, {"OMP_NUM_THREADS": "3"}),
    Program("tvb", ["python", "b.py"]),
]


def test_mpirun(tmp_path: Path) -> None:
    assert shlex.join(command_line(PROGRAMS, tmp_path, "mpirun")) == (
        "mpirun --bind-to none -n 2 env MPI_COUPLING_ROLE=nest OMP_NUM_THREADS=3 python a.py 'it'\"'\"'s 50%' "
        ": -n 1 env MPI_COUPLING_ROLE=tvb python b.py"
    )


def test_srun_writes_a_file_and_scripts_that_keep_arguments_whole(tmp_path: Path) -> None:
    line = command_line(
        [Program("nest", [sys.executable, "-c", "import sys; print(sys.argv[1])", "it's 50%"], 2), PROGRAMS[1]],
        tmp_path / "new",
        "srun",
    )
    assert line[0] == "srun" and line[line.index("--ntasks") + 1] == "3" and "--kill-on-bad-exit=1" in line
    configuration = Path(line[line.index("--multi-prog") + 1])
    scripts = [tmp_path / "new" / f"program_{index}.sh" for index in range(2)]
    assert configuration.read_text() == f"0-1 /bin/sh {scripts[0]}\n2 /bin/sh {scripts[1]}\n"
    assert subprocess.check_output(["/bin/sh", scripts[0]], text=True) == "it's 50%\n"


def test_srun_cannot_take_every_folder(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="needs a folder without spaces"):
        command_line(PROGRAMS, tmp_path / "my run", "srun")


@pytest.mark.parametrize(
    ("programs", "launcher"), [([], "mpirun"), ([Program("a", ["a"], 0)], "mpirun"), (PROGRAMS, "aprun")]
)
def test_impossible_jobs(programs: list[Program], launcher: str, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"at least one|unknown launcher 'aprun'"):
        command_line(programs, tmp_path, launcher)


def test_choice_of_the_launcher(tmp_path: Path) -> None:
    environment = {"PATH": str(tmp_path)}
    with pytest.raises(UserError, match="no launcher was found"):
        choose_launcher(environment)
    for name in ("mpirun", "srun"):
        (tmp_path / name).touch(0o755)
    assert choose_launcher(environment) == "mpirun"
    assert choose_launcher(environment | {"SLURM_JOB_ID": "1"}) == "srun"


def test_environment_forgets_the_job_of_the_caller() -> None:
    environment = job_environment(
        {
            "PMIX_RANK": "0",
            "OMPI_COMM_WORLD_SIZE": "2",
            "PMI_RANK": "1",
            "SLURM_JOB_ID": "1",
            "OMP_WAIT_POLICY": "active",
        }
    )
    assert not any(name.startswith(("PMI", "OMPI_COMM")) for name in environment)
    assert environment["SLURM_JOB_ID"] == "1" and environment["OMP_WAIT_POLICY"] == "active"
    assert environment["OMPI_MCA_mpi_yield_when_idle"] == "1"


def test_a_step_within_a_step_takes_nothing_of_its_shape() -> None:
    shape = {
        "SLURM_NTASKS": "1",
        "SLURM_NTASKS_PER_NODE": "1",
        "SRUN_CPUS_PER_TASK": "4",
        "SLURM_CPU_BIND_TYPE": "none",
    }
    place = {"SLURM_JOB_ID": "1", "SLURM_MPI_TYPE": "pmix", "SLURM_JOB_NODELIST": "n1"}
    step = {"SLURM_STEP_ID": "0", "SLURM_STEPID": "0", "SLURM_PROCID": "0", "SLURM_STEP_NODELIST": "n1"}
    assert outside_of_jobs(shape | place | step) == place
    assert outside_of_jobs(shape | place) == shape | place, "in the script of a job they are what the user asked for"


def test_roles_of_ranks() -> None:
    assert [role_of(PROGRAMS, rank) for rank in range(4)] == ["nest", "nest", "tvb", None]


@pytest.fixture
def launcher(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Puts a shell script in the place of mpirun."""

    def replace(script: str) -> None:
        file = tmp_path / "bin" / "mpirun"
        file.parent.mkdir()
        file.write_text("#!/bin/bash\n" + textwrap.dedent(script))
        file.chmod(0o755)
        monkeypatch.setenv("PATH", f"{file.parent}:{os.environ['PATH']}")

    return replace


REPORTS = [
    (
        "mpirun noticed that process rank 2 with PID 0 on node vm exited on signal 9 (Killed).",
        137,
        "tvb (rank 2 of the job) was killed by signal 9 (SIGKILL)",
        137,
    ),
    (
        "MPI_ABORT was invoked on rank 1 in communicator MPI_COMM_WORLD\nwith errorcode 2.",
        2,
        "nest (rank 1 of the job) ended with exit code 2",
        2,
    ),
    (
        "The first process to do so was:\n\n  Process name: [[6945,1],0]\n  Exit code:    5",
        5,
        "nest (rank 0 of the job) ended with exit code 5",
        5,
    ),
    (
        "Child job 2 terminated normally, but 1 process returned\na non-zero exit code.\n"
        "mpirun noticed that process rank 1 with PID 0 on node vm exited on signal 9 (Killed).",
        137,
        "a process that one of its ranks had started died",
        137,
    ),
    (
        "srun: error: n1: task 2: Killed\nsrun: error: n1: tasks 0-1: Terminated",
        143,
        "tvb (rank 2 of the job) was killed by signal 9 (SIGKILL)",
        137,
    ),
    (
        "srun: error: n1: tasks 1-2: Exited with exit code 7",
        143,
        "nest (rank 1 of the job) ended with exit code 7",
        7,
    ),
    (
        "[tvb, rank 2/3] ZeroDivisionError\nORTE_ERROR_LOG: Data unpack would read past end of buffer",
        1,
        "tvb (rank 2 of the job) failed with the message above",
        1,
    ),
]


@pytest.mark.parametrize(("report", "status", "message", "code"), REPORTS)
def test_who_died(launcher, report: str, status: int, message: str, code: int, tmp_path: Path, capfd) -> None:
    launcher(f"echo {shlex.quote(report)} >&2\nexit {status}")
    assert supervise(PROGRAMS, tmp_path, "mpirun") == code
    errors = capfd.readouterr().err
    assert report in errors
    assert f"Error: the job was ended because {message}\n" in errors


def test_a_failure_without_a_report(launcher, tmp_path: Path, capfd) -> None:
    launcher("exit 3")
    assert supervise(PROGRAMS, tmp_path, "mpirun") == 3
    assert "the job ended with exit code 3; no rank was reported dead" in capfd.readouterr().err


def test_success_is_silent(launcher, tmp_path: Path, capfd) -> None:
    launcher("echo result")
    assert supervise(PROGRAMS, tmp_path, "mpirun") == 0
    assert capfd.readouterr() == ("result\n", "")


def test_a_launcher_that_does_not_end_its_job_is_ended_with_all_it_started(
    launcher, tmp_path: Path, capfd, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(supervision, "GRACE_SECONDS", 0.3)
    monkeypatch.setattr(supervision, "TERMINATE_SECONDS", 0.3)
    launcher(
        f"""\
        trap '' TERM
        sleep 100 & echo $! > {tmp_path}/child
        echo 'srun: error: n1: task 2: Killed' >&2
        while true; do wait; done
        """
    )
    begin = time.monotonic()
    assert supervise(PROGRAMS, tmp_path, "mpirun") == 137
    assert time.monotonic() - begin < 5
    child = Path("/proc", (tmp_path / "child").read_text().strip(), "stat")
    while time.monotonic() - begin < 10 and _runs(child):  # it dies a moment after it was killed
        time.sleep(0.01)
    assert not _runs(child)
    assert "because tvb (rank 2 of the job)" in capfd.readouterr().err


def _runs(stat: Path) -> bool:
    try:
        return stat.read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


@pytest.mark.parametrize(
    ("number", "heard", "code", "message"),
    [
        (signal.SIGUSR1, "USR1", 17, "the job ended with exit code 17; no rank was reported dead"),
        (signal.SIGTERM, "TERM", 143, "the job was stopped by SIGTERM"),
        (signal.SIGINT, "TERM", 130, "the job was stopped by SIGINT"),
        (signal.SIGHUP, "HUP", 129, "the job was stopped by SIGHUP"),
    ],
)
def test_signals_reach_the_launcher(
    launcher, number: signal.Signals, heard: str, code: int, message: str, tmp_path: Path, capfd
) -> None:
    launcher(
        f"""\
        trap 'exit 17' {heard}
        kill -{number.name[3:]} $PPID
        for i in $(seq 100); do sleep 0.1; done
        """
    )
    handler = signal.getsignal(number)
    assert supervise(PROGRAMS, tmp_path, "mpirun") == code
    assert signal.getsignal(number) is handler
    assert capfd.readouterr().err == f"Error: {message}\n"


REPORT = "mpirun noticed that process rank 0 with PID 0 on node vm exited on signal 11 (Segmentation fault)."


@pytest.mark.parametrize(
    ("order", "code", "message"),
    [
        (("kill -TERM $PPID; sleep 0.3", "echo REPORT >&2"), 143, "the job was stopped by SIGTERM"),
        (("echo REPORT >&2; sleep 0.3", "kill -TERM $PPID"), 139, "nest (rank 0 of the job) was killed by signal 11"),
    ],
)
def test_what_came_first_is_the_reason(
    launcher, order: tuple[str, str], code: int, message: str, tmp_path: Path, capfd
) -> None:
    script = "\n".join(["trap 'stopped=1' TERM", *order, "sleep 0.3; exit 1"])
    launcher(script.replace("REPORT", shlex.quote(REPORT)))
    assert supervise(PROGRAMS, tmp_path, "mpirun") == code
    assert message in capfd.readouterr().err


def test_a_job_that_ends_well_in_spite_of_a_signal(launcher, tmp_path: Path, capfd) -> None:
    launcher("trap 'exit 0' TERM\nkill -TERM $PPID\nfor i in $(seq 100); do sleep 0.1; done")
    assert supervise(PROGRAMS, tmp_path, "mpirun") == 0
    assert capfd.readouterr().err == ""


@pytest.mark.skipif(sys.platform != "linux", reason="SKIPPED: only Linux tells a process that its parent died")
def test_the_launcher_is_told_when_we_are_killed(launcher, tmp_path: Path) -> None:
    told = tmp_path / "told"
    launcher(f"trap 'touch {told}; exit' TERM\necho begun\nfor i in $(seq 300); do sleep 0.1; done")
    code = "from pathlib import Path; from mpi_coupling import Program, supervise; "
    code += f"supervise([Program('a', ['a'])], Path({str(tmp_path)!r}), 'mpirun')"
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None and process.stdout.readline() == "begun\n"
        process.kill()
    end = time.monotonic() + 10
    while time.monotonic() < end and not told.exists():
        time.sleep(0.01)
    assert told.exists()


@pytest.mark.parametrize(
    ("vendor", "version", "environment", "text"),
    [
        ("MPICH", (5, 0, 2), {}, None),
        ("Open MPI", (4, 1, 4), {SERVER_VARIABLE: "file:uri"}, None),
        ("Open MPI", (4, 1, 4), {}, r"Open MPI 4\.1\.4 joins .* only through a server: run `ompi-server"),
        ("Open MPI", (5, 0, 11), {SERVER_VARIABLE: "file:uri"}, r"Open MPI 5\.0\.11 hangs .* one job instead"),
    ],
)
def test_which_mpi_can_join_jobs(
    vendor: str, version: tuple[int, ...], environment: dict[str, str], text: str | None
) -> None:
    reason = refusal(vendor, version, environment)
    if text is None:
        assert reason is None
    else:
        with pytest.raises(UserError, match=text):
            raise UserError(reason)
