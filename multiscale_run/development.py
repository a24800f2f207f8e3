"""Environments for work on the suite: its source editable, everything else from the installation that makes them.

Nothing is downloaded, as in a virtual environment with `--system-site-packages`, but the packages are those of the
running program: of a virtual environment, a module's prefix or a Spack environment, wherever PYTHONPATH pointed then.
"""

from __future__ import annotations

import importlib.metadata
import importlib.util
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import sysconfig
import tomllib
import venv
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from mpi_coupling.world import UserError

NAME = "multiscale-run"
PACKAGES = ("mpi_coupling", "multiscale_run", "tvb_nest")
PATH_FILE = "multiscale_run_development.pth"
_LONGEST_SHEBANG = 120  # characters; the kernel's limit is 127 with the rest of the line

_DEACTIVATE = """deactivate () {
    if [ -n "${_MULTISCALE_RUN_ACTIVE:-}" ] ; then
        unset NRNMECH_LIB_PATH HOC_LIBRARY_PATH _MULTISCALE_RUN_ACTIVE
        [ -z "${_OLD_NRNMECH_LIB_PATH:-}" ] || export NRNMECH_LIB_PATH="$_OLD_NRNMECH_LIB_PATH"
        [ -z "${_OLD_HOC_LIBRARY_PATH:-}" ] || export HOC_LIBRARY_PATH="$_OLD_HOC_LIBRARY_PATH"
        unset _OLD_NRNMECH_LIB_PATH _OLD_HOC_LIBRARY_PATH
    fi
"""
_ACTIVATE = """
# Mechanisms and hoc files of the source, for plain NEURON and neurodamus; multiscale-run finds them by itself.
_OLD_NRNMECH_LIB_PATH="${NRNMECH_LIB_PATH:-}"
_OLD_HOC_LIBRARY_PATH="${HOC_LIBRARY_PATH:-}"
_MULTISCALE_RUN_ACTIVE=1
unset NRNMECH_LIB_PATH HOC_LIBRARY_PATH
eval "$("$VIRTUAL_ENV/bin/python" -P -m multiscale_run.mechanisms.build --export)"
"""
_SCRIPT = """{shebang}
import sys
from {module} import {function}

sys.exit({call}())
"""


@dataclass(frozen=True)
class Project:
    """What an environment must know of the suite's source.

    Attributes:
        source: the folder with the packages.
        version: of the suite.
        programs: name -> "module:function".
    """

    source: Path
    version: str
    programs: dict[str, str]


def make_environment(folder: Path, source: Path | None = None) -> Project:
    """Makes a virtual environment in which the suite's source is edited.

    Args:
        folder: must not exist.
        source: a checkout of the suite. By default the present folder if it is one, or the one that the running program
            comes from; where there is none, the installed source is copied to `src` in the environment.

    Raises:
        UserError: the folder exists, or the source is no checkout; nothing is written then.
    """
    if folder.exists() or folder.is_symlink():
        raise UserError(f"{folder} exists and is left as it is; name another folder, or remove it first")
    checkout = _checkout(source)
    packages = _package_folders(checkout)
    folder = folder.absolute()
    try:
        venv.EnvBuilder(symlinks=True, with_pip=importlib.util.find_spec("pip") is None).create(folder)
        project = _read_project(checkout) if checkout else _copy_installed(folder / "src")
        _fill(folder, project, packages)
    except BaseException as error:
        shutil.rmtree(folder, ignore_errors=True)
        if isinstance(error, ValueError):  # what venv says of a folder with ':' in its name
            raise UserError(f"{folder}: {error}") from error
        raise
    return project


def build_mechanisms(folder: Path) -> str:
    """Has the mechanisms of the source compiled by the new environment; returns why that failed, if it did."""
    command = [str(folder / "bin" / "python"), "-P", "-m", "multiscale_run.mechanisms.build"]
    done = subprocess.run(command, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True, check=False)
    return "" if done.returncode == 0 else done.stderr.strip()


def next_steps(folder: Path) -> list[str]:
    """Commands to type in a new shell, in order; modules and the Spack environment come first, where there are any."""
    modules = [name for name in os.environ.get("LOADEDMODULES", "").split(":") if name]
    spack = os.environ.get("SPACK_ENV")
    return [
        *([f"module load {shlex.join(modules)}"] if modules else []),
        *([f"spack env activate {shlex.quote(spack)}"] if spack else []),
        f"source {shlex.quote(str(folder.absolute() / 'bin' / 'activate'))}",
        "multiscale-run --version",
    ]


def _checkout(chosen: Path | None) -> Path | None:
    if chosen is not None:
        if not _is_checkout(chosen):
            raise UserError(f"--source {chosen}: no checkout of {NAME}, its pyproject.toml is missing or another's")
        return chosen.resolve()
    candidates = (Path.cwd(), _installed_source())
    return next((place.resolve() for place in candidates if _is_checkout(place)), None)


