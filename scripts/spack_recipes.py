"""Keeps the recipes in spack/spack_repo in step with pyproject.toml, constraints.txt and the packages on PyPI.

scripts/update-spack-recipes            asks PyPI for the sources of the packages, and writes all recipes
scripts/update-spack-recipes --offline  writes all recipes from what is known (spack/pypi.json)
scripts/update-spack-recipes --check    writes nothing; names what differs, and exits with 1 if anything does
scripts/update-spack-recipes --release v1.0.0   adds a release that has this tag here

What the packages say about themselves is kept in spack/pypi.json, what they do not say in spack/recipes.toml.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import subprocess
import sys
import tarfile
import tomllib
from collections.abc import Iterator
from email.parser import HeaderParser
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import jinja2
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version
from spack_specs import Names, dependency, version_range

ROOT = Path(__file__).resolve().parent.parent
SPACK = ROOT / "spack"
PACKAGES = SPACK / "spack_repo" / "multiscale_suite" / "packages"
FACTS = SPACK / "pypi.json"
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
TABLE = tomllib.loads((SPACK / "recipes.toml").read_text())
NAMES = Names(TABLE["names"], TABLE["variants"])
BUILD, RUN = ("build",), ("build", "run")

Dependency = dict[str, Any]
"""Of a recipe: ``spec``, ``when`` (a condition, maybe empty), ``types``."""


def constraints() -> dict[str, str]:
    """Package -> version of constraints.txt."""
    lines = [line.split("#")[0].strip() for line in (ROOT / "constraints.txt").read_text().splitlines()]
    pairs = [line.split("==") for line in lines if line]
    return {canonicalize_name(name): version for name, version in pairs}


def ask_pypi(name: str) -> dict[str, Any]:
    """Downloads a package's source distribution and reads its metadata.

    Raises:
        SystemExit: pip cannot get it, or it does not tell its requirements before it is built.
    """
    pinned = constraints().get(canonicalize_name(name))
    wanted = f"{name}=={pinned}" if pinned else name
    with TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--no-binary", ":all:"]
        done = subprocess.run([*command, "--dest", folder, wanted], capture_output=True, text=True)
        if done.returncode:
            sys.exit(f"{wanted}: pip cannot download its source:\n{done.stderr[-2000:]}")
        return source_facts(next(Path(folder).iterdir()))


def source_facts(archive: Path) -> dict[str, Any]:
    """What a source distribution says about itself (PKG-INFO, pyproject.toml)."""
    top = archive.name.removesuffix(".tar.gz")
    with tarfile.open(archive) as tar:
        metadata = HeaderParser().parsestr(read_member(tar, f"{top}/PKG-INFO"))
        build = tomllib.loads(read_member(tar, f"{top}/pyproject.toml"))["build-system"]
    if "Requires-Dist" in metadata.get_all("Dynamic", []) and not metadata.get_all("Requires-Dist"):
        sys.exit(f"{archive.name}: its requirements are known only after it is built; add them to spack/recipes.toml")
    return {
        "version": metadata["Version"],
        "archive": archive.name,
        "sha256": hashlib.sha256(archive.read_bytes()).hexdigest(),
        "summary": metadata["Summary"].strip('"'),
        "homepage": homepage(metadata),
        "python": metadata["Requires-Python"] or "",
        "requires": [text for text in metadata.get_all("Requires-Dist", []) if "extra ==" not in text],
        "build_requires": build["requires"],
    }


def read_member(tar: tarfile.TarFile, name: str) -> str:
    """A text file of an archive."""
    file = tar.extractfile(name)
    assert file is not None, name
    return file.read().decode()


def homepage(metadata: Any) -> str:
    """Where a package lives, by its metadata; else its page of the package index."""
    links = dict(text.split(", ", 1) for text in metadata.get_all("Project-URL", []))
    for label in ("Homepage", "homepage", "Repository", "Source", "Source code", "Download"):
        if label in links:
            return links[label]
    return metadata["Home-page"] or f"https://pypi.org/project/{metadata['Name']}"


def dependencies(texts: list[str], types: tuple[str, ...], when: str = "") -> Iterator[Dependency]:
    """Requirements as the dependencies of a recipe."""
    for text in texts:
        found = dependency(text, NAMES)
        if found is not None:
            spec, condition = found
            yield {"spec": spec, "when": " ".join(part for part in (when, condition) if part), "types": types}


def class_name(package: str) -> str:
    """The class that Spack looks for: PyTvbData for py-tvb-data."""
    return "".join(part.capitalize() for part in package.split("-"))


def recipe(template: str, package: str, **values: Any) -> tuple[Path, str]:
    """A recipe's file and text."""
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(SPACK / "templates"),
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        undefined=jinja2.StrictUndefined,
    )
    environment.filters["quoted"] = json.dumps
    text = environment.get_template(template).render(name=package, class_name=class_name(package), **values)
    return PACKAGES / package.replace("-", "_") / "package.py", text


def pypi_recipe(name: str, facts: dict[str, Any]) -> tuple[Path, str]:
    """The recipe of a package of PyPI."""
    about = TABLE["packages"][name]
    also = [{"spec": spec, "when": "", "types": tuple(types.split(","))} for spec, types in about.get("also", [])]
    python = [{"spec": f"python{version_range(facts['python'])}", "when": "", "types": RUN}] if facts["python"] else []
    found = [*python, *dependencies(facts["build_requires"], BUILD), *dependencies(facts["requires"], RUN), *also]
    place = canonicalize_name(name)
    return recipe("pypi.jinja", NAMES.spack_name(name), facts=facts, about=about, place=place, dependencies=found)


