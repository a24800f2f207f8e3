"""Ends a parallel job when a process fails: with the reason on the screen, the right exit code and never by hanging.

A process that leaves an MPI job on its own lets the others wait for it for ever. Therefore every way out of the
program goes through `end_job`: when all ranks fail together (a wrong configuration, say) they agree, print each
distinct reason once and leave in order; when only some fail, they print theirs and abort the whole job.
"""

from __future__ import annotations

import contextlib
import sys
import threading
import time
import traceback
from collections.abc import Iterator
from functools import partial
from types import TracebackType
from typing import TYPE_CHECKING, NoReturn

if TYPE_CHECKING:
    from mpi_coupling.world import World

INTERRUPTED = 130
"""Exit code after Ctrl-C: 128 + SIGINT, the convention of the shells."""

AGREEMENT_SECONDS = 1.0
"""How long a failing rank waits for the others to fail too before it aborts the job."""


class UserError(Exception):
    """An error that the user can put right: a wrong file, value or option, a full disk.

    It is shown as its message alone, without a traceback, and ends the program with exit code 2.
    """

    exit_code = 2


class RunStopped(UserError):
    """A run that ended itself before its time, as it was told to; shown without a traceback."""

    exit_code = 3


def abort_on_error(world: World) -> None:
    """Makes an uncaught exception, in the main thread or another one, end the whole job instead of hanging it.

    With one rank an exception other than `UserError` and `KeyboardInterrupt` is left to Python's own hook.
    `sys.exit` never reaches a hook: wrap the program in `World.guard` as well.
    Call it again after a library replaced the hooks (neurodamus does, with one that waits for the other ranks).
    The world of a group stands for its whole job, here and in `guard`: the other groups must not wait for this one.
    """
    world = world.job or world
    sys.excepthook = partial(_exception_hook, world)
    threading.excepthook = partial(_thread_hook, world)


@contextlib.contextmanager
def guard(world: World) -> Iterator[None]:
    """The body of `World.guard`: ends the job when an exception leaves the block."""
    world = world.job or world
    try:
        yield
    except SystemExit as error:
        if world.size == 1 or exit_code(error) == 0:
            raise
        end_job(world, error)
    except (UserError, KeyboardInterrupt) as error:
        end_job(world, error)
    except BaseException as error:
        if world.size == 1:
            raise
        end_job(world, error)


def end_job(world: World, error: BaseException) -> NoReturn:
    """Prints the reason and ends the job on every rank.

    Ranks that fail within `AGREEMENT_SECONDS` of each other, all of them, print each distinct reason once.

    Raises:
        SystemExit: with `exit_code(error)`, where the process may leave in order; otherwise the job is aborted.
    """
    world = world.job or world
    code = exit_code(error)
    reason = describe(error)
    if world.size == 1:
        _write(reason)
        raise SystemExit(code) from None
    if _everyone_failed(world):
        _write_distinct(world, reason)
        if isinstance(error, UserError | KeyboardInterrupt | SystemExit):
            raise SystemExit(code) from None
    else:
        _write(_prefixed(reason, world.rank, world.size, world.role))
    _abort(world, code)


def exit_code(error: BaseException) -> int:
    """The exit code of the program for an exception that nobody caught."""
    match error:
        case SystemExit(code=None):
            return 0
        case SystemExit(code=int(code)):
            return code
        case KeyboardInterrupt():
            return INTERRUPTED
        case UserError():
            return error.exit_code
        case _:
            return 1


def describe(error: BaseException) -> str:
    """What the user reads about an exception: the message of a `UserError`, else the traceback."""
    match error:
        case UserError():
            return f"Error: {error}"
        case KeyboardInterrupt():
            return "Interrupted."
        case SystemExit():
            return error.code if isinstance(error.code, str) else f"Exit with code {exit_code(error)}."
        case _:
            return "".join(traceback.format_exception(error)).rstrip()


def _exception_hook(world: World, kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    if world.size == 1 and not isinstance(error, UserError | KeyboardInterrupt):
        sys.__excepthook__(kind, error, trace)
        return
    end_job(world, error)


def _thread_hook(world: World, args: threading.ExceptHookArgs) -> None:
    if world.size == 1 or args.exc_value is None:
        threading.__excepthook__(args)
        return
    _write(_prefixed(describe(args.exc_value), world.rank, world.size, world.role))
    _abort(world, exit_code(args.exc_value))


def _everyone_failed(world: World) -> bool:
    """Whether all ranks come here within `AGREEMENT_SECONDS`; never blocks longer."""
    arrival = world.failure_comm.Ibarrier()
    deadline = time.monotonic() + AGREEMENT_SECONDS
    while not arrival.Test():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.01)
    return True


def _write_distinct(world: World, reason: str) -> None:
    reports = world.failure_comm.gather((reason, world.role), root=0)
    if reports is not None:
        reasons = [text for text, _ in reports]
        for text in dict.fromkeys(reasons):
            rank = reasons.index(text)
            same_everywhere = reasons.count(text) == world.size
            _write(text if same_everywhere else _prefixed(text, rank, world.size, reports[rank][1]))
    # nobody may leave before the root has printed: leaving first can stop the others
    world.failure_comm.Barrier()


def _prefixed(text: str, rank: int, size: int, role: str) -> str:
    prefix = f"[{role}, rank {rank}/{size}] " if role else f"[rank {rank}/{size}] "
    return "\n".join(prefix + line for line in text.splitlines())


def _write(text: str) -> None:
    # a launcher that is gone must not keep the process from aborting
    with contextlib.suppress(OSError, ValueError):
        sys.stdout.flush()
        # one call, so that lines of different ranks do not mix
        sys.stderr.write(text + "\n")
        sys.stderr.flush()


def _abort(world: World, code: int) -> NoReturn:
    world.comm.Abort(code)
    raise SystemExit(code)  # never reached: Abort does not return
