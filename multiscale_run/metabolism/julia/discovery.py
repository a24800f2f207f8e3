"""Finds a Julia that can run the metabolism."""

from __future__ import annotations

import importlib.util
import logging
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from mpi_coupling.world import UserError

from ..disk_cache import cache_folder

log = logging.getLogger(__name__)

OLDEST = (1, 5)
_OLDEST_TEXT = ".".join(map(str, OLDEST))
_REMEDY = (
    f"Install Julia {_OLDEST_TEXT} or newer and put it on the PATH or name it in the variable JULIA, "
    'or run scripts/get-julia, or use the metabolism engine "native", which needs no Julia'
)
# asked to introduce itself, Julia also proves that it can load its system image
_QUESTION = ("--startup-file=no", "-e", "print(VERSION)")
_QUESTION_TO_JULIACALL = (
    "from juliacall import Main\n"
    "print()\n"
    "print(Main.seval('joinpath(Sys.BINDIR, Base.julia_exename())'))\n"
    "print(Main.seval('string(VERSION)'))"
)
_ANSWER_SECONDS = 60.0
# on its first import juliacall may install packages
_JULIACALL_SECONDS = 300.0


class JuliaError(UserError):
    """There is no usable Julia, or the one in use has failed."""


@dataclass(frozen=True)
class Julia:
    """A Julia that was asked for its version.

    Attributes:
        path: the program.
        version: its version as it says it.
        in_process: whether juliacall can run it inside this process.
    """

    path: Path
    version: str
    in_process: bool = False


def find_julia() -> Julia:
    """The first usable Julia: juliacall's, the variable JULIA, the PATH, the one of ``scripts/get-julia``.

    Raises:
        JuliaError: there is none; names every place that was tried and why it was not good. A Julia that the variable
            JULIA names must be usable.
    """
    tried = []
    for look in (_of_juliacall, _named_by_variable, _on_path, _in_cache):
        try:
            return look()
        except _NotHere as reason:
            tried.append(str(reason))
    raise JuliaError(f"no usable Julia was found: {'; '.join(tried)}. {_REMEDY}.")


def julia_health() -> tuple[Path, str]:
    """Path and version of the Julia that the engine would use, for ``check`` and ``init --julia``.

    Raises:
        JuliaError: there is none, with the remedy.
    """
    julia = find_julia()
    return julia.path, julia.version


class _NotHere(Exception):
    """Why one of the places has no usable Julia."""


def _of_juliacall() -> Julia:
    if importlib.util.find_spec("juliacall") is None:
        raise _NotHere("juliacall is not installed")
    return _ask_juliacall()


def _named_by_variable() -> Julia:
    name = os.environ.get("JULIA")
    if not name:
        raise _NotHere("the variable JULIA is not set")
    path = shutil.which(name)
    if path is None:
        raise JuliaError(f"the variable JULIA is {name!r}, which is not a program. {_REMEDY}.")
    try:
        return _ask(path)
    except _NotHere as reason:
        raise JuliaError(f"the Julia named by the variable JULIA cannot be used: {reason}. {_REMEDY}.") from None


def _on_path() -> Julia:
    path = shutil.which("julia")
    if path is None:
        raise _NotHere("there is no julia on the PATH")
    return _ask(path)


def _in_cache() -> Julia:
    folder = cache_folder().parent / "julia"
    programs = sorted(folder.glob("*/bin/julia"))
    if not programs:
        raise _NotHere(f"scripts/get-julia has put none into {folder}")
    return _ask(str(programs[-1]))


def _ask(path: str) -> Julia:
    """A program that answers with a version that is new enough."""
    version = _answer((path, *_QUESTION), _ANSWER_SECONDS)[-1:]
    return Julia(Path(path), _new_enough(version[0] if version else "", path))


@cache
def _ask_juliacall() -> Julia:
    """Ask juliacall in a process of its own: a failing import could take this one down."""
    try:
        answer = _answer((sys.executable, "-c", _QUESTION_TO_JULIACALL), _JULIACALL_SECONDS)
        path, version = answer[-2:] if len(answer) >= 2 else ("", "")
        return Julia(Path(path), _new_enough(version, "juliacall"), in_process=True)
    except _NotHere as reason:
        log.warning("juliacall is installed but does not work (%s); Julia runs in a process of its own", reason)
        raise


def _answer(command: Sequence[str], seconds: float) -> list[str]:
    """Lines that a command prints."""
    program = Path(command[0]).name
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=seconds, stdin=subprocess.DEVNULL)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise _NotHere(f"{command[0]} cannot be run ({error})") from None
    if done.returncode != 0:
        words = done.stderr.strip().splitlines()[-1:] or ["without a word"]
        raise _NotHere(f"{program} ended with exit code {done.returncode}: {words[0]}")
    return done.stdout.splitlines()


def _new_enough(version: str, where: str) -> str:
    numbers = re.match(r"(\d+)\.(\d+)", version)
    if numbers is None:
        raise _NotHere(f"{where} does not answer like Julia but with {version!r}")
    if tuple(map(int, numbers.groups())) < OLDEST:
        raise _NotHere(f"{where} is Julia {version}, older than {_OLDEST_TEXT}")
    return version
