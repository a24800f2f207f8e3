"""The modules as a user of a cluster sees them, in Lmod and in Environment Modules, on a real installation.

One installation (scripts/install-prefix) is made for this file, which takes a minute or two, and is moved before it is
used. MULTISCALE_RUN_TREE names one that is there already.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from importlib.metadata import version
from pathlib import Path

import pytest

from multiscale_run.user_cache import user_cache_folder

ROOT = Path(__file__).resolve().parents[2]
INSTALL = ROOT / "scripts" / "install-prefix"
VERSION = version("multiscale-run")
INSTALLATION_TIMEOUT = 1200  # s
MODULECMD = user_cache_folder("environment-modules") / "usr/lib"
IMPLEMENTATIONS = {
    "lmod": ". /usr/share/lmod/lmod/init/bash",
    "environment-modules": 'module() { eval "$(tclsh "$MODULECMD" bash "$@")"; }',
}
VARIABLES = ("PATH", "NRNMECH_LIB_PATH", "HOC_LIBRARY_PATH", "PY_MULTISCALE_RUN_ROOT", "PY_TVB_NEST_ROOT", "PYTHONPATH")
KEPT = ("HOME", "LANG", "OMPI_ALLOW_RUN_AS_ROOT", "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM")

pytestmark = pytest.mark.timeout(INSTALLATION_TIMEOUT + 300)  # the first test waits for the installation

Shell = Callable[..., subprocess.CompletedProcess]


def clean_environment() -> dict[str, str]:
    """A user's environment after login, without the programs of the suite that is being tested."""
    # each folder once: Lmod takes repeated ones out
    folders = [part for part in dict.fromkeys(os.environ["PATH"].split(":")) if not part.startswith(sys.prefix)]
    kept = {name: value for name, value in os.environ.items() if name in KEPT or name.startswith(("PIP_", "SSL_"))}
    return {**kept, "PATH": ":".join(folders), "XDG_CACHE_HOME": str(Path.home() / ".cache")}


def install(*arguments: object, cwd: Path = ROOT, **variables: str) -> subprocess.CompletedProcess:
    """Runs scripts/install-prefix as an administrator would."""
    environment = (
        clean_environment() | {"OMPI_ALLOW_RUN_AS_ROOT": "1", "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM": "1"} | variables
    )
    return subprocess.run(
        [INSTALL, *map(str, arguments)],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=INSTALLATION_TIMEOUT,
        cwd=cwd,
    )


