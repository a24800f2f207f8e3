"""Workers that behave and workers that do not: small Python programs at the other end of the pipes."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from mpi_coupling.world import UserError
from multiscale_run.metabolism.julia.process import Worker

MAGIC = b"8 bytes!"
ECHO = """
import sys
read, write = sys.stdin.buffer.read, sys.stdout.buffer.write
read(5)
write(b"8 bytes!")
sys.stdout.flush()
while size := read(8):
    write(b"8 bytes!" + read(int(size)))
    sys.stdout.flush()
"""


def start(program, seconds=10.0):
    return Worker((sys.executable, "-c", program), os.environ, b"hello", MAGIC, seconds)


def ask(worker, content, seconds=10.0):
    return worker.ask(b"%8d" % len(content) + content, len(content), seconds)


def is_running(pid):
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def wait_until_gone(pid):
    deadline = time.monotonic() + 10.0
    while is_running(pid) and time.monotonic() < deadline:
        time.sleep(0.02)
    return not is_running(pid)


def test_messages_of_any_size():
    worker = start(ECHO)
    for size in (0, 1, 100, 3_000_000):
        content = os.urandom(size)
        assert ask(worker, content) == content
    worker.close()
    assert wait_until_gone(worker.pid)


@pytest.mark.parametrize(
    ("program", "said"),
    [
        (
            "import sys; sys.exit('libjulia is missing')",
            "ended with exit code 1; its last words: libjulia is missing; run again, or use the metabolism engine",
        ),
        ("import os; os.kill(os.getpid(), 9)", r"was killed by signal 9 \(SIGKILL\); run again"),
        ("print('WARNING: something', flush=True); input()", "answered with something that is not a reply: b'WARNING"),
        ("import sys; sys.stderr.write('x' * 300_000); sys.exit(2)", "ended with exit code 2"),
    ],
)
def test_a_bad_start_is_an_error_with_the_last_words(program, said):
    with pytest.raises(UserError, match=said) as caught:
        start(program)
    assert len(str(caught.value)) < 1000


def test_a_silent_worker_is_ended():
    with pytest.raises(UserError, match=r"the Julia worker \(process \d+\) did not answer within 0\.3 s") as caught:
        start("import time; time.sleep(100)", seconds=0.3)
    pid = int(str(caught.value).split("process ")[1].split(")")[0])
    assert not is_running(pid)


def test_a_program_that_does_not_exist():
    with pytest.raises(UserError, match="cannot be started: /nowhere/julia: No such file"):
        Worker(("/nowhere/julia",), os.environ, b"", MAGIC, 1.0)


@pytest.mark.parametrize(("sent", "said"), [(signal.SIGKILL, "SIGKILL"), (signal.SIGSTOP, "did not answer within")])
def test_a_worker_that_is_lost_between_requests(sent, said):
    worker = start(ECHO)
    os.kill(worker.pid, sent)
    with pytest.raises(UserError, match=said):
        ask(worker, b"something", seconds=0.5)
    assert not is_running(worker.pid)
    with pytest.raises(UserError, match=said):
        ask(worker, b"again")


def test_a_closed_worker_says_so():
    worker = start(ECHO)
    worker.close()
    worker.close()
    with pytest.raises(UserError, match="the Julia worker is closed"):
        ask(worker, b"something")


def test_no_worker_outlives_its_owner():
    worker = start(ECHO)
    pid = worker.pid
    del worker
    assert wait_until_gone(pid)


def test_no_worker_outlives_a_killed_parent():
    program = (
        "import os, sys; from multiscale_run.metabolism.julia.process import Worker\n"
        f"worker = Worker((sys.executable, '-c', {ECHO!r}), os.environ, b'hello', {MAGIC!r}, 10.0)\n"
        "print(worker.pid, flush=True); input()"
    )
    parent = subprocess.Popen([sys.executable, "-c", program], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    with parent:
        pid = int(parent.stdout.readline())
        assert is_running(pid)
        parent.kill()
    assert wait_until_gone(pid)
