"""The biophysics: NEURON mechanisms and cell templates of ours, and their compilation."""

from multiscale_run.mechanisms.library import MechanismLibrary, activate, mechanism_library, mod_folder

__all__ = ["MechanismLibrary", "activate", "mechanism_library", "mod_folder"]
