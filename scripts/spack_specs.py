"""Python's requirements in Spack's words: ``numpy>=1.26,<3`` is ``py-numpy@1.26:2``."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name
from packaging.version import Version

PYTHONS = ("3.11", "3.12", "3.13")
"""The versions of Python that markers of requirements are evaluated for."""


@dataclass(frozen=True)
class Names:
    """How packages of PyPI are called in Spack.

    Attributes:
        exceptions: PyPI's name -> Spack's, where that is not ``py-NAME``.
        variants: Spack's name -> the variants that we need of it.
    """

    exceptions: Mapping[str, str]
    variants: Mapping[str, str]

    def spack_name(self, name: str) -> str:
        """The name of a package, without variants."""
        canonical = canonicalize_name(name)
        return self.exceptions.get(canonical, f"py-{canonical.removeprefix('python-')}")


def before(version: str) -> str:
    """The newest version that is older than one: Spack's ranges include their end, with all that begins like it.

    Raises:
        ValueError: there is none, as for ``<0``.
    """
    numbers = list(Version(version).release)
    while numbers and numbers[-1] == 0:
        numbers.pop()
    if not numbers:
        raise ValueError(f"nothing is older than {version}")
    numbers[-1] -= 1
    return ".".join(map(str, numbers))


def version_range(specifiers: SpecifierSet | str) -> str:
    """Spack's range of versions for Python's: ``@1.2:`` for ``>=1.2``, nothing for no limit.

    A version that is left out (``!=``) stays allowed: Spack builds chosen versions, the newest as a rule.

    Raises:
        ValueError: a specifier that has no counterpart, such as ``===``.
    """
    low = high = ""
    for specifier in SpecifierSet(str(specifiers)):
        version = specifier.version.removesuffix(".*")
        match specifier.operator:
            case ">=" | ">":
                low = version
            case "<=":
                high = version
            case "<":
                high = before(version)
            case "==":
                return f"@{version}"
            case "~=":
                low, high = version, ".".join(map(str, Version(version).release[:-1]))
            case "!=":
                continue
            case other:
                raise ValueError(f"no counterpart in Spack for {other}{version}")
    return f"@{low}:{high}" if low or high else ""


def python_condition(requirement: Requirement) -> str | None:
    """For which Pythons a requirement holds: "" for all, Spack's condition for some, None for none of them."""
    marker = requirement.marker
    if marker is None:
        return ""
    environment = {"sys_platform": "linux", "platform_system": "Linux", "os_name": "posix", "extra": ""}
    holds = [version for version in PYTHONS if marker.evaluate(environment | {"python_version": version})]
    if len(holds) == len(PYTHONS):
        return ""
    return "^python@" + ",".join(holds) if holds else None


def dependency(text: str, names: Names) -> tuple[str, str] | None:
    """A requirement as Spack's spec and condition; None if it never holds, as those of extras.

    Args:
        text: in Python's words (PEP 508).
        names: how packages are called.
    """
    requirement = Requirement(text)
    condition = python_condition(requirement)
    if condition is None:
        return None
    name = names.spack_name(requirement.name)
    return f"{name}{version_range(requirement.specifier)}{names.variants.get(name, '')}", condition
