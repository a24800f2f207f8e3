"""Runs a job of several programs, hands signals on, and sees to it that one death ends all and is explained."""

from __future__ import annotations

import ctypes
import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import IO, Any, Self

import psutil

from mpi_coupling.launch import Program, command_line, job_environment, role_of

GRACE_SECONDS = 6.0
"""How long the launcher may take to end the others after it reported a death."""

TERMINATE_SECONDS = 2.0
"""How long it may take after it was told to, before everything is killed."""

FORWARDED = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGUSR1, signal.SIGUSR2)

STOPS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
"""Those among them that ask for the end."""

PARENT_DEATH_SIGNAL = 1
"""PR_SET_PDEATHSIG of Linux's prctl(2)."""

SIGNALLED, EXITED, NAMED, FAILED, STARTED = "signal number", "exit code", "signal name", "own report", "started"

DEATHS = (
    # our own: Open MPI sometimes loses its report of an abort ("Data unpack would read past end of buffer")
    (re.compile(rb"^\[[^,\]]+, rank (\d+)/(\d+)\] ", re.MULTILINE), FAILED),
    # Open MPI
    (re.compile(rb"process rank (\d+) with PID \d+ on node \S+ exited on signal (\d+)"), SIGNALLED),
    (re.compile(rb"MPI_ABORT was invoked on rank (\d+) in communicator MPI_COMM_WORLD\s+with errorcode (\d+)"), EXITED),
    (re.compile(rb"Process name: \[\[\d+,\d+\],(\d+)\]\s+Exit code:\s+(\d+)"), EXITED),
    # Open MPI may end the ranks of a job before these have seen that a process that they had started is gone
    (re.compile(rb"Child job (\d+) (terminated)"), STARTED),
    # SLURM
    (re.compile(rb"srun: error: \S+ tasks? (\d+)\S*: Exited with exit code (\d+)"), EXITED),
    (re.compile(rb"srun: error: \S+ tasks? (\d+)\S*: ([A-Z][a-z ]+)"), NAMED),
)
"""What is written when a process dies: its rank, and why."""

LONGEST_REPORT = 4096
"""Bytes of the launcher's output in which a report is looked for: it can stretch over lines."""


def supervise(
    programs: Sequence[Program],
    folder: Path,
    launcher: str | None = None,
    environment: Mapping[str, str] = os.environ,
) -> int:
    """Runs the programs as one job to its end. Call it in the main thread of a process that is no rank itself.

    SIGINT, SIGTERM, SIGHUP, SIGUSR1 and SIGUSR2 go on to the launcher, which passes them to all ranks. A second SIGINT
    or SIGTERM kills the job. When a process dies, all others end within 10 seconds and standard error says which role
    it was, and how it died. On Linux the job also ends when the process that called this is killed.

    Args:
        programs: what to run.
        folder: where srun's files go; all nodes must see it.
        launcher: `mpirun` or `srun`; chosen by the surroundings if None.
        environment: variables of all programs.

    Returns:
        The exit code of the job: 0, or that of the process that died, 128 + its number for a signal; that of the signal
        also when one that we were sent ended the job.

    Raises:
        UserError: there is no launcher, or it cannot be prepared.
    """
    line = command_line(programs, folder, launcher)
    with _Forwarding() as forwarding:
        job = _start(line, job_environment(environment))
        forwarding.begin(job)
        assert job.stderr is not None
        reports = _Reports(job.stderr)
        while True:
            with suppress(subprocess.TimeoutExpired):
                job.wait(0.1)
                break
            if reports.since() > GRACE_SECONDS:
                _end(job)
    reports.finish()
    # what dies after a request to end dies of it
    stop = forwarding.stop if reports.since() <= forwarding.since() else None
    return _explain(programs, job.returncode, reports.death, stop)


def _start(line: Sequence[str], environment: Mapping[str, str]) -> subprocess.Popen[bytes]:
    """Starts the launcher, in a session of its own: a terminal's Ctrl-C must reach it through us only."""
    library = ctypes.CDLL(None) if sys.platform == "linux" else None
    parent = os.getpid()

    def end_with_parent() -> None:
        # nobody could hand on a SIGKILL of ours; launchers end their ranks on SIGTERM
        if library is not None:
            library.prctl(PARENT_DEATH_SIGNAL, signal.SIGTERM, 0, 0, 0)
        if os.getppid() != parent:  # gone before the line above
            os._exit(128 + signal.SIGKILL)

    return subprocess.Popen(
        line, env=environment, stderr=subprocess.PIPE, start_new_session=True, preexec_fn=end_with_parent
    )


