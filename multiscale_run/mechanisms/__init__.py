"""The biophysics: NEURON mechanisms and cell templates of ours, and their compilation."""

from multiscale_run.mechanisms.editing import copy_mod_files, mod_warnings, patch_slurm_script, rebuild
from multiscale_run.mechanisms.library import MechanismLibrary, activate, mechanism_library, mod_folder

__all__ = [
    "MechanismLibrary",
    "activate",
    "copy_mod_files",
    "mechanism_library",
    "mod_folder",
    "mod_warnings",
    "patch_slurm_script",
    "rebuild",
]
