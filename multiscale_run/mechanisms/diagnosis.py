"""Explains why mechanisms did not compile: the first error, with the user's mod file and line, and what to do."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

_TRANSLATOR_ERROR = re.compile(r"^(?P<text>.*) at line (?P<line>\d+) in file (?P<file>\S+)", re.M)
_PROGRESS = re.compile(r"INCLUDEing|Thread Safe|Translating| *->|$")
"""Lines of nocmodl and nrnivmodl that are no part of an error message."""
_COMPILER_ERROR = re.compile(r"/(?P<stem>\w+)\.cpp:\d+:\d+: (?:fatal )?error: (?P<text>.*)")
_NO_INCLUDE = re.compile(r"Couldn't open:? (?P<name>\S+)")
_FAILED_TARGET = re.compile(r"^make: \*\*\* \[.*?(?P<stem>\w+)\.(?:cpp|o)\] Error", re.M)
_QUOTED = re.compile(r"[‘'](\w+)[’']")

_EPILOGUE = re.compile(r"^(?:NOTE: If you are encountering|Traceback)", re.M)
"""What nrnivmodl adds to every failure, whatever the reason."""

_TOOLS = (
    (
        re.compile(
            r"file format not recognized|unable to initialize decompress status|cannot find -l(nrniv|intlc|imf|svml)",
            re.I,
        ),
        "NEURON's library was made by another compiler than the one found here; make that one available, such as by "
        "`module load intel-oneapi-compilers`, or name one that fits in the variable CXX",
    ),
    (
        re.compile(r"GLIBCXX_\S+' not found|undefined reference to `std::__cxx11|unrecognized .*option .*-std=c\+\+17"),
        "the compiler is older than the one that NEURON was made with; load a newer one (g++ 10 or later)",
    ),
    (re.compile(r"No space left on device"), "the disk is full; set MULTISCALE_RUN_CACHE to a folder on another one"),
)
"""What a compiler or linker says when no mod file is to blame -> the remedy."""

_TAIL = 15  # lines of the output that are shown when nothing is recognised


def explain(output: str, files: Mapping[str, Path]) -> str:
    """Says what went wrong, and where.

    Args:
        output: everything that nrnivmodl and its compiler printed.
        files: name of each compiled mod file -> where the user has it.
    """
    output = _EPILOGUE.split(output)[0]
    for sign, remedy in _TOOLS:
        found = sign.search(output)
        if found:
            return f"{remedy}.\nThe compiler said: {_line_of(output, found.start())}"
    if found := _TRANSLATOR_ERROR.search(output):
        return f"{files.get(found['file'], found['file'])}:{found['line']}: {_message_ending_at(output, found)}"
    if found := _NO_INCLUDE.search(output):
        return f"{_blamed(output, files) or 'a mod file'}: there is no file {found['name']} to INCLUDE"
    if found := _COMPILER_ERROR.search(output):
        file = files.get(f"{found['stem']}.mod")
        if file is not None:
            return f"{_place(file, found['text'])}: {found['text']}"
    tail = "\n".join(output.splitlines()[-_TAIL:])
    return f"{_blamed(output, files) or 'the compiler said'}:\n{tail}"


def _blamed(output: str, files: Mapping[str, Path]) -> Path | None:
    failed = _FAILED_TARGET.search(output)
    return files.get(f"{failed['stem']}.mod") if failed else None


def _place(file: Path, message: str) -> str:
    """The file and, where it has a name that the message quotes, the line: compilers count those of generated code."""
    for name in _QUOTED.findall(message):
        for number, line in enumerate(file.read_text(errors="replace").splitlines(), start=1):
            if re.search(rf"\b{name}\b", line):
                return f"{file}:{number}"
    return str(file)


def _message_ending_at(output: str, found: re.Match[str]) -> str:
    """nocmodl's message is one line that ends with the place, or a few lines up to it."""
    lines = [*output[: found.start()].splitlines()[-3:], found["text"]]
    while len(lines) > 1 and any(_PROGRESS.match(line) for line in lines[:-1]):
        lines = lines[1:]
    return " ".join(" ".join(lines).replace("Error:", "").split())


def _line_of(output: str, position: int) -> str:
    start = output.rfind("\n", 0, position) + 1
    return output[start : output.find("\n", position)].strip()