def _explain(programs: Sequence[Program], status: int, death: _Death | None, stop: signal.Signals | None) -> int:
    """Writes why the job failed, if it did, and returns its exit code."""
    code = status if status >= 0 else 128 - status
    if stop and code:
        message, code = f"the job was stopped by {stop.name}", 128 + stop
    elif death is None:
        message = f"the job ended with exit code {code}; no rank was reported dead" if code else ""
    else:
        message = f"the job was ended because {_who(programs, death.rank)} {death.fate}"
        code = death.code or code or 1
    if message:
        print(f"Error: {message}", file=sys.stderr, flush=True)
    return code


def _who(programs: Sequence[Program], rank: int | None) -> str:
    if rank is None:
        return "a process that one of its ranks had started"
    return f"{role_of(programs, rank) or 'an unknown program'} (rank {rank} of the job)"


@dataclass(frozen=True)
class _Death:
    """The rank that died first, None if it is none of the job's own, how, and the exit code if the report tells it."""

    rank: int | None
    fate: str
    code: int | None


class _Reports:
    """Copies the launcher's error output to ours and looks for a report of a death in it."""

    def __init__(self, stream: IO[bytes]) -> None:
        self.death: _Death | None = None
        self._when = 0.0
        self._stream = stream
        self._thread = threading.Thread(target=self._copy, daemon=True)
        self._thread.start()

    def since(self) -> float:
        """Seconds since the first death; 0 without one."""
        return time.monotonic() - self._when if self.death else 0.0

    def finish(self) -> None:
        """Waits for the rest of the output; not for ever, because a left-over process may hold the pipe."""
        self._thread.join(2.0)

    def _copy(self) -> None:
        recent = b""
        while text := os.read(self._stream.fileno(), 65536):
            with suppress(OSError, ValueError):
                sys.stderr.write(text.decode(errors="replace"))
                sys.stderr.flush()
            if self.death is None:
                recent = (recent + text)[-LONGEST_REPORT - len(text) :]
                self._look(recent)

    def _look(self, text: bytes) -> None:
        found = [(match.start(), kind, match) for pattern, kind in DEATHS if (match := pattern.search(text))]
        if found:
            _, kind, match = min(found, key=lambda each: each[0])
            self._when = time.monotonic()
            self.death = _death(kind, int(match[1]), match[2].decode().strip())


def _death(kind: str, rank: int, detail: str) -> _Death:
    if kind == FAILED:
        return _Death(rank, "failed with the message above", None)
    if kind == STARTED:
        return _Death(None, "died", None)
    if kind == EXITED:
        return _Death(rank, f"ended with exit code {detail}", int(detail))
    for number in signal.valid_signals():
        if detail in (str(int(number)), signal.strsignal(number)):
            name = signal.Signals(number).name if number in set(signal.Signals) else "unnamed"
            return _Death(rank, f"was killed by signal {int(number)} ({name})", 128 + int(number))
    return _Death(rank, f"was ended ({detail})", None)


class _Forwarding:
    """Hands signals on to the launcher; a repeated request to end is obeyed without the launcher's help."""

    def __init__(self) -> None:
        self._job: subprocess.Popen[bytes] | None = None
        self._early: list[int] = []
        self._requests = 0
        self._when = 0.0
        self.stop: signal.Signals | None = None
        self._earlier: dict[signal.Signals, Any] = {}

    def __enter__(self) -> Self:
        self._earlier = {number: signal.signal(number, self._forward) for number in FORWARDED}
        return self

    def __exit__(self, *_: object) -> None:
        for number, handler in self._earlier.items():
            signal.signal(number, handler)

    def begin(self, job: subprocess.Popen[bytes]) -> None:
        """Names the launcher, and hands on what came while it was started."""
        self._job = job
        for number in self._early:
            self._forward(number, None)

    def since(self) -> float:
        """Seconds since the first request to end; 0 without one."""
        return time.monotonic() - self._when if self.stop else 0.0

    def _forward(self, number: int, frame: FrameType | None) -> None:
        if self._job is None:
            self._early.append(number)
            return
        if number in STOPS and self.stop is None:
            self.stop, self._when = signal.Signals(number), time.monotonic()
        self._requests += number in (signal.SIGINT, signal.SIGTERM)
        if self._requests > 1:
            _kill(self._job)
        else:
            # to srun SIGINT is only a question
            self._job.send_signal(signal.SIGTERM if number == signal.SIGINT else number)


def _end(job: subprocess.Popen[bytes]) -> None:
    """Ends a launcher that did not end its job."""
    job.terminate()
    with suppress(subprocess.TimeoutExpired):
        job.wait(TERMINATE_SECONDS)
        return
    _kill(job)
    job.wait()


def _kill(job: subprocess.Popen[bytes]) -> None:
    """Kills the launcher and the processes that it started on this machine, each by its id."""
    victims: list[psutil.Process] = []
    with suppress(psutil.NoSuchProcess):
        victims = psutil.Process(job.pid).children(recursive=True)
    job.kill()
    for victim in victims:
        with suppress(psutil.NoSuchProcess):
            victim.kill()