def have_steps() -> bool:
    return any((Path.home() / ".cache/multiscale-run/wheels").glob("*/steps-*.whl"))


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An installation that was moved after it was made."""
    if chosen := os.environ.get("MULTISCALE_RUN_TREE"):
        return Path(chosen)
    made = tmp_path_factory.mktemp("made") / "software"
    done = install(made, *([] if have_steps() else ["--without-steps"]))
    assert done.returncode == 0, done.stdout
    assert "py-multiscale-run, py-tvb-nest" in done.stdout
    return made.rename(tmp_path_factory.mktemp("moved") / "applications")


@pytest.fixture(params=IMPLEMENTATIONS)
def shell(request: pytest.FixtureRequest, tree: Path, tmp_path: Path) -> Shell:
    """Runs commands in a login shell that has `module` and knows of the tree; output and errors come together."""

    def run(commands: str, use: Path = tree / "modulefiles/core", **more: str) -> subprocess.CompletedProcess:
        found = [str(file) for file in MODULECMD.glob("*/modulecmd.tcl")]
        environment = clean_environment() | {"MODULECMD": found[0] if found else "", "TERM": "dumb"} | more
        script = f"{IMPLEMENTATIONS[request.param]}\nmodule use {use}\n{commands}"
        command = ["bash", "--norc", "--noprofile", "-c", script]
        pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "text": True}
        return subprocess.run(command, cwd=tmp_path, env=environment, timeout=300, **pipes)

    assert run("module --version").returncode == 0, "scripts/setup --with-modules installs both implementations"
    return run


@pytest.fixture
def copied_modulefiles(tree: Path, tmp_path: Path) -> Iterator[Path]:
    """The modulefiles in a place where no installation is beside them."""
    yield Path(shutil.copytree(tree / "modulefiles", tmp_path / "elsewhere/modulefiles"))


def test_the_readmes_line_loads_a_program_that_works(shell, tree):
    done = shell(
        "module load unstable py-multiscale-run || exit 9\n"
        "command -v multiscale-run; multiscale-run --version\n"
        "multiscale-run init --circuit tiny simulation && multiscale-run check simulation"
    )
    assert done.returncode == 0, done.stdout
    assert str(tree / "multiscale-run" / VERSION / "bin/multiscale-run") in done.stdout
    assert f"multiscale-run, version {VERSION}" in done.stdout
    assert "is ready to compute" in done.stdout


def test_tvb_nest_has_a_module_of_its_own(shell):
    done = shell(
        "module load unstable py-tvb-nest || exit 9\n"
        "tvb-nest --version && tvb-nest init --example two-regions brain && tvb-nest check brain"
    )
    assert done.returncode == 0, done.stdout
    assert f"tvb-nest, version {VERSION}" in done.stdout


def test_mechanisms_come_with_the_installation(shell, tree, tmp_path):
    done = shell(
        "module load unstable py-multiscale-run\n"
        "python -m multiscale_run.mechanisms.build && echo library=$NRNMECH_LIB_PATH hoc=$HOC_LIBRARY_PATH",
        MULTISCALE_RUN_CACHE=str(tmp_path / "cache"),
    )
    assert done.returncode == 0, done.stdout
    library = next((tree / "multiscale-run" / VERSION / "share/multiscale-run/mechanisms").glob("*/libnrnmech.so"))
    assert done.stdout.splitlines()[0] == str(library)
    assert f"library={library}" in done.stdout
    assert "mechanisms/hoc" in done.stdout and "neurodamus/data/hoc" in done.stdout
    assert not (tmp_path / "cache").exists()


def test_a_users_mod_files_still_win(shell, tmp_path):
    mods = tmp_path / "mod"
    mods.mkdir()
    (mods / "broken.mod").write_text("this is no mod file")
    code = "import multiscale_run.mechanisms as m, pathlib; m.mechanism_library(pathlib.Path('mod'))"
    done = shell(
        f'module load unstable py-multiscale-run; python -c "{code}"', MULTISCALE_RUN_CACHE=str(tmp_path / "cache")
    )
    assert done.returncode != 0 and "do not compile" in done.stdout and "broken.mod" in done.stdout


def test_a_users_own_library_stays(shell):
    done = shell(
        "module load unstable py-multiscale-run; echo loaded=$NRNMECH_LIB_PATH\n"
        "module unload py-multiscale-run; echo unloaded=$NRNMECH_LIB_PATH",
        NRNMECH_LIB_PATH="/home/me/libnrnmech.so",
    )
    assert "loaded=/home/me/libnrnmech.so" in done.stdout
    assert "unloaded=/home/me/libnrnmech.so" in done.stdout


def test_unloading_restores_everything(shell):
    show = "".join(f'echo "{name}=${{{name}-unset}}"\n' for name in VARIABLES)
    done = shell(
        f"echo A\n{show}module load unstable py-multiscale-run py-tvb-nest\necho B\n{show}"
        f"module unload py-tvb-nest py-multiscale-run unstable\necho C\n{show}",
        HOC_LIBRARY_PATH="/home/me/hoc",
    )
    before, loaded, after = (part.split("\n", 1)[1].split("\nB\n")[0].strip() for part in split_at(done.stdout, "ABC"))
    assert loaded != before
    assert after == before
    assert "NRNMECH_LIB_PATH=unset" in after and "HOC_LIBRARY_PATH=/home/me/hoc" in after


def split_at(text: str, marks: str) -> list[str]:
    """The parts of an output that begin with a line of one letter."""
    starts = [f"\n{text}".index(f"\n{mark}\n") for mark in marks]
    return [text[start:end] for start, end in zip(starts, [*starts[1:], len(text)], strict=True)]


def test_one_of_two_modules_can_go(shell):
    done = shell(
        "module load unstable py-multiscale-run py-tvb-nest; module unload py-multiscale-run\n"
        "command -v tvb-nest && echo root=${PY_MULTISCALE_RUN_ROOT-none} library=${NRNMECH_LIB_PATH-none}"
    )
    assert done.returncode == 0, done.stdout
    assert "root=none library=none" in done.stdout


def test_help_and_whatis(shell):
    done = shell("module load unstable; module help py-multiscale-run; module whatis py-tvb-nest; module help unstable")
    assert "multiscale-run init --circuit tiny my-simulation" in done.stdout
    assert f"Version: {VERSION}" in done.stdout
    assert "The Virtual Brain" in done.stdout
    assert "module load unstable py-multiscale-run" in done.stdout


def test_stable_says_that_nothing_is_released(shell, tree):
    if (tree / "modulefiles/stable").exists():
        done = shell("module load stable py-multiscale-run && multiscale-run --version")
        assert done.returncode == 0, done.stdout
    else:
        done = shell("module load stable")
        assert done.returncode != 0
        assert "nothing is installed in" in done.stdout and "module load unstable" in done.stdout


def test_stable_and_unstable_exclude_each_other(shell, tree, copied_modulefiles):
    (copied_modulefiles / "stable").mkdir(exist_ok=True)
    done = shell("module load unstable; module load stable", use=copied_modulefiles / "core")
    assert done.returncode != 0
    assert "unstable" in done.stdout and ("conflict" in done.stdout or "Cannot load module" in done.stdout)


def test_a_missing_installation_is_named(shell, copied_modulefiles, tmp_path):
    done = shell("module load unstable py-multiscale-run", use=copied_modulefiles / "core")
    assert done.returncode != 0
    flat = " ".join(done.stdout.split())
    assert f"there is no installation at {tmp_path}/elsewhere/multiscale-run/{VERSION}" in flat
    assert "run scripts/install-prefix again" in flat


def test_a_second_neuron_is_refused(shell, tmp_path):
    (tmp_path / "site/neuron").mkdir(parents=True)
    (tmp_path / "site/neuron/8.2").write_text("#%Module1.0\nsetenv THEIR_NEURON 1\n")
    done = shell(f"module use {tmp_path}/site; module load neuron/8.2; module load unstable py-multiscale-run")
    assert done.returncode != 0
    assert "neuron" in done.stdout and ("conflict" in done.stdout or "Cannot load module" in done.stdout)


def test_two_installations_are_not_mixed(shell):
    done = shell("module load unstable py-multiscale-run", PY_TVB_NEST_ROOT="/apps/other")
    assert done.returncode != 0
    flat = " ".join(done.stdout.split())
    assert "the loaded py-tvb-nest is of another installation, /apps/other; module unload py-tvb-nest first" in flat


def test_pythonhome_of_another_module_does_no_harm(shell):
    done = shell("module load unstable py-multiscale-run && multiscale-run --version", PYTHONHOME="/apps/python2")
    assert done.returncode == 0, done.stdout


def test_nothing_is_done_twice(tree):
    program = tree / "multiscale-run" / VERSION / "bin/multiscale-run"
    before = program.stat().st_mtime_ns
    done = install(tree, *([] if have_steps() else ["--without-steps"]))
    assert done.returncode == 0, done.stdout
    assert "pip" not in done.stdout and program.stat().st_mtime_ns == before


def test_a_failed_installation_leaves_the_old_one(tree):
    program = tree / "multiscale-run" / VERSION / "bin/multiscale-run"
    before = program.stat().st_mtime_ns
    done = install(tree, "--force", "--without-steps", PIP_NO_INDEX="1", PIP_FIND_LINKS="")
    assert done.returncode == 1 and "No matching distribution" in done.stdout, done.stdout
    assert program.stat().st_mtime_ns == before
    assert {file.name for file in (tree / "multiscale-run").iterdir()} == {VERSION, ".lock"}


def write_modulefiles(tree: Path, *options: object) -> None:
    """Writes modulefiles for an installation once more, as an administrator may."""
    target = tree / "multiscale-run" / VERSION
    command = [target / "bin/python", ROOT / "scripts/install_modulefiles.py", *map(str, options)]
    done = subprocess.run(command, env=clean_environment(), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    assert done.returncode == 0, done.stdout


@pytest.fixture
def site_mpi(tmp_path: Path) -> Path:
    """A folder with a module of the site."""
    folder = tmp_path / "site"
    (folder / "site-mpi").mkdir(parents=True)
    (folder / "site-mpi/4.1").write_text("#%Module1.0\nsetenv SITE_MPI 4.1\n")
    return folder


def test_the_newest_version_is_the_default(shell, tree, tmp_path):
    target, place = tree / "multiscale-run" / VERSION, tmp_path / "place"
    folder = place / "unstable/py-tvb-nest"
    folder.mkdir(parents=True)
    for other in ("99.9", "99.10", "0.10"):
        (folder / other).write_text(f"#%Module1.0\nsetenv SUITE {other}\n")
    write_modulefiles(tree, tree, target, "--modulefiles", place)
    assert (folder / VERSION).is_file()
    done = shell("module load unstable py-tvb-nest; echo suite=$SUITE", use=place / "core")
    assert "suite=99.10" in done.stdout, done.stdout


def test_modulefiles_in_a_place_of_the_sites_own(shell, tree, site_mpi, tmp_path):
    place, target = tmp_path / "site-modulefiles", tree / "multiscale-run" / VERSION
    write_modulefiles(tree, tree, target, "--modulefiles", place, "--load", "site-mpi/4.1")
    done = shell(
        f"module use {site_mpi}; module load unstable py-multiscale-run && multiscale-run --version\n"
        "echo mpi=$SITE_MPI; module unload py-multiscale-run; echo afterwards=${SITE_MPI-none}",
        use=place / "core",
    )
    assert f"multiscale-run, version {VERSION}" in done.stdout, done.stdout
    assert "mpi=4.1" in done.stdout and "afterwards=none" in done.stdout


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([], "name the folder to install into"),
        (["--without-wings", "x"], "unknown option --without-wings"),
        (["x", "y"], "one folder only"),
        (["x", "--python"], "--python needs a value"),
        (["x", "--load"], "--load needs a value"),
        (["x", "--modulefiles", ""], "--modulefiles needs a value"),
        (["/proc/multiscale-run"], "cannot write in /proc/multiscale-run"),
    ],
)
def test_wrong_use_of_the_installer(arguments, said, tmp_path):
    done = install(*arguments, cwd=tmp_path)
    assert done.returncode == 2 and said in done.stdout, done.stdout
    assert not list(tmp_path.iterdir())


def test_a_foreign_folder_is_left_alone(tmp_path):
    (tmp_path / "thesis.tex").write_text("years of work")
    done = install(tmp_path)
    assert done.returncode == 2
    assert "has other files in it and was not made by scripts/install-prefix" in done.stdout
    assert [file.name for file in tmp_path.iterdir()] == ["thesis.tex"]


def test_a_file_is_no_folder(tmp_path):
    (tmp_path / "file").touch()
    done = install(tmp_path / "file")
    assert done.returncode == 2 and "is a file; name a folder" in done.stdout


def test_an_old_python_is_refused(tmp_path):
    old = tmp_path / "python3.9"
    old.write_text('#!/bin/sh\n[ "$1" = --version ] && echo Python 3.9.2\nexit 1\n')
    old.chmod(0o755)
    done = install(tmp_path / "tree", "--python", old)
    assert done.returncode != 0
    assert "Python 3.11 or newer is needed" in done.stdout and "Python 3.9.2" in done.stdout
    assert not (tmp_path / "tree").exists()
