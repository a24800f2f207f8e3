"""Parts of an application that other packages bring along and that are found by the entry points of these packages."""

from __future__ import annotations

from collections.abc import Collection
from importlib.metadata import EntryPoint, entry_points
from typing import Any

from mpi_coupling.failure import UserError


def offered(group: str) -> list[str]:
    """Names of the entry points of a group in all installed packages; nothing is imported."""
    return list(dict.fromkeys(entry.name for entry in entry_points(group=group)))


def load(group: str, name: str, what: str) -> Any:
    """Import what an entry point leads to.

    Args:
        group: of the entry points.
        name: of one that is :func:`offered`.
        what: it is, for messages.

    Raises:
        UserError: several packages offer it, or it cannot be imported.
    """
    entry, *others = entry_points(group=group, name=name)
    if others:
        packages = ", ".join(sorted(map(package_of, (entry, *others))))
        raise UserError(f"{what} {name!r}: several packages offer it, {packages}; uninstall all but one")
    try:
        return entry.load()
    except Exception as error:
        cause = f"{type(error).__name__}: {error}"
        raise UserError(f"{what} {name!r} of {package_of(entry)} cannot be loaded: {cause}") from error


def packages(group: str, names: Collection[str]) -> dict[str, str]:
    """Packages that offer some entry points, and their versions."""
    found = (entry.dist for entry in entry_points(group=group) if entry.name in names)
    return {dist.name: dist.version for dist in found if dist}


def package_of(entry: EntryPoint) -> str:
    """Name and version of the package that an entry point belongs to."""
    return f"{entry.dist.name} {entry.dist.version}" if entry.dist else entry.value