def _is_checkout(folder: Path) -> bool:
    try:
        settings = tomllib.loads((folder / "pyproject.toml").read_text())
    except (OSError, tomllib.TOMLDecodeError):
        return False
    return settings.get("project", {}).get("name") == NAME


def _installed_source() -> Path:
    return Path(__file__).resolve().parents[1]


def _read_project(checkout: Path) -> Project:
    settings = tomllib.loads((checkout / "pyproject.toml").read_text())["project"]
    return Project(checkout, settings["version"], settings["scripts"])


def _copy_installed(target: Path) -> Project:
    for package in PACKAGES:
        shutil.copytree(_installed_source() / package, target / package, ignore=shutil.ignore_patterns("__pycache__"))
    distribution = importlib.metadata.distribution(NAME)
    programs = {entry.name: entry.value for entry in distribution.entry_points if entry.group == "console_scripts"}
    return Project(target, distribution.version, programs)


def _package_folders(checkout: Path | None) -> list[str]:
    """Where this interpreter finds packages, without the standard library, the source and this program's folder."""
    own = {sysconfig.get_path("stdlib"), sysconfig.get_path("platstdlib"), str(checkout), str(Path(sys.argv[0]).parent)}
    folders = [Path(entry).absolute() for entry in sys.path if entry and Path(entry).is_dir()]
    return [str(each) for each in dict.fromkeys(folders) if str(each) not in own and each.name != "lib-dynload"]


def _fill(folder: Path, project: Project, packages: Iterable[str]) -> None:
    site_packages = Path(sysconfig.get_path("purelib", "venv", {"base": str(folder), "platbase": str(folder)}))
    lines = [
        f"import site; list(map(site.addsitedir, {list(packages)!r}))",
        # before PYTHONPATH, where a module or Spack may have put another copy of the suite
        f"import sys; sys.path.insert(0, {str(project.source)!r})",
    ]
    (site_packages / PATH_FILE).write_text("\n".join(lines) + "\n")
    _describe(site_packages / f"{NAME.replace('-', '_')}-{project.version}.dist-info", project)
    _add_programs(folder / "bin", project)
    shared = Path(sys.prefix) / "share" / NAME
    if shared.is_dir():  # mechanisms that an installation for many users brings compiled
        (folder / "share").mkdir(exist_ok=True)
        (folder / "share" / NAME).symlink_to(shared)
    activate = folder / "bin" / "activate"
    activate.write_text(activate.read_text().replace("deactivate () {\n", _DEACTIVATE, 1) + _ACTIVATE)


def _describe(folder: Path, project: Project) -> None:
    """What pip and importlib.metadata read: an editable installation of the source."""
    folder.mkdir()
    (folder / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {NAME}\nVersion: {project.version}\n")
    (folder / "INSTALLER").write_text(f"{NAME} virtualenv\n")
    programs = [f"{name} = {target}" for name, target in project.programs.items()]
    (folder / "entry_points.txt").write_text("\n".join(["[console_scripts]", *programs, ""]))
    url = {"url": project.source.as_uri(), "dir_info": {"editable": True}}
    (folder / "direct_url.json").write_text(json.dumps(url))
    names = [*(f"{folder.name}/{file.name},," for file in sorted(folder.iterdir())), f"{folder.name}/RECORD,,"]
    (folder / "RECORD").write_text("\n".join([*names, f"{PATH_FILE},,", ""]))


def _add_programs(bin_folder: Path, project: Project) -> None:
    """Programs of all packages, run by the new environment's Python, so that pytest, say, tests the edited source."""
    for name, target in project.programs.items():
        _write_program(bin_folder, name, target)
    beside = Path(sys.executable).parent
    for distribution in importlib.metadata.distributions():
        for entry in distribution.entry_points:
            if entry.group == "console_scripts":
                _write_program(bin_folder, entry.name, entry.value)
        for name in re.findall(r"^(?:\.\./)+bin/([^/,]+),", distribution.read_text("RECORD") or "", re.M):
            if not (bin_folder / name).exists() and (beside / name).is_file():
                (bin_folder / name).symlink_to(beside / name)


def _write_program(bin_folder: Path, name: str, target: str) -> None:
    file = bin_folder / name
    if file.exists():
        return
    module, _, function = target.partition("[")[0].strip().partition(":")
    python = str(bin_folder / "python")
    shebang = f"#!{python}"
    if len(shebang) > _LONGEST_SHEBANG or " " in python:
        shebang = f"#!/bin/sh\n'''exec' {shlex.quote(python)} \"$0\" \"$@\"\n' '''"
    first = function.partition(".")[0]
    file.write_text(_SCRIPT.format(shebang=shebang, module=module, function=first, call=function))
    file.chmod(0o755)
