"""What a parallel run says: log lines that know their rank, a progress bar, and tables.

The root speaks; other ranks only warn. Log lines and the bar share standard output on a terminal, so that they do not
write over each other; elsewhere (a batch job, a pipe) there is no bar and the plain log lines go to standard error.
"""

from __future__ import annotations

import logging
import os
import sys
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Self, TextIO

import rich.progress
from rich.console import Console
from rich.logging import RichHandler
from rich.table import Table
from rich.text import Text

from mpi_coupling.failure import UserError
from mpi_coupling.world import World

LEVELS = {-1: logging.WARNING, 0: logging.INFO, 1: logging.DEBUG}
"""Log level of the root for each verbosity; greater and smaller numbers count as the nearest."""

PIPE_WIDTH = 1000
"""Columns of an output that is not a terminal: enough to cut nothing off."""

REPORTED_SHARE = 0.1
"""Where there is no bar, the log tells of the progress every time that this share of the run is done."""

_packages: set[str] = set()  # top-level packages whose loggers are ours: others keep their own set-up
_active: tuple[logging.Handler, int] | None = None  # handler and level chosen by setup_logging
_file: logging.Handler | None = None  # chosen by log_to_file


def get_logger(name: str) -> logging.Logger:
    """The logger of a module, `get_logger(__name__)`; `setup_logging` configures all of them."""
    package = name.partition(".")[0]
    if package not in _packages:
        _packages.add(package)
        _configure(package)
    return logging.getLogger(name)


def setup_logging(rank: int, size: int, verbosity: int = 0) -> None:
    """Directs the log of the modules that use `get_logger`; may be called again.

    Other libraries keep their own logs: neurodamus, for one, empties the root logger.

    Args:
        rank: number of this process; ranks above 0 log warnings and errors only.
        size: number of processes; in a run of several, plain lines begin with the rank.
        verbosity: -1 for warnings, 0 for information, 1 for everything.
    """
    global _active
    level = LEVELS[max(min(verbosity, max(LEVELS)), min(LEVELS))]
    _active = _handler(rank, size), level if rank == 0 else max(level, logging.WARNING)
    _configure_all()


@contextmanager
def log_to_file(path: Path, level: int) -> Iterator[None]:
    """A `with` block in which what is logged goes to a file of this process too, whatever the console shows.

    Args:
        path: lines are appended; its folder is made.
        level: the least level that is written, of `logging`.

    Raises:
        UserError: the file cannot be written.
    """
    global _file
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        _file = logging.FileHandler(path)
    except OSError as error:
        raise UserError(f"{path}: the log cannot be written there ({error.strerror})") from error
    _file.setLevel(level)
    _file.setFormatter(logging.Formatter("%(asctime)s - %(name)s - %(levelname)s - %(message)s"))
    try:
        _configure_all()
        yield
    finally:
        _file.close()
        _file = None
        _configure_all()


def is_terminal(stream: TextIO) -> bool:
    """Whether a person looks at the stream.

    Open MPI gives each rank a pseudo-terminal without width, wherever the output of mpirun itself goes; then it is the
    output of mpirun, our parent process, that counts.
    """
    if not stream.isatty():
        return False
    try:
        if os.get_terminal_size(stream.fileno()).columns > 0:
            return True
        return str(Path(f"/proc/{os.getppid()}/fd/1").readlink()).startswith(("/dev/pts/", "/dev/tty"))
    except (OSError, ValueError):
        return False


