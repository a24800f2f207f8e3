"""Loads Spack recipes without Spack: a stand-in for the package API that records what a recipe says.

It knows what our recipes use and no more; a recipe that uses anything else fails to load here. What it cannot tell is
whether Spack can satisfy the recipe: spack/verify does that.
"""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType
from typing import Any

BUILD_SYSTEMS = {"python": "PythonPackage", "bundle": "BundlePackage"}
DIRECTIVES = ("version", "variant", "depends_on", "license")


@dataclass
class Directive:
    """One call of a recipe, such as depends_on("python@3.11:", type="run")."""

    name: str
    arguments: tuple[Any, ...]
    options: dict[str, Any] = field(default_factory=dict)


class _Recorder:
    def __init__(self) -> None:
        self.directives: list[Directive] = []
        self.defaults: dict[str, Any] = {}

    def directive(self, name: str) -> Any:
        def record(*arguments: Any, **options: Any) -> None:
            self.directives.append(Directive(name, arguments, {**self.defaults, **options}))

        return record

    @contextmanager
    def default_args(self, **options: Any) -> Iterator[None]:
        before, self.defaults = self.defaults, {**self.defaults, **options}
        yield
        self.defaults = before


@dataclass
class Recipe:
    """A loaded recipe."""

    cls: type
    directives: list[Directive]

    def of(self, name: str) -> list[Directive]:
        return [directive for directive in self.directives if directive.name == name]

    def dependencies(self) -> dict[str, Directive]:
        """Spec -> directive."""
        return {directive.arguments[0]: directive for directive in self.of("depends_on")}


def _stand_ins(recorder: _Recorder) -> dict[str, ModuleType]:
    package = ModuleType("spack.package")
    for name in DIRECTIVES:
        setattr(package, name, recorder.directive(name))
    package.default_args = recorder.default_args  # type: ignore[attr-defined]
    package.join_path = lambda *parts: "/".join(map(str, parts))  # type: ignore[attr-defined]
    package.Executable = object  # type: ignore[attr-defined]
    modules = {"spack": ModuleType("spack"), "spack.package": package}
    for name in ("spack_repo", "spack_repo.builtin", "spack_repo.builtin.build_systems"):
        modules[name] = ModuleType(name)
    for module, cls in BUILD_SYSTEMS.items():
        stand_in = ModuleType(f"spack_repo.builtin.build_systems.{module}")
        setattr(stand_in, cls, type(cls, (), {}))
        modules[stand_in.__name__] = stand_in
    return modules


def load(file: Path) -> Recipe:
    """Loads a package.py and finds its class, by Spack's rule for names: py_tvb_nest -> PyTvbNest."""
    recorder = _Recorder()
    stand_ins = _stand_ins(recorder)
    before = {name: sys.modules.get(name) for name in stand_ins}
    sys.modules.update(stand_ins)
    try:
        spec = importlib.util.spec_from_file_location(f"recipe_{file.parent.name}", file)
        assert spec is not None and spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
    finally:
        for name, module_before in before.items():
            if module_before is None:
                del sys.modules[name]
            else:
                sys.modules[name] = module_before
    cls = getattr(module, "".join(part.capitalize() for part in file.parent.name.split("_")))
    return Recipe(cls, recorder.directives)