def suite_dependencies() -> list[Dependency]:
    """What pyproject.toml requires: always, and with the extras that are variants."""
    project = PROJECT["project"]
    found = [{"spec": f"python{version_range(project['requires-python'])}", "when": "", "types": RUN}]
    found += dependencies(PROJECT["build-system"]["requires"], BUILD)
    found += dependencies(project["dependencies"], RUN)
    found.append({"spec": "gmake", "when": "", "types": ("run",)})  # users compile mod files
    for extra, about in TABLE["extras"].items():
        when = "" if about.get("always") else f"+{variant(extra)}"
        found += dependencies(project["optional-dependencies"][extra], RUN, when)
    return found


def variant(extra: str) -> str:
    """The variant of an extra."""
    return extra.replace("-", "_")


def suite_recipes(releases: list[dict[str, str]]) -> Iterator[tuple[Path, str]]:
    """The recipes of the suite itself."""
    variants = {variant(extra): about for extra, about in TABLE["extras"].items() if not about.get("always")}
    common = {"project": PROJECT["project"], "releases": releases}
    yield recipe("suite.jinja", "py-multiscale-run", variants=variants, dependencies=suite_dependencies(), **common)
    yield recipe("tvb_nest.jinja", "py-tvb-nest", **common)


def all_recipes(known: dict[str, Any]) -> dict[Path, str]:
    """File -> text of every recipe.

    Raises:
        SystemExit: a package of spack/recipes.toml has not been asked for yet.
    """
    missing = TABLE["packages"].keys() - known["packages"].keys()
    if missing:
        sys.exit(f"spack/pypi.json lacks {', '.join(sorted(missing))}; run scripts/update-spack-recipes")
    recipes = dict(suite_recipes(known["releases"]))
    return recipes | dict(pypi_recipe(name, known["packages"][name]) for name in TABLE["packages"])


def problems(known: dict[str, Any]) -> Iterator[str]:
    """What is not in step, in words."""
    recipes = all_recipes(known)
    for file, text in recipes.items():
        if not file.is_file() or file.read_text() != text:
            yield f"{file.relative_to(ROOT)} is not what pyproject.toml, spack/recipes.toml and spack/pypi.json say"
    for file in sorted(PACKAGES.glob("*/package.py")):
        if file not in recipes:
            yield f"{file.relative_to(ROOT)}: no such package in spack/recipes.toml"
    pinned = constraints()
    for name in TABLE["packages"]:
        version = pinned.get(canonicalize_name(name))
        if version and version != known["packages"][name]["version"]:
            yield f"{name}: constraints.txt has {version}, its recipe {known['packages'][name]['version']}"
    yield from too_old(known)
    version = PROJECT["project"]["version"]
    if not Version(version).is_prerelease and version not in {release["version"] for release in known["releases"]}:
        yield f"pyproject.toml has the release {version}, the recipe has not; tag it and use --release v{version}"


def too_old(known: dict[str, Any]) -> Iterator[str]:
    """Packages whose recipe does not satisfy pyproject.toml."""
    project = PROJECT["project"]
    for text in [
        *project["dependencies"],
        *(t for extra in TABLE["extras"] for t in project["optional-dependencies"][extra]),
    ]:
        wanted = Requirement(text)
        for name, facts in known["packages"].items():
            same = canonicalize_name(name) == canonicalize_name(wanted.name)
            if same and not wanted.specifier.contains(facts["version"], prereleases=True):
                yield f"{name}: pyproject.toml wants {wanted.specifier}, its recipe has {facts['version']}"


def release(tag: str) -> dict[str, str]:
    """A released version and the commit that its tag names in this repository."""
    done = subprocess.run(["git", "rev-parse", f"{tag}^{{commit}}"], cwd=ROOT, capture_output=True, text=True)
    if done.returncode:
        sys.exit(f"--release {tag}: there is no such tag in this repository")
    return {"version": tag.removeprefix("v"), "tag": tag, "commit": done.stdout.strip()}


def write(known: dict[str, Any]) -> None:
    """Writes spack/pypi.json and all recipes."""
    recipes = all_recipes(known)
    FACTS.write_text(json.dumps(known, indent=2) + "\n")
    for file, text in recipes.items():
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)


def main() -> int:
    """Runs the command."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    choice = parser.add_mutually_exclusive_group()
    choice.add_argument("--check", action="store_true", help="write nothing; exit with 1 if anything differs")
    choice.add_argument("--offline", action="store_true", help="do not ask PyPI")
    choice.add_argument("--release", metavar="TAG", help="add the release that has this tag")
    options = parser.parse_args()
    known = json.loads(FACTS.read_text()) if FACTS.is_file() else {"releases": [], "packages": {}}
    if options.check:
        found = list(problems(known))
        print("\n".join(found) or "the recipes agree with pyproject.toml, constraints.txt and spack/pypi.json")
        if found:
            print("remedy: scripts/update-spack-recipes, or --offline if versions of other packages have not changed")
        return 1 if found else 0
    if options.release:
        added = release(options.release)
        known["releases"] = [added, *(r for r in known["releases"] if r["version"] != added["version"])]
    elif not options.offline:
        known["packages"] = {name: ask_pypi(name) for name in TABLE["packages"]}
    write(known)
    return 0


if __name__ == "__main__":
    sys.exit(main())
