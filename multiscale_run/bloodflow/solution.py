"""What a flow solver is, what it returns, and which there are."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np

from multiscale_run.bloodflow.boundary import Boundary
from multiscale_run.bloodflow.graph import VesselGraph
from multiscale_run.config.schema.bloodflow import Bloodflow


@dataclass(frozen=True)
class FlowSolution:
    """Flow and pressure for one set of radii.

    Attributes:
        flow: of each segment, positive from its start to its end, 0 outside the main piece, um3/s, shape (segments,).
        pressure: at each point, NaN outside the main piece, g/(um s2), shape (points,).
    """

    flow: np.ndarray
    pressure: np.ndarray


class FlowSolver(Protocol):
    """Solves the network of resistors that the vessels are."""

    def solve(self, radii: np.ndarray) -> FlowSolution:
        """Flow and pressure for radii in um, shape (segments,)."""
        ...


def make_solver(graph: VesselGraph, boundary: Boundary, settings: Bloodflow) -> FlowSolver:
    """The solver that a configuration asks for; its libraries are imported here and not before.

    Args:
        graph: the vessels.
        boundary: flows into and out of the network.
        settings: ``bloodflow`` section of the configuration.

    Raises:
        UserError: the solver cannot be used on this machine.
    """
    if settings.solver == "astrovascpy":
        from multiscale_run.bloodflow.astrovascpy import AstroVascPySolver

        return AstroVascPySolver(graph, boundary, settings.blood_viscosity, settings.base_pressure)
    from multiscale_run.bloodflow.solver import GroundedSolver, PerfusionSolver

    of_flows = GroundedSolver(graph, boundary, settings.blood_viscosity, settings.base_pressure)
    if settings.boundary == "flows":
        return of_flows
    at_rest = of_flows.solve(graph.radii)
    return PerfusionSolver(graph, boundary, settings.blood_viscosity, at_rest.pressure)
