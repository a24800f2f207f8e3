"""What a benchmark printed, as it is: a box for its words, a table for rows of cells between bars.

```{measured} NAME
```
shows ``measured/NAME.txt``. Its headlines are left out; the page has them in a table of their own.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby
from pathlib import Path
from typing import Any

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective

BAR = " | "
HEADLINE = "headline" + BAR


class Measured(SphinxDirective):
    """Shows what a benchmark printed."""

    required_arguments = 1

    def run(self) -> list[nodes.Node]:
        """Sphinx calls this."""
        file = Path(self.env.srcdir) / "measured" / f"{self.arguments[0]}.txt"
        self.env.note_dependency(str(file))
        lines = [line for line in file.read_text().splitlines() if not line.startswith(HEADLINE)]
        return list(parts(lines))


def parts(lines: Sequence[str]) -> Iterator[nodes.Node]:
    """Boxes and tables, in the order of the lines."""
    for number_of_cells, group in groupby(lines, key=lambda line: line.count(BAR) + 1):
        found = list(group)
        if number_of_cells > 1:
            yield table([line.split(BAR) for line in found])
        elif text := "\n".join(found).strip("\n"):
            yield nodes.literal_block(text, text, language="text")


def table(rows: Sequence[Sequence[str]]) -> nodes.table:
    """A table whose first row is its head."""
    group = nodes.tgroup("", *(nodes.colspec(colwidth=1) for _ in rows[0]), cols=len(rows[0]))
    group += nodes.thead("", row(rows[0]))
    group += nodes.tbody("", *map(row, rows[1:]))
    return nodes.table("", group, classes=["measured"])


def row(cells: Sequence[str]) -> nodes.row:
    """A row of a table."""
    return nodes.row("", *(nodes.entry("", nodes.paragraph("", cell.strip())) for cell in cells))


def setup(app: Sphinx) -> dict[str, Any]:
    """Sphinx calls this."""
    app.add_directive("measured", Measured)
    return {"parallel_read_safe": True}