def table(title: str, columns: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """Prints a table to standard output. In a pipe nothing is cut off, however wide the table is.

    Args:
        title: what the table shows.
        columns: headings.
        rows: one value per column each. Numbers stand to the right, None leaves a cell empty.
    """
    cells = [list(row) for row in rows]
    view = Table(title=Text(title), title_justify="left")
    for index, heading in enumerate(columns):
        numeric = all(isinstance(row[index], int | float | None) for row in cells)
        view.add_column(Text(heading), justify="right" if numeric else "left")
    for row in cells:
        view.add_row(*map(_cell, row))
    _standard_output().print(view)


class Progress:
    """Shows how far a run has come: biological time, speed and time left.

    A bar on a terminal; elsewhere an information line for each tenth of the run. Silent on ranks above 0.

    Example:
        with Progress(world, clock.ms(clock.stop), "compute") as progress:
            for step in schedule:
                ...
                progress.update(clock.ms(step.stop_tick))
    """

    def __init__(self, world: World, total_ms: float, label: str, start_ms: float = 0.0) -> None:
        """Prepares the display.

        Args:
            world: its root shows the progress.
            total_ms: biological time at the end of the run.
            label: what is going on.
            start_ms: biological time at the beginning; above 0 when a run is resumed.
        """
        self._is_root = world.is_root
        self._total_ms = total_ms
        self._label = label
        self._start_ms = start_ms
        self._next_report_ms = start_ms
        self._began = time.perf_counter()
        self._bar: rich.progress.Progress | None = None
        self._log = get_logger(__name__)

    def __enter__(self) -> Self:
        self._began = time.perf_counter()
        self._report_after(self._start_ms)
        if self._is_root and is_terminal(sys.stdout):
            self._bar = rich.progress.Progress(
                rich.progress.TextColumn("{task.description}", markup=False),
                rich.progress.BarColumn(),
                rich.progress.TextColumn("{task.fields[state]}"),
                console=_standard_output(),
            )
            self._task = self._bar.add_task(self._label, total=self._total_ms, completed=int(self._start_ms), state="")
            self._bar.start()
            # a job that is aborted by another rank cannot bring back a hidden cursor
            self._bar.console.show_cursor(True)
        return self

    def __exit__(self, *_: object) -> None:
        if self._bar is not None:
            self._bar.stop()

    def update(self, now_ms: float) -> None:
        """Shows that the run has come to the biological time `now_ms`."""
        if not self._is_root:
            return
        if self._bar is not None:
            self._bar.update(self._task, completed=now_ms, state=self.state(now_ms))
        elif now_ms >= self._next_report_ms:
            self._log.info("%s: %s", self._label, self.state(now_ms))
            self._report_after(now_ms)

    def state(self, now_ms: float) -> str:
        """The text beside the bar: time, speed and time left."""
        seconds = max(time.perf_counter() - self._began, 1e-9)
        speed = (now_ms - self._start_ms) / 1000 / seconds
        left = f"{_duration((self._total_ms - now_ms) / 1000 / speed)} left" if speed > 0 else "time left unknown"
        return f"{now_ms:.6g}/{self._total_ms:.6g} ms, {speed:.3g} biological s per s, {left}"

    def _report_after(self, now_ms: float) -> None:
        step = REPORTED_SHARE * (self._total_ms - self._start_ms)
        done = (now_ms - self._start_ms) / step if step > 0 else 0.0
        # the end of the run is reported although rounding may put it a little beyond the last tenth
        self._next_report_ms = min(self._start_ms + (int(done + 1e-9) + 1) * step, self._total_ms)


def _handler(rank: int, size: int) -> logging.Handler:
    if rank == 0 and is_terminal(sys.stdout):
        handler: logging.Handler = RichHandler(
            console=_standard_output(), show_path=False, omit_repeated_times=False, log_time_format="[%H:%M:%S]"
        )
        handler.setFormatter(logging.Formatter("%(message)s"))
        return handler
    handler = logging.StreamHandler()
    prefix = f"[rank {rank}] " if size > 1 else ""
    handler.setFormatter(logging.Formatter(prefix + "%(levelname)s %(name)s: %(message)s"))
    return handler


def _configure_all() -> None:
    for package in _packages:
        _configure(package)


def _configure(package: str) -> None:
    if _active is None:
        return
    handler, level = _active
    handler.setLevel(level)
    handlers = [handler] if _file is None else [handler, _file]
    logger = logging.getLogger(package)
    logger.handlers = handlers
    logger.setLevel(min(each.level for each in handlers))
    logger.propagate = False


def _standard_output() -> Console:
    """The console of all that the root shows: one, so that log lines appear above the bar."""
    return _console(is_terminal(sys.stdout))


@cache
def _console(terminal: bool) -> Console:
    return Console(force_terminal=terminal, width=None if terminal else PIPE_WIDTH)


def _cell(value: object) -> Text:
    # Text, because rich would read "[s]" in a string as a style
    match value:
        case None:
            return Text()
        case float():
            return Text(f"{value:.0f}" if abs(value) >= 1000 else f"{value:.4g}")
        case _:
            return Text(str(value))


def _duration(seconds: float) -> str:
    minutes, seconds = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{seconds:02}"
