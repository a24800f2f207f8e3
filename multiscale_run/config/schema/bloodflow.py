"""The bloodflow section: quasi-static flow through the vasculature."""

from __future__ import annotations

from typing import Literal

from mpi_coupling.settings.schema import Section, key
from multiscale_run.config.schema.base import Ticks


class Bloodflow(Section):
    """Blood flow through the vessels of the circuit."""

    ndts: Ticks = key(4000, "Period of the flow solve.", "time steps of run.dt")
    solver: Literal["grounded", "astrovascpy"] = key(
        "grounded", "Pressure solve: our grounded factorisation, or AstroVascPy's own."
    )
    boundary: Literal["flows", "pressures"] = key(
        "flows",
        "What the rest of the circulation holds at inlets and outlets while vessels dilate: their flows, as the "
        "original, or their pressures at rest, so that flow rises with the radii (grounded solver only).",
    )
    blood_viscosity: float = key(1.2e-6, "Viscosity of the plasma.", "g/(um s)", gt=0, lt=1)
    base_pressure: float = key(1.33e-3, "Pressure at the outlet with the lowest pressure.", "g/(um s2)", ge=0)
    input_v: float = key(3.5e4, "Flow into each inlet.", "um3/s", gt=0)
    max_nb_inputs: int = key(3, "Largest number of inlets.", ge=1)
    depth_ratio: float = key(0.05, "Part of the depth, from the surface, in which inlets are looked for.", ge=0, le=1)
    vasc_axis: Literal[0, 1, 2] = key(1, "Axis of the depth: 0, 1 or 2 for x, y or z.")
