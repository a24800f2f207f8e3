"""Links of README and CONTRIBUTING to files at the top of the repository lead to the pages that show these files."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from sphinx.application import Sphinx

PAGES = {
    "README.md": "quickstart.md",
    "CONTRIBUTING.md": "contributing.md",
    "CHANGELOG.md": "changelog.md",
    "CITATION.cff": "citing.md",
}
"""File at the top -> page that includes it."""


def redirect(app: Sphinx, path: Path, parent: str, content: list[str]) -> None:
    """Change the links of an included file; on a git host it keeps its own."""
    for name, page in PAGES.items():
        content[0] = content[0].replace(f"]({name})", f"](docs/{page})")


def setup(app: Sphinx) -> dict[str, Any]:
    """Sphinx calls this."""
    app.connect("include-read", redirect)
    return {"parallel_read_safe": True}
