"""Blood flow through the vessels of the circuit, quasi-static: it follows the radii at once."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import ClassVar

import libsonata
import numpy as np

from mpi_coupling.clock import Clock
from mpi_coupling.console import get_logger
from mpi_coupling.world import UserError, World
from multiscale_run.bloodflow import (
    Boundary,
    FlowSolution,
    VesselGraph,
    find_boundary,
    make_solver,
    read_vasculature,
    vasculature_populations,
)
from multiscale_run.config import SimulationConfig
from multiscale_run.coupling import VESSELS, Domain, readable, writable
from multiscale_run.simulators.base import Simulator

log = get_logger(__name__)

NO_FLOW = 1e-9
"""Part of an inlet's flow below which a vessel counts as one without flow: what rounding leaves."""


Segments = list[int] | None
"""SONATA ids of the vessel segments that a report asks for; None: all."""


class BloodflowSimulator(Simulator):
    """Flow, pressure and volume of every vessel segment for the radii that the endfeet set.

    Rank 0 solves and the others get its result, so that all have the same bits. Readable fields take the SONATA ids of
    the segments that a report wants; connections want all.

    Args:
        config: the simulation's configuration.
        world: the ranks.
        clock: ticks and milliseconds; flow has no time of its own.

    Attributes:
        population: SONATA name of the vasculature.
        graph: the vessels.
        boundary: inlets and outlets.
        radii: present radii in um, shape (vessel segments,).
        rest: the solution for the radii of the circuit's files.

    Raises:
        UserError: the circuit has no vasculature that blood can flow through.
    """

    name: ClassVar[str] = "bloodflow"

    def __init__(self, config: SimulationConfig, world: World, clock: Clock) -> None:
        super().__init__(config.periods()[self.name])
        self._world = world
        self.population, self.graph, self.boundary = world.on_root(lambda: _read(config))
        world.on_root(lambda: self._build_solver(config))
        self._inlet_flow = config.multiscale_run.bloodflow.input_v
        self.radii = self.graph.radii.copy()
        self.rest = self._solution = self._solve()

    def advance(self, tick: int) -> None:
        """Solve for the present radii."""
        self._solution = self._solve()

    def domains(self) -> Mapping[str, Domain]:
        """The vessel segments."""
        return {VESSELS: Domain(VESSELS, np.arange(self.graph.n_segments), distributed=False)}

    @readable(VESSELS, "um3/s")
    def get_flows(self, *, idxs: Segments = None) -> np.ndarray:
        """Flow, positive from a segment's start to its end, um3/s; 0 outside the largest connected piece."""
        return _chosen(self._solution.flow, idxs)

    @readable(VESSELS)
    def get_relative_flow(self, *, idxs: Segments = None) -> np.ndarray:
        """Size of the flow over its size at rest; 1 where no blood flows at rest."""
        rest = np.abs(self.rest.flow)
        flows = rest > NO_FLOW * self._inlet_flow
        return _chosen(np.divide(np.abs(self._solution.flow), rest, out=np.ones(len(rest)), where=flows), idxs)

    @readable(VESSELS, "g/(um s2)")
    def get_pressures(self, *, idxs: Segments = None) -> np.ndarray:
        """Mean pressure of a segment, g/(um s2) (1 is 1000 Pa); NaN outside the largest connected piece."""
        return _chosen(self._solution.pressure[self.graph.ends].mean(axis=1), idxs)

    @readable(VESSELS, "um3")
    def get_vols(self, *, idxs: Segments = None) -> np.ndarray:
        """Volume of blood in each segment for the present radius, um3."""
        return _chosen(np.pi * self.radii**2 * self.graph.lengths, idxs)

    @readable(VESSELS)
    def get_relative_volume(self, *, idxs: Segments = None) -> np.ndarray:
        """Volume of blood in each segment over that at rest."""
        return _chosen((self.radii / self.graph.radii) ** 2, idxs)

    @readable(VESSELS, "um")
    def get_radii(self, *, idxs: Segments = None) -> np.ndarray:
        """Present radius, um."""
        return _chosen(self.radii, idxs)

    @writable(VESSELS, "um")
    def set_radii(self, values: np.ndarray) -> None:
        """Set the radius of each segment in um; flow follows at the next advance.

        Args:
            values: one per vessel segment; NaN leaves a segment as it is, which no endfoot holds.

        Raises:
            UserError: a radius is not positive and finite.
        """
        given = ~np.isnan(values)
        wrong = np.flatnonzero(given & ~((values > 0) & np.isfinite(values)))
        if len(wrong):
            raise UserError(
                f"bloodflow: radius {values[wrong[0]]:g} um for vessel segment {wrong[0]} ({len(wrong)} wrong in all); "
                "radii must be positive and finite: check the endfeet (vascouplingB.Rad)"
            )
        self.radii[given] = values[given]

    def state(self) -> dict[str, np.ndarray]:
        """What a checkpoint has to hold."""
        return {"radii": self.radii, "flow": self._solution.flow, "pressure": self._solution.pressure}

    def restore(self, state: Mapping[str, np.ndarray]) -> None:
        """Go back to a :meth:`state`."""
        self.radii = np.array(state["radii"])
        self._solution = FlowSolution(np.array(state["flow"]), np.array(state["pressure"]))

    def _build_solver(self, config: SimulationConfig) -> None:
        self._solver = make_solver(self.graph, self.boundary, config.multiscale_run.bloodflow)

    def _solve(self) -> FlowSolution:
        return self._world.on_root(lambda: self._solver.solve(self.radii))


def _chosen(values: np.ndarray, segments: Segments) -> np.ndarray:
    """A copy of the values of some vessel segments."""
    return values.copy() if segments is None else values[segments]


def _read(config: SimulationConfig) -> tuple[str, VesselGraph, Boundary]:
    circuit = libsonata.CircuitConfig.from_file(str(config.network))
    found = vasculature_populations(circuit)
    if len(found) != 1:
        raise UserError(
            f"{config.network}: networks.nodes has {len(found)} populations of type vasculature; "
            "blood flow needs exactly one, so add it or set with_bloodflow to false"
        )
    graph = read_vasculature(Path(circuit.node_population_properties(found[0]).elements_path), found[0])
    boundary = find_boundary(graph, config.multiscale_run.bloodflow)
    log.info(
        "blood flow: %d vessel segments, %d inlets, %d outlets",
        graph.n_segments,
        len(boundary.inlets),
        len(boundary.outlets),
    )
    if len(boundary.closed):
        log.warning(
            "bloodflow.max_nb_inputs = %d: %d more arterial ends at the surface are closed; raise it to feed them",
            len(boundary.inlets),
            len(boundary.closed),
        )
    return found[0], graph, boundary
