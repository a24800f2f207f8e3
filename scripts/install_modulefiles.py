"""Writes the modulefiles of an installation; scripts/install-prefix runs it with the Python of that installation.

A tree of installations has one folder of modulefiles::

    core/stable, core/unstable                       what `module use` is told of; each makes a collection visible
    unstable/py-multiscale-run/1.1.0.dev0, .version  every version; .version names the default, the newest
    stable/py-multiscale-run/1.0.0, .version         releases only
"""

from __future__ import annotations

import argparse
import os
import sys
import tomllib
from importlib.metadata import version as version_of
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import jinja2
from packaging.version import InvalidVersion, Version

SOURCES = Path(__file__).resolve().parent.parent / "modulefiles"
COLLECTIONS = {
    "unstable": ("all versions, those under development too,", "stable"),
    "stable": ("the released versions", "unstable"),
}
"""Name -> what is in it, and the collection that it excludes."""


def root_variable(module: str) -> str:
    """The environment variable in which a module says where its installation is: PY_MULTISCALE_RUN_ROOT."""
    return module.upper().replace("-", "_") + "_ROOT"


def template(name: str) -> jinja2.Template:
    """A template of the folder modulefiles; a variable that is not given is an error."""
    loader = jinja2.FileSystemLoader(SOURCES)
    environment = jinja2.Environment(
        loader=loader,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        undefined=jinja2.StrictUndefined,
    )
    environment.filters["root_variable"] = root_variable
    return environment.get_template(name)


def neuron_paths(root: Path) -> dict[str, Any]:
    """Where the mechanisms and hoc files are, relative to the installation; they were compiled into it before."""
    libraries = sorted((root / "share" / "multiscale-run" / "mechanisms").glob("*/libnrnmech.so"))
    if len(libraries) != 1:
        sys.exit(f"{root}: {len(libraries)} libraries of mechanisms in share/multiscale-run, expected one")
    packages = [("neurodamus", "data/hoc"), ("multiscale_run", "mechanisms/hoc")]
    folders = [package_folder(name) / inside for name, inside in packages]
    return {
        "mechanisms": libraries[0].relative_to(root),
        "hoc_folders": [folder.relative_to(root) for folder in folders],
    }


def package_folder(name: str) -> Path:
    """The folder of an installed Python package."""
    found = find_spec(name)
    assert found is not None and found.origin is not None, name
    return Path(found.origin).parent


def write_default(folder: Path) -> None:
    """Makes the newest version the default, by the rules of Python's versions: 1.10 is newer than 1.9."""
    versions = []
    for file in folder.iterdir():
        try:
            versions.append((Version(file.name), file.name))
        except InvalidVersion:  # .version itself, an editor's backup
            continue
    (folder / ".version").write_text(f'#%Module1.0\nset ModulesVersion "{max(versions)[1]}"\n')


def write_collections(modulefiles: Path) -> None:
    """Writes core/stable and core/unstable."""
    core = modulefiles / "core"
    core.mkdir(parents=True, exist_ok=True)
    for name, (contents, other) in COLLECTIONS.items():
        text = template("collection.jinja").render(name=name, contents=contents.rstrip(","), other=other)
        (core / name).write_text(text)


def write_packages(modulefiles: Path, tree: Path, target: Path, loads: list[str]) -> list[str]:
    """Writes the modulefile of each package that is installed; returns their names."""
    root = Path(sys.prefix)
    version = version_of("multiscale-run")
    packages = tomllib.loads((SOURCES / "packages.toml").read_text())
    present = [name for name, package in packages.items() if find_spec(package["needs"])]
    collections = ["unstable"] if Version(version).is_prerelease else ["unstable", "stable"]
    for name in present:
        package = packages[name]
        neurons = neuron_paths(root) if package["neurons"] else {"mechanisms": None, "hoc_folders": []}
        for collection in collections:
            file = modulefiles / collection / name / version
            file.parent.mkdir(parents=True, exist_ok=True)
            relative = modulefiles.is_relative_to(tree)
            text = template("package.jinja").render(
                package,
                **neurons,
                name=name,
                version=version,
                relative=relative,
                root=os.path.relpath(target, file.parent) if relative else target,
                siblings=[other for other in present if other != name],
                loads=loads,
            )
            file.write_text(text)
            write_default(file.parent)
    return present


def main() -> None:
    """Runs the command."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("tree", type=Path, help="the folder given to scripts/install-prefix")
    parser.add_argument("target", type=Path, help="where this Python's environment will be when it is finished")
    parser.add_argument("--modulefiles", type=Path, help="folder of the modulefiles, if not TREE/modulefiles")
    parser.add_argument("--load", action="append", default=[], help="module that ours load first")
    options = parser.parse_args()
    modulefiles = (options.modulefiles or options.tree / "modulefiles").resolve()
    write_collections(modulefiles)
    written = write_packages(modulefiles, options.tree.resolve(), options.target.resolve(), options.load)
    print(f"{modulefiles}: {', '.join(written)} {version_of('multiscale-run')}")


if __name__ == "__main__":
    main()
