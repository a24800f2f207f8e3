"""The steps section: diffusion of ions in the extracellular space."""

from __future__ import annotations

from typing import Literal

from mpi_coupling.settings.schema import Section, key
from multiscale_run.config.schema.base import Ticks


class Species(Section):
    """An ion species in the extracellular space."""

    conc_0: float = key(..., "Initial concentration.", "mM", ge=0)
    diffcst: float = key(..., "Diffusion coefficient.", "m2/s", ge=0)
    ncharges: int = key(..., "Charge number, with its sign.", "elementary charges", ge=-4, le=4)


class VolumeSystem(Section):
    """The STEPS volume system."""

    name: str = key("extra_volsys", "Name of the volume system.")
    species: dict[str, Species] = key(dict, "Ion species by name, such as KK for potassium.")


class Steps(Section):
    """The extracellular space, simulated by STEPS."""

    ndts: Ticks = key(1000, "Period of the diffusion step.", "time steps of run.dt")
    solver: Literal["TetODE", "TetOpSplit", "Tetexact", "DistTetOpSplit"] = key(
        "TetODE", "STEPS solver: TetODE is deterministic, the others are stochastic."
    )
    conc_factor: float = key(
        1.0, "Factor on the number of molecules, to keep the counts of stochastic solvers small.", gt=0
    )
    extracellular_volume_fraction: float = key(
        1.0,
        "Fraction of the tissue volume that is extracellular; about 0.2 in cortex, 1 as in the original.",
        gt=0,
        le=1,
    )
    compname: str = key("extra", "Name of the compartment in the mesh.")
    Volsys: VolumeSystem = key(VolumeSystem, "Volume system and its species.")
