"""The figures of the benchmarks that stand at the head of docs/performance.md."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

MARK = "headline"
COLUMNS = ("what", "peer", "ratio", "setup")


def print_headline(what: str, peer: str, ratio: float, setup: str) -> None:
    """Say how many times less than the peer's ours takes, or of what else the ratio is."""
    print(" | ".join((MARK, what, peer, f"{ratio:.3g}" if ratio < 100 else f"{ratio:.0f}", setup)), flush=True)


def headlines(name: str, lines: Iterable[str]) -> Iterator[str]:
    """Rows of a Markdown table from what a benchmark printed."""
    for line in lines:
        mark, *cells = line.split(" | ")
        if mark == MARK:
            yield f"| {' | '.join(cells)} | {name} |"
