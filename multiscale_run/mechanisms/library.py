"""Finds the compiled NEURON mechanisms: the user's own, or ours, compiled once per content into the user's cache.

An installation for many users (scripts/install-prefix) brings ours compiled.
"""

import hashlib
import logging
import os
import platform
import shutil
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path

from mpi_coupling.locks import lock
from mpi_coupling.world import UserError, World
from multiscale_run.mechanisms.compiler import INCLUDE_FLAGS, run_nrnivmodl
from multiscale_run.user_cache import user_cache_folder

log = logging.getLogger(__name__)

LOCK_PATIENCE = 600.0  # s

LIBRARY_NAME = "libnrnmech.so"

_FOLDER = Path(__file__).parent


@dataclass(frozen=True)
class MechanismLibrary:
    """Compiled mechanisms and the hoc templates that use them.

    Attributes:
        library_path: the libnrnmech to load; of the user's NRNMECH_LIB_PATH it may be several, joined by ':'.
        hoc_path: the folder with our hoc templates.
    """

    library_path: Path
    hoc_path: Path


def mod_folder(simulation_folder: Path) -> Path | None:
    """The user's own mod files: the folder `mod` of the simulation, if there is one."""
    folder = simulation_folder / "mod"
    return folder if folder.is_dir() else None


def mechanism_library(mod_dir: Path | None = None, *, world: World | None = None) -> MechanismLibrary:
    """Finds the compiled mechanisms, or compiles them. Collective over `world`, whose root compiles, when it is given.

    Args:
        mod_dir: mod files of the user; they replace ours and neurodamus' of the same name, or add to them.
        world: the ranks of the run.

    Returns:
        The user's library where NRNMECH_LIB_PATH names one, else ours.

    Raises:
        UserError: the files do not compile, tools are missing, or the cache folder is not writable.
    """
    hoc_path = _FOLDER / "hoc"
    theirs = library_of_the_user()
    if theirs is not None:
        return MechanismLibrary(theirs, hoc_path)
    library = world.on_root(lambda: build(mod_dir)) if world else build(mod_dir)
    if not library.is_file():  # the root's cache is on another node's disk
        library = build(mod_dir)
    return MechanismLibrary(library, hoc_path)


def library_of_the_user() -> Path | None:
    """What the user's NRNMECH_LIB_PATH names, one file or several joined by ':'; None if it is unset or names ours."""
    chosen = os.environ.get("NRNMECH_LIB_PATH")
    ours = (cache_folder(), installed_folder())
    return Path(chosen) if chosen and not any(map(Path(chosen).is_relative_to, ours)) else None


def activate(library: MechanismLibrary) -> None:
    """Makes neurodamus find the mechanisms and hoc files. To be called before NEURON is imported.

    Raises:
        UserError: the current folder holds compiled mechanisms, which NEURON would load in place of these.
    """
    stray = Path.cwd() / platform.machine()
    if "neuron" not in sys.modules and any(stray.glob("*nrnmech.*")):
        raise UserError(
            f"{stray} holds compiled mechanisms that NEURON would load in place of {library.library_path}; "
            "remove that folder, or run from another one"
        )
    os.environ["NRNMECH_LIB_PATH"] = str(library.library_path)
    wanted = hoc_folders(library.hoc_path)
    present = [folder for folder in os.environ.get("HOC_LIBRARY_PATH", "").split(":") if folder]
    os.environ["HOC_LIBRARY_PATH"] = ":".join([*present, *(folder for folder in wanted if folder not in present)])


def hoc_folders(ours: Path = _FOLDER / "hoc") -> list[str]:
    """Where neurodamus has to look for hoc files: our cell templates and its own files."""
    return [str(ours), str(_neurodamus_data() / "hoc")]


def is_built(mod_dir: Path | None = None) -> bool:
    """Whether the mechanisms are compiled as their files are now."""
    return _library_file(sources(mod_dir)).is_file()


