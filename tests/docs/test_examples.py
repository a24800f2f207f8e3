"""Runs what README and docs show: each page's blocks in order, in a folder of its own.

Blocks tagged bash and python are run, json and toml are parsed. Comments in a page, which readers do not see, steer it:

    <!-- file: PATH -->           directly before a block that shows a file: it is written, not run
    <!-- not run: REASON -->      directly before a block that cannot run here: another site's cluster, a placeholder
    <!-- test setup               lines of bash that bring about what the page takes for granted
    ...
    -->
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from markdown_it import MarkdownIt
from markdown_it.token import Token

ROOT = Path(__file__).resolve().parents[2]
MADE = {"_build", "generated", "jupyter_execute"}
"""Folders in docs that Sphinx writes."""
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md"] + [
    page for page in sorted((ROOT / "docs").rglob("*.md")) if not MADE & set(page.relative_to(ROOT / "docs").parts)
]
TAGS = {"bash", "python", "json", "toml", "text"}
REMARK = re.compile(r"\s*<!-- (not run|file): (\S.*) -->\s*")
SETUP = re.compile(r"\s*<!-- test setup\n(.*)-->\s*", re.DOTALL)
BLOCK_TIMEOUT = 300
"""Seconds."""


@dataclass(frozen=True)
class Block:
    """A fenced block of a page."""

    tag: str
    text: str
    place: str
    """Page and line, for messages."""
    reason: str = ""
    """Why it is not run."""
    file: str = ""
    """The file that it shows."""


def blocks_of(page: Path) -> Iterator[Block]:
    """The blocks of a page in order, its hidden set-up included; directives of Sphinx are none.

    Raises:
        AssertionError: A tag is missing or unknown, or a remark stands before nothing that could run.
    """
    remark: re.Match[str] | None = None
    for token in MarkdownIt("commonmark").parse(page.read_text()):
        if token.type == "html_block":
            remark = REMARK.fullmatch(token.content)
            if setup := SETUP.fullmatch(token.content):
                yield Block("bash", setup[1], place_of(page, token))
        elif token.type == "fence" and not token.info.startswith("{"):
            yield block_of(token, place_of(page, token), remark)
            remark = None
        else:
            assert remark is None, f"{page.name}: the comment {remark[0].strip()} must stand directly before a block"
    assert remark is None, f"{page.name}: the comment {remark[0].strip()} stands before nothing"


def block_of(token: Token, place: str, remark: re.Match[str] | None) -> Block:
    """A fence as a block."""
    tag = token.info.strip()
    assert tag in TAGS, (
        f"{place}: a block tagged {tag!r}; tag it as one of {', '.join(sorted(TAGS))}, plain output as text"
    )
    if remark is None:
        return Block(tag, token.content, place)
    if remark[1] == "file":
        return Block(tag, token.content, place, file=remark[2])
    assert tag in ("bash", "python"), f"{place}: a block tagged {tag} is not run anyway"
    return Block(tag, token.content, place, reason=remark[2])


def place_of(page: Path, token: Token) -> str:
    assert token.map is not None
    name = page.relative_to(ROOT) if page.is_relative_to(ROOT) else page.name
    return f"{name}:{token.map[0] + 1}"


def environment() -> dict[str, str]:
    """What scripts/lib.sh sets, and CHECKOUT for set-ups, without traces of the MPI that pytest has started."""
    clean = {k: v for k, v in os.environ.items() if not k.startswith(("OMPI_COMM_WORLD", "PMIX_", "PMI_"))}
    clean |= {"MULTISCALE_RUN_VENV": sys.prefix, "MPLBACKEND": "agg", "CHECKOUT": str(ROOT)}
    command = ["bash", "-c", f"source '{ROOT}/scripts/lib.sh'; env -0"]
    found = subprocess.run(command, env=clean, capture_output=True, text=True, check=True).stdout
    return dict(entry.split("=", 1) for entry in found.split("\0") if entry)


def run(block: Block, folder: Path, variables: dict[str, str]) -> None:
    """Run a block, write its file, or parse its data.

    Raises:
        AssertionError: It fails; the message has its place, its text and its output.
    """
    if block.file:
        (folder / block.file).write_text(block.text)
    if block.tag == "json":
        text = block.text.strip()
        json.loads(text if text.startswith(("{", "[")) else f"{{{text}}}")  # a page may show only some keys
    elif block.tag == "toml":
        tomllib.loads(block.text)
    elif block.tag != "text" and not block.file:
        command = ["bash", "-c", f"set -euo pipefail\n{block.text}"]
        if block.tag == "python":
            command = [sys.executable, "-c", block.text]
        done = subprocess.run(
            command,
            cwd=folder,
            env=variables,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=BLOCK_TIMEOUT,
        )
        message = f"{block.place}: exit code {done.returncode}\n\n{block.text}\n--- output\n{done.stdout}"
        assert done.returncode == 0, message
        print(f"{block.place}\n{done.stdout}")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_blocks_of_page_run(page: Path, tmp_path: Path) -> None:
    blocks = list(blocks_of(page))
    (tmp_path / ".venv").symlink_to(sys.prefix)  # pages say `source .venv/bin/activate`
    # packages that a page makes are installed there
    variables = environment()
    variables["PYTHONPATH"] = os.pathsep.join(
        [str(tmp_path / "packages"), *filter(None, [os.environ.get("PYTHONPATH")])]
    )
    for block in blocks:
        if not block.reason:
            run(block, tmp_path, variables)


def test_setup_and_reasons_are_found(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text(
        "# A page\n\n<!-- test setup\necho hidden > file\n-->\n\n```bash\ncat file\n```\n\n"
        "<!-- file: a.py -->\n```python\n1 / 0\n```\n\n"
        "<!-- not run: another site's cluster -->\n```bash\nsbatch it\n```\n\n```{toctree}\nother\n```\n"
    )
    found = list(blocks_of(page))
    assert found == [
        Block("bash", "echo hidden > file\n", "page.md:3"),
        Block("bash", "cat file\n", "page.md:7"),
        Block("python", "1 / 0\n", "page.md:12", file="a.py"),
        Block("bash", "sbatch it\n", "page.md:17", reason="another site's cluster"),
    ]
    run(found[2], tmp_path, environment())
    assert (tmp_path / "a.py").read_text() == "1 / 0\n"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("```\nls\n```\n", "page.md:1: a block tagged ''"),
        ("```console\n$ ls\n```\n", "a block tagged 'console'; tag it as one of bash, json, python, text, toml"),
        ("<!-- not run: because -->\n\nWords.\n\n```bash\nls\n```\n", "must stand directly before a block"),
        ("<!-- not run: because -->\n", "stands before nothing"),
        ("<!-- not run: because -->\n```json\n{}\n```\n", "is not run anyway"),
    ],
)
def test_faulty_page_is_refused(text: str, message: str, tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text(text)
    with pytest.raises(AssertionError, match=re.escape(message)):
        list(blocks_of(page))


@pytest.mark.parametrize(
    ("tag", "text", "error"),
    [
        ("bash", "false | cat\n", "page:1: exit code 1"),
        ("bash", "echo $undefined\n", "unbound variable"),
        ("python", "print('so far'); 1 / 0\n", "so far"),
        ("json", '{"a": 1,}', "double quotes"),
        ("toml", "a = \n", "Invalid value"),
    ],
)
def test_faulty_block_fails(tag: str, text: str, error: str, tmp_path: Path) -> None:
    with pytest.raises((AssertionError, ValueError), match=error):
        run(Block(tag, text, "page:1"), tmp_path, environment())
