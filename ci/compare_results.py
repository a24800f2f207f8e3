"""A CI job: whether runs of one simulation have the same results, on different numbers of ranks say.

    python ci/compare_results.py one/RESULTS two/RESULTS ...

Spikes must be equal, reports agree to the round-off of sums over ranks. Exit code 1, and what differs, if they do not.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from pathlib import Path

import h5py
import numpy as np

SPIKES = "out.h5"
RELATIVE, ABSOLUTE = 1e-6, 1e-12
"""Tolerance of a report: the order of a sum over ranks, in the reports' 32 bits."""


def datasets(file: Path) -> dict[str, np.ndarray]:
    """Name in the file -> all numbers."""
    found: dict[str, np.ndarray] = {}
    with h5py.File(file) as handle:
        handle.visititems(lambda name, node: found.update({name: node[()]}) if isinstance(node, h5py.Dataset) else None)
    return found


def differences(one: Path, other: Path) -> Iterator[str]:
    """What is not the same in two folders of results."""
    names = {path.name for path in one.glob("*.h5")} | {path.name for path in other.glob("*.h5")}
    if SPIKES not in names:
        yield f"{one} and {other} have no {SPIKES}"
    for name in sorted(names):
        if not ((one / name).exists() and (other / name).exists()):
            yield f"{name} is not in both {one} and {other}"
            continue
        first, second = datasets(one / name), datasets(other / name)
        if first.keys() != second.keys():
            yield f"{other / name} has other parts than {one / name}"
            continue
        tolerance = (0.0, 0.0) if name == SPIKES else (RELATIVE, ABSOLUTE)
        yield from (f"{other / name}: {key} differs" for key in first if not _same(first[key], second[key], tolerance))


def _same(one: np.ndarray, other: np.ndarray, tolerance: tuple[float, float]) -> bool:
    if np.shape(one) != np.shape(other):
        return False
    if not np.issubdtype(np.asarray(one).dtype, np.number):
        return bool(np.all(one == other))
    return np.allclose(other, one, *tolerance, equal_nan=True)


def main() -> int:
    parser = argparse.ArgumentParser(description="Compare results of runs.")
    parser.add_argument("folders", nargs="+", type=Path)
    first, *others = parser.parse_args().folders
    if not others:
        parser.error("name two folders or more")
    found = [text for other in others for text in differences(first, other)]
    print("\n".join(found) or f"{len(others) + 1} runs have the same results")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
