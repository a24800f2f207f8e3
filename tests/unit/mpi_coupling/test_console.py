"""The console of one process: logs by rank, progress without a terminal, tables that a pipe does not cut."""

from __future__ import annotations

import fcntl
import logging
import os
import pty
import struct
import subprocess
import sys
import termios
import textwrap
from collections.abc import Iterator
from pathlib import Path

import pytest

from mpi_coupling import Progress, UserError, World, console, get_logger, setup_logging, table

REPOSITORY = Path(__file__).parents[3]


@pytest.fixture(autouse=True)
def restored_logging(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Leaves the loggers of the test process as they were."""
    loggers = [logging.getLogger(name) for name in ("mpi_coupling", "ours", "late")]
    before = [(logger.handlers, logger.level, logger.propagate) for logger in loggers]
    monkeypatch.setattr(console, "_packages", {"mpi_coupling"})
    monkeypatch.setattr(console, "_active", None)
    yield
    for logger, (handlers, level, propagate) in zip(loggers, before, strict=True):
        logger.handlers, logger.propagate = handlers, propagate
        logger.setLevel(level)


def log_everything(name: str) -> None:
    logger = get_logger(name)
    for level in (logging.DEBUG, logging.INFO, logging.WARNING):
        logger.log(level, logging.getLevelName(level).lower())


@pytest.mark.parametrize(
    ("rank", "verbosity", "expected"),
    [
        (0, -1, ["WARNING"]),
        (0, 0, ["INFO", "WARNING"]),
        (0, 9, ["DEBUG", "INFO", "WARNING"]),
        (3, 9, ["WARNING"]),
    ],
)
def test_log_lines_by_rank_and_verbosity(
    capsys: pytest.CaptureFixture[str], rank: int, verbosity: int, expected: list[str]
) -> None:
    get_logger("ours.module")
    setup_logging(rank, 4, verbosity)
    log_everything("ours.module")
    output = capsys.readouterr()
    assert output.out == ""
    assert output.err.splitlines() == [f"[rank {rank}] {level} ours.module: {level.lower()}" for level in expected]


def test_one_rank_has_no_prefix_and_set_up_twice_does_not_double(capsys: pytest.CaptureFixture[str]) -> None:
    get_logger("ours")
    setup_logging(0, 1)
    setup_logging(0, 1)
    log_everything("ours")
    assert capsys.readouterr().err == "INFO ours: info\nWARNING ours: warning\n"


def test_packages_that_come_later_are_configured_too(capsys: pytest.CaptureFixture[str]) -> None:
    setup_logging(0, 1)
    log_everything("late.module")
    assert "INFO late.module: info" in capsys.readouterr().err


def test_logs_of_other_libraries_are_left_alone() -> None:
    root = logging.getLogger()
    before = list(root.handlers), root.level
    setup_logging(0, 1, 1)
    assert (list(root.handlers), root.level) == before


@pytest.mark.parametrize("step", [1, 7, 250, 1000])
def test_progress_in_a_pipe_logs_at_most_each_tenth(
    world: World, capsys: pytest.CaptureFixture[str], step: int
) -> None:
    setup_logging(0, 1)
    with Progress(world, 1000.0, "compute") as progress:
        for now in range(step, 1000, step):
            progress.update(now)
        progress.update(1000.0)
    lines = capsys.readouterr().err.splitlines()
    assert 1 <= len(lines) <= 10
    assert "compute: 1000/1000 ms" in lines[-1]
    assert lines[-1].endswith("0:00:00 left")


def test_progress_of_a_resumed_run(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    setup_logging(0, 1)
    with Progress(world, 1000.0, "compute", start_ms=900.0) as progress:
        for now in range(901, 1001):
            progress.update(now)
    lines = capsys.readouterr().err.splitlines()
    assert [line.split()[3] for line in lines] == [f"{now}/1000" for now in range(910, 1001, 10)]


def test_speed_and_time_left(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(console.time, "perf_counter", lambda: 100.0)
    progress = Progress(world, 10_000.0, "compute", start_ms=1000.0)
    monkeypatch.setattr(console.time, "perf_counter", lambda: 104.0)
    assert progress.state(3000.0) == "3000/10000 ms, 0.5 biological s per s, 0:00:14 left"
    assert progress.state(1000.0).endswith("time left unknown")


def test_table_in_a_pipe_is_complete(capsys: pytest.CaptureFixture[str]) -> None:
    long = "x" * 200
    table("Populations [SONATA]", ["name", "size [MB]"], [(long, 1.23456789), ("[b]", None), ("neurons", 12345.6)])
    output = capsys.readouterr().out
    assert f"│ {long} │" in output
    assert "Populations [SONATA]" in output and "size [MB]" in output and "[b]" in output
    assert " 1.235 │" in output and " 12346 │" in output


def test_terminal_shows_a_bar_with_log_lines_above_it() -> None:
    script = """
        from mpi_coupling import Progress, World, get_logger, setup_logging
        setup_logging(0, 1)
        with Progress(World.start(), 10.0, "compute") as progress:
            progress.update(5.0)
            get_logger("ours").info("halfway there")
            progress.update(10.0)
    """
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 120, 0, 0))
    program = subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(script)],
        env={**os.environ, "PYTHONPATH": str(REPOSITORY), "TERM": "xterm"},
        stdout=theirs,
        stderr=subprocess.PIPE,
    )
    os.close(theirs)
    output = b""
    try:
        while piece := os.read(ours, 4096):
            output += piece
    except OSError:  # the terminal is gone: the program has ended
        pass
    with program:
        assert program.wait(30) == 0
    text = output.decode()
    assert "halfway there" in text and "━━━" in text and "10/10 ms" in text
    assert text.rindex("\x1b[?25h") > text.rfind("\x1b[?25l"), "the cursor must be visible at the end"


def test_a_file_has_what_the_console_leaves_out(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    setup_logging(rank=1, size=2)
    with console.log_to_file(tmp_path / "log" / "nest.log", logging.INFO):
        log_everything("mpi_coupling")
    log_everything("mpi_coupling")
    lines = (tmp_path / "log" / "nest.log").read_text().splitlines()
    assert [line.split(" - ")[1:] for line in lines] == [
        ["mpi_coupling", "INFO", "info"],
        ["mpi_coupling", "WARNING", "warning"],
    ]
    assert capfd.readouterr().err.splitlines() == ["[rank 1] WARNING mpi_coupling: warning"] * 2


def test_a_log_that_cannot_be_written_names_its_file(tmp_path: Path) -> None:
    (tmp_path / "log").write_text("a file where the folder should be")
    refused = pytest.raises(UserError, match=r"nest\.log: the log cannot be written there")
    with refused, console.log_to_file(tmp_path / "log" / "nest.log", logging.INFO):
        pass
