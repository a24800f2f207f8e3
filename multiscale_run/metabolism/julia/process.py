"""A child process that answers binary requests on its standard input and output, and is never waited for in vain."""

from __future__ import annotations

import contextlib
import os
import selectors
import signal
import subprocess
import tempfile
import time
import weakref
from collections.abc import Iterable, Mapping, Sequence
from typing import IO

from .discovery import JuliaError

_LAST_WORDS = 600
_GOODBYE_SECONDS = 5.0
_CHUNK = 1 << 20


class Worker:
    """A worker that starts every message with the same 8 bytes, greets with them, and ends when its input is closed.

    Args:
        command: program and arguments.
        environment: its environment variables.
        introduction: what it reads before it greets.
        magic: the 8 bytes.
        seconds: how long it may take to greet.

    Raises:
        JuliaError: it cannot be started or does not greet.
    """

    def __init__(
        self, command: Sequence[str], environment: Mapping[str, str], introduction: bytes, magic: bytes, seconds: float
    ) -> None:
        self._magic, self._failed = magic, ""
        # a file and not a pipe: a talkative worker must not wait for a reader
        self._errors = tempfile.TemporaryFile()  # noqa: SIM115 - closed with the process
        try:
            # a session of its own: Ctrl-C in the terminal is for the parent, which then ends the worker
            self._process = subprocess.Popen(
                command, env=dict(environment), start_new_session=True, bufsize=0,
                stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self._errors,
            )  # fmt: skip
        except OSError as error:
            raise JuliaError(f"the Julia worker cannot be started: {command[0]}: {error.strerror}") from None
        assert self._process.stdin is not None and self._process.stdout is not None
        self._input, self._output = self._process.stdin, self._process.stdout
        for pipe in (self._input, self._output):
            os.set_blocking(pipe.fileno(), False)
        self._end = weakref.finalize(self, _end, self._process, (self._input, self._output, self._errors))
        self.ask(introduction, 0, seconds)

    @property
    def pid(self) -> int:
        """Process id."""
        return self._process.pid

    def ask(self, request: bytes, reply_bytes: int, seconds: float) -> bytes:
        """Send a request and wait for its reply.

        Args:
            request: what the worker reads.
            reply_bytes: length of the reply without the magic bytes.
            seconds: how long the reply may take.

        Raises:
            JuliaError: the worker ended, did not answer in time, or answered nonsense; from then on every call.
        """
        if self._failed:
            raise JuliaError(self._failed)
        try:
            return self._exchange(request, reply_bytes, seconds)
        except BaseException as error:
            # whatever interrupted the exchange, request and reply no longer match
            self._failed = str(error) or f"the Julia worker was ended by {type(error).__name__}"
            self.close(seconds=0.0)
            raise

    def close(self, seconds: float = _GOODBYE_SECONDS) -> None:
        """End the worker; by force when it does not end by itself in time."""
        self._failed = self._failed or "the Julia worker is closed"
        with contextlib.suppress(OSError):
            self._input.close()
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(seconds)
        self._end()

    def _exchange(self, request: bytes, reply_bytes: int, seconds: float) -> bytes:
        deadline, wanted = time.monotonic() + seconds, len(self._magic) + reply_bytes
        unsent, received = memoryview(request), bytearray()
        source, target = self._output.fileno(), self._input.fileno()
        with selectors.DefaultSelector() as selector:
            selector.register(source, selectors.EVENT_READ)
            selector.register(target, selectors.EVENT_WRITE)
            while len(received) < wanted:
                ready = [key.fd for key, _ in selector.select(max(0.0, deadline - time.monotonic()))]
                if not ready:
                    raise self._failure(f"did not answer within {seconds:g} s")
                if target in ready:
                    # when it has ended, its closed output tells so
                    with contextlib.suppress(BrokenPipeError):
                        unsent = unsent[os.write(target, unsent) :]
                    if not unsent:
                        selector.unregister(target)
                if source in ready:
                    received += self._read(source)
        if not received.startswith(self._magic) or len(received) > wanted:
            raise self._failure(f"answered with something that is not a reply: {bytes(received[:40])!r}")
        return bytes(received[len(self._magic) :])

    def _read(self, source: int) -> bytes:
        data = os.read(source, _CHUNK)
        if data:
            return data
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(_GOODBYE_SECONDS)
        raise self._failure(_ending(self._process.poll()))

    def _failure(self, what: str) -> JuliaError:
        size = self._errors.seek(0, os.SEEK_END)
        self._errors.seek(max(0, size - _LAST_WORDS))
        words = " ".join(self._errors.read().decode(errors="replace").split())
        said = f"; its last words: {words}" if words else ""
        advice = 'run again, or use the metabolism engine "native"'
        return JuliaError(f"the Julia worker (process {self.pid}) {what}{said}; {advice}")


def _ending(code: int | None) -> str:
    if code is None:
        return "closed its output"
    if code < 0:
        return f"was killed by signal {-code} ({signal.Signals(-code).name})"
    return f"ended with exit code {code}"


def _end(process: subprocess.Popen, files: Iterable[IO[bytes]]) -> None:
    """Leave no process and no open file behind."""
    process.kill()
    process.wait()
    for file in files:
        with contextlib.suppress(OSError):
            file.close()
