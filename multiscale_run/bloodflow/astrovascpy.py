"""The flow solver of AstroVascPy, behind the same interface as ours."""

from __future__ import annotations

import importlib.util
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from types import ModuleType, SimpleNamespace
from typing import Any

import numpy as np

from mpi_coupling.world import UserError
from multiscale_run.bloodflow.boundary import Boundary
from multiscale_run.bloodflow.graph import VesselGraph
from multiscale_run.bloodflow.solution import FlowSolution

BACKEND = "BACKEND_SOLVER_BFS"
"""Environment variable by which AstroVascPy chooses its linear algebra."""


class AstroVascPySolver:
    """Pressures and flows from ``astrovascpy.bloodflow.update_static_flow_pressure``, run by one process.

    Args:
        graph: the vessels.
        boundary: flows into and out of the network.
        viscosity: of the plasma, g/(um s).
        base_pressure: of the loose end with the lowest pressure, g/(um s2).

    Raises:
        UserError: AstroVascPy is not installed, or told to use PETSc, which would need all processes.
    """

    def __init__(self, graph: VesselGraph, boundary: Boundary, viscosity: float, base_pressure: float) -> None:
        backend = os.environ.get(BACKEND, "scipy")
        if backend != "scipy":
            raise UserError(f"{BACKEND} = {backend}: bloodflow.solver = astrovascpy works with scipy alone; unset it")
        utils, self._bloodflow = import_astrovascpy()
        self._graph, self._inflow = graph, boundary.flow
        self._vessels = build_graph(utils, graph)
        self._parameters = {
            "blood_viscosity": viscosity,
            "base_pressure": base_pressure,
            # asked for by name, used only in its own choice of inlets
            "max_nb_inputs": len(boundary.inlets),
            "depth_ratio": 1.0,
            "vasc_axis": 1,
        }

    def solve(self, radii: np.ndarray) -> FlowSolution:
        """Flow and pressure for radii in um, shape (segments,)."""
        edges = self._vessels.edge_properties
        edges["radius"] = radii
        self._bloodflow.update_static_flow_pressure(self._vessels, self._inflow, self._parameters)
        # outside the main piece its pressures are an arbitrary shift, which differs between its backends
        pressure = np.where(self._graph.is_main, self._vessels.node_properties["pressure"].to_numpy(), np.nan)
        return FlowSolution(edges["flow"].to_numpy(copy=True), pressure)


def import_astrovascpy() -> tuple[Any, Any]:
    """AstroVascPy's modules ``utils`` and ``bloodflow``.

    AstroVascPy 0.1.6 imports petsc4py whether it uses it or not, does not require it, and hardly any machine has it.
    While petsc4py is absent, a stand-in lets the import pass; the scipy backend at most prints by it.

    Raises:
        UserError: AstroVascPy is not installed.
    """
    try:
        with _petsc4py_or_stand_in():
            from astrovascpy import bloodflow, utils
    except ImportError as error:
        raise UserError(
            f"bloodflow.solver = astrovascpy needs AstroVascPy ({error}); "
            "install it with `pip install AstroVascPy`, or take the solver grounded"
        ) from error
    return utils, bloodflow


def build_graph(utils: Any, graph: VesselGraph) -> Any:
    """AstroVascPy's ``Graph`` of the same vessels, with our lengths and radii."""
    x, y, z = graph.positions.T
    points = {"x": x, "y": y, "z": z, "diameter": 2 * graph.point_radii}
    start, end = graph.ends.T
    segments = {"start_node": start, "end_node": end, "type": graph.types}
    import pandas

    vessels = utils.Graph(pandas.DataFrame(points), pandas.DataFrame(segments))
    vessels.edge_properties["length"] = graph.lengths
    vessels.edge_properties["radius"] = graph.radii
    return vessels


@contextmanager
def _petsc4py_or_stand_in() -> Iterator[None]:
    if importlib.util.find_spec("petsc4py") is not None:
        yield
        return
    stand_in = ModuleType("petsc4py")
    stand_in.PETSc = SimpleNamespace(Sys=SimpleNamespace(Print=print))  # type: ignore[attr-defined]
    sys.modules["petsc4py"] = stand_in
    try:
        yield
    finally:
        del sys.modules["petsc4py"]