def build(mod_dir: Path | None = None) -> Path:
    """Compiles the mechanisms if need be, whatever NRNMECH_LIB_PATH says; see `mechanism_library`."""
    files = sources(mod_dir)
    library = _library_file(files)
    if library.is_file():
        return library
    entry = library.parent
    try:
        entry.parent.mkdir(parents=True, exist_ok=True)
        with _locked(entry.with_suffix(".lock")):
            if not library.is_file():
                _compile_into(entry, files)
    except OSError as error:
        raise UserError(
            f"{entry.parent}: cannot keep the compiled mechanisms there ({error.strerror}); "
            "set MULTISCALE_RUN_CACHE to a folder that you can write to"
        ) from error
    return library


def _library_file(files: dict[str, Path]) -> Path:
    """The installation's library if it was made of these files, else their place in the user's cache."""
    installed = installed_folder() / fingerprint(files, compiler="") / LIBRARY_NAME
    return installed if installed.is_file() else cache_folder() / fingerprint(files) / LIBRARY_NAME


def cache_folder() -> Path:
    """Where compiled mechanisms are kept."""
    return user_cache_folder("mechanisms")


def installed_folder() -> Path:
    """Where scripts/install-prefix puts compiled mechanisms: beside the Python that runs; read only."""
    return Path(sys.prefix) / "share" / "multiscale-run" / "mechanisms"


def _neurodamus_data() -> Path:
    found = find_spec("neurodamus")
    if found is None or found.origin is None:
        raise UserError("neurodamus is not installed; install it with `pip install multiscale-run[neurons]`")
    return Path(found.origin).parent / "data"


def sources(mod_dir: Path | None = None) -> dict[str, Path]:
    """File name -> file of everything that is compiled: neurodamus' mechanisms, ours, the user's; the later win.

    Raises:
        UserError: `mod_dir` does not exist.
    """
    folders = [_neurodamus_data() / "mod", _FOLDER / "mod"]
    if mod_dir is not None:
        if not mod_dir.is_dir():
            raise UserError(f"{mod_dir}: no such folder of mod files")
        folders.append(mod_dir)
    files = {file.name: file for folder in folders for file in folder.iterdir() if file.suffix in {".mod", ".inc"}}
    return dict(sorted(files.items()))


def fingerprint(files: dict[str, Path], compiler: str | None = None) -> str:
    """Name of the cache entry of these sources: it changes with their content, the simulators, machine and compiler.

    Args:
        files: file name -> file.
        compiler: that of the environment variable CXX if None; "" is the machine's default.
    """
    if compiler is None:
        compiler = os.environ.get("CXX", "")
    digest = hashlib.sha256()
    about = [version("neuron"), version("neurodamus"), platform.system(), platform.machine(), INCLUDE_FLAGS]
    for text in [*about, compiler]:
        digest.update(text.encode() + b"\0")
    for name, file in files.items():
        content = file.read_bytes()
        digest.update(f"{name}\0{len(content)}\0".encode() + content)
    return digest.hexdigest()[:24]


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    """Lets one process at a time compile an entry; the others wait and then find it finished.

    On a file system without locks compiling twice is the price.
    """
    with path.open("w") as file:
        if not lock(file, LOCK_PATIENCE):
            raise UserError(f"{path}: locked for {LOCK_PATIENCE:g} s by a process that compiles; end it")
        yield


def _compile_into(entry: Path, files: dict[str, Path]) -> None:
    """Compiles in a folder beside the entry and renames it when complete, so that no one sees half of it."""
    with tempfile.TemporaryDirectory(prefix=".building-", dir=entry.parent) as scratch:
        mod, finished = Path(scratch) / "mod", Path(scratch) / "finished"
        mod.mkdir()
        finished.mkdir()
        for name, file in files.items():
            shutil.copyfile(file, mod / name)
        count = sum(name.endswith(".mod") for name in files)
        log.info("compiling %d NEURON mechanisms, once; this takes about half a minute", count)
        run_nrnivmodl(Path(scratch), files)
        library = next(Path(scratch, platform.machine()).glob("libnrnmech.*"))
        shutil.copyfile(library, finished / LIBRARY_NAME)
        try:
            finished.rename(entry)
        except OSError:
            if not (entry / LIBRARY_NAME).is_file():  # else another process was faster, on a disk without locks
                raise
