"""Our flow solver: chains collapsed, known pressures taken out, one factorisation pattern for the whole run."""

from __future__ import annotations

import numpy as np

from multiscale_run.bloodflow.boundary import Boundary
from multiscale_run.bloodflow.chains import find_chains
from multiscale_run.bloodflow.factorisation import Factorisation
from multiscale_run.bloodflow.graph import VesselGraph
from multiscale_run.bloodflow.resistance import resistance
from multiscale_run.bloodflow.solution import FlowSolution


class GroundedSolver:
    """Pressures and flows for given flows at the boundary.

    Kirchhoff's law at every point, sum of flows = 0, with flow = pressure difference / resistance, is a graph
    Laplacian. It determines pressures up to a constant: one outlet is grounded, which leaves a symmetric positive
    definite matrix, and the result shifted so that the lowest loose end has the base pressure.

    Args:
        graph: the vessels.
        boundary: flows into and out of the network.
        viscosity: of the plasma, g/(um s).
        base_pressure: of the loose end with the lowest pressure, g/(um s2).
    """

    def __init__(self, graph: VesselGraph, boundary: Boundary, viscosity: float, base_pressure: float) -> None:
        self._network = ResistorNetwork(graph, boundary.outlets[:1], viscosity)
        self._inflow, self._loose_ends, self._base_pressure = boundary.flow, graph.loose_ends, base_pressure

    def solve(self, radii: np.ndarray) -> FlowSolution:
        """Flow and pressure for radii in um, shape (segments,)."""
        solution = self._network.solve(radii, self._inflow, np.zeros(1))
        shift = self._base_pressure - solution.pressure[self._loose_ends].min()
        return FlowSolution(solution.flow, solution.pressure + shift)


class PerfusionSolver:
    """Pressures and flows for given pressures at the boundary.

    The circulation keeps the pressure of inlets and outlets, as it does when a small part of it dilates: flow then
    rises with the radii, where :class:`GroundedSolver` can only shift it between vessels.

    Args:
        graph: the vessels.
        boundary: inlets and outlets.
        viscosity: of the plasma, g/(um s).
        pressure: at every point; that of inlets and outlets is kept, g/(um s2), shape (points,).
    """

    def __init__(self, graph: VesselGraph, boundary: Boundary, viscosity: float, pressure: np.ndarray) -> None:
        held = np.concatenate([boundary.inlets, boundary.outlets])
        self._network = ResistorNetwork(graph, held, viscosity)
        self._inflow, self._pressure = np.zeros(graph.n_points), pressure[held]

    def solve(self, radii: np.ndarray) -> FlowSolution:
        """Flow and pressure for radii in um, shape (segments,)."""
        return self._network.solve(radii, self._inflow, self._pressure)


class ResistorNetwork:
    """The vessels as resistors. Points inside unbranched chains are no unknowns: resistances in series add.

    Args:
        graph: the vessels.
        held: points whose pressure is given: at least one, loose ends of the main piece.
        viscosity: of the plasma, g/(um s).
    """

    def __init__(self, graph: VesselGraph, held: np.ndarray, viscosity: float) -> None:
        self._graph, self._held, self._viscosity = graph, held, viscosity
        is_kept = graph.is_main & (graph.degree != 2)
        self._chains = find_chains(graph.ends, is_kept)
        is_kept[held] = False
        self._unknown = np.flatnonzero(is_kept)
        index = np.full(graph.n_points, -1)
        index[self._unknown] = np.arange(len(self._unknown))
        self._first, self._second = index[self._chains.ends].T
        self._factorisation = Factorisation(self._first, self._second, len(self._unknown))

    def solve(self, radii: np.ndarray, inflow: np.ndarray, held_pressure: np.ndarray) -> FlowSolution:
        """Flow and pressure.

        Args:
            radii: um, shape (segments,).
            inflow: into the network at every point; ignored at held ones, um3/s, shape (points,).
            held_pressure: at the held points, g/(um s2).
        """
        chains, graph = self._chains, self._graph
        resistances = resistance(graph.lengths, radii, self._viscosity)
        conductance = 1 / chains.series(resistances)
        pressure = np.where(graph.is_main, 0.0, np.nan)
        pressure[self._held] = held_pressure
        self._factorisation.factor(conductance)
        pressure[self._unknown] = self._factorisation.solve(
            inflow[self._unknown] + self._from_held(conductance, pressure)
        )
        flow = conductance * -np.diff(pressure[chains.ends])[:, 0]
        chains.fill_pressure(pressure, flow, resistances)
        return FlowSolution(chains.spread(flow, graph.n_segments), pressure)

    def _from_held(self, conductance: np.ndarray, pressure: np.ndarray) -> np.ndarray:
        """What held points would drive into each unknown one if that had no pressure, shape (unknowns,)."""
        driven = np.zeros(len(self._unknown))
        for here, there, far in ((self._first, self._second, 1), (self._second, self._first, 0)):
            from_held = (here >= 0) & (there < 0)
            source = conductance[from_held] * pressure[self._chains.ends[from_held, far]]
            driven += np.bincount(here[from_held], weights=source, minlength=len(driven))
        return driven
