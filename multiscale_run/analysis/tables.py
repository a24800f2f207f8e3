"""Tables and notes that a notebook shows by itself."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from html import escape
from typing import Any


@dataclass(frozen=True)
class Table:
    """A table of texts and numbers.

    Attributes:
        columns: headings.
        rows: one value per column each; None is an empty cell.
        caption: what the table shows.
    """

    columns: Sequence[str]
    rows: Sequence[Sequence[object]]
    caption: str = ""

    def _repr_html_(self) -> str:
        head = "".join(f"<th>{escape(column)}</th>" for column in self.columns)
        body = "".join(f"<tr>{''.join(map(_cell, row))}</tr>" for row in self.rows)
        caption = f"<caption>{escape(self.caption)}</caption>" if self.caption else ""
        return f"<table>{caption}<thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"

    def __str__(self) -> str:
        return "\n".join("\t".join(map(text, row)) for row in [self.columns, *self.rows])

    __repr__ = __str__


@dataclass(frozen=True)
class Note:
    """A sentence, such as why a section is empty."""

    text: str

    def _repr_html_(self) -> str:
        return f'<p class="note">{escape(self.text)}</p>'

    def __str__(self) -> str:
        return self.text

    __repr__ = __str__


@dataclass(frozen=True)
class Parts:
    """Several things, shown one below the other."""

    items: Sequence[Any] = field(default_factory=list)

    def _ipython_display_(self) -> None:
        from IPython.display import display

        display(*self.items)

    @classmethod
    def of(cls, items: Iterable[Any]) -> Parts:
        """Some things, those that are None left out."""
        return cls([item for item in items if item is not None])


def text(value: object) -> str:
    """A value as a table shows it: numbers to four digits."""
    match value:
        case None:
            return ""
        case bool():
            return "yes" if value else "no"
        case float():
            return f"{value:.4g}"
        case _:
            return str(value)


def _cell(value: object) -> str:
    kind = ' class="number"' if isinstance(value, int | float) and not isinstance(value, bool) else ""
    return f"<td{kind}>{escape(text(value))}</td>"
