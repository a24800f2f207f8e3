"""Mod files of one's own: copied into a simulation for editing, and whether what is compiled still agrees with them."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

from mpi_coupling.atomic import writing
from mpi_coupling.world import UserError
from multiscale_run.mechanisms.library import build, is_built, library_of_the_user, mod_folder, sources

OWN_MECHANISMS = "unset NRNMECH_LIB_PATH  # use the folder mod of this simulation\n"
_PROGRAM = "multiscale-run compute"


def copy_mod_files(simulation_folder: Path) -> Path:
    """Copies the mod files in use, neurodamus' and ours, into the folder `mod` of a simulation, and has them compiled.

    Returns:
        The new folder.

    Raises:
        UserError: there is a folder `mod` already, no simulation, no compiler, or no right to write there; nothing is
            written then.
    """
    target = simulation_folder / "mod"
    if not (simulation_folder / "simulation_config.json").is_file():
        raise UserError(
            f"{simulation_folder}: no simulation here, there is no simulation_config.json; "
            f"make one with multiscale-run init {simulation_folder}"
        )
    if target.exists() or target.is_symlink():
        raise UserError(
            f"{target} exists and is left as it is; edit the files there and use --rebuild, or remove it first"
        )
    build()  # the copies are the same: a compiler that fails does so before anything is written
    remedy = f"make {simulation_folder} writable, or work on a copy of the simulation"
    with writing(target, remedy), tempfile.TemporaryDirectory(dir=simulation_folder, prefix=".mod-") as staging:
        copies = Path(staging) / "mod"
        copies.mkdir()
        for name, file in sources().items():
            shutil.copyfile(file, copies / name)
        copies.rename(target)
    return target


def rebuild(simulation_folder: Path) -> Path:
    """Compiles the folder `mod` of a simulation if it changed; returns the library.

    Raises:
        UserError: there is no such folder, or the files do not compile.
    """
    folder = mod_folder(simulation_folder)
    if folder is None:
        raise UserError(
            f"{simulation_folder / 'mod'}: no such folder; "
            f"make it with multiscale-run edit-mod-files {simulation_folder}"
        )
    return build(folder)


def mod_warnings(simulation_folder: Path) -> list[str]:
    """What a user who edits the folder `mod` of a simulation should know before a run; empty without that folder."""
    folder = mod_folder(simulation_folder)
    if folder is None:
        return []
    other = library_of_the_user()
    if other is not None:
        return [f"{folder} is not in use, because NRNMECH_LIB_PATH names {other}; unset NRNMECH_LIB_PATH to use it"]
    if not is_built(folder):
        return [
            f"{folder} is newer than its build, so it is built now, in about half a minute; "
            f"to build and look for errors beforehand: multiscale-run edit-mod-files --rebuild {simulation_folder}"
        ]
    return []


def patch_slurm_script(simulation_folder: Path) -> bool:
    """Keeps an NRNMECH_LIB_PATH, of a module or of the script itself, from replacing `mod` in jobs.

    Returns:
        Whether the script had to be changed.
    """
    script = simulation_folder / "simulation.sbatch"
    if not script.is_file():
        return False
    lines = script.read_text().splitlines(keepends=True)
    if OWN_MECHANISMS in lines or (library_of_the_user() is None and "NRNMECH_LIB_PATH" not in "".join(lines)):
        return False
    start = next((i for i, line in enumerate(lines) if _PROGRAM in line and not line.lstrip().startswith("#")), None)
    if start is None:
        return False
    script.write_text("".join([*lines[:start], OWN_MECHANISMS, *lines[start:]]))
    return True
