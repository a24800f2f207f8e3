"""The tissue of a run: its mesh, where neurons and vessels lie in it, and the matrices and operators that follow."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping, Sequence

import numpy as np
import scipy.sparse as sparse
from scipy.spatial import KDTree

from mpi_coupling.console import get_logger
from mpi_coupling.world import UserError, World
from multiscale_run.bloodflow import Boundary, VesselGraph
from multiscale_run.config import SimulationConfig
from multiscale_run.config.schema.preprocessor import Mesh as MeshSettings
from multiscale_run.coupling import GLIA, NEURONS, TETRAHEDRA, VESSELS, Domain, Operator, Reduction, fields_of
from multiscale_run.geometry import (
    OUTSIDE,
    RECIPES,
    CouplingMatrices,
    Intersector,
    MatrixStore,
    NeuronSegments,
    TetMesh,
    Tissue,
    VesselSegments,
    cubic_mesh,
    fit_box,
    generated_from,
    gmsh_box,
    read_mesh,
    write_msh22,
)
from multiscale_run.geometry.operators import tissue_operators
from multiscale_run.simulators import external_class

log = get_logger(__name__)

LARGEST_MESH = 1000.0
"""Mesh over circuit from which on the unit must be wrong."""

COVERED = 1 - 1e-9
"""Part of a segment in the mesh from which on all of it counts as inside."""


class CoupledTissue:
    """What the coupler has to know of space.

    Args:
        config: the simulation's configuration.
        world: the ranks.
        neurons: segments of this rank's neurons.
        glia: places of the compartments of this rank's astrocytes, um, shape (compartments, 3).
        vessels: graph and boundary of the vasculature where blood flow takes part, else None.

    Attributes:
        mesh: the tetrahedra; None where neither a simulator nor an expression needs them.
        matrices: the coupling matrices by the names that expressions use.

    Raises:
        UserError: the mesh cannot be read, made or written, is in another unit than the circuit, or holds no neuron.
    """

    def __init__(
        self,
        config: SimulationConfig,
        world: World,
        neurons: NeuronSegments,
        glia: np.ndarray,
        vessels: tuple[VesselGraph, Boundary] | None,
    ) -> None:
        self._world, self._neurons, self._glia = world, neurons, glia
        self._vessels = None if vessels is None else _vessel_segments(*vessels)
        section = config.multiscale_run
        points = self._points()
        self.mesh = obtain_mesh(config, world, points) if needs_mesh(config) else None
        self._tissue = Tissue(self.mesh, neurons, self._vessels)
        self.matrices = CouplingMatrices(
            self._tissue, MatrixStore(section.cache_path, section.cache_save, section.cache_load)
        )
        if self.mesh is not None:
            _refuse_other_unit(config, self.mesh, points)
            self._report_outside(config)

    def domains(self) -> Mapping[str, Domain]:
        """The tetrahedra, if there are any."""
        if self.mesh is None:
            return {}
        return {TETRAHEDRA: Domain(TETRAHEDRA, np.arange(self.mesh.n_tetrahedra), distributed=False)}

    def operators(self) -> Sequence[Operator]:
        """All ways through the tissue."""
        ways = []
        if self._tissue.intersector is not None:
            ways += tissue_operators(self.matrices)
            ways.append(_containing_tetrahedra(self._tissue.intersector, self._glia))
        if self._vessels is not None:
            ways.append(_nearest_vessels(self._neurons, self._vessels))
        return ways

    def _points(self) -> np.ndarray:
        """Corners of a box that holds everything, on all ranks, shape (points, 3)."""
        parts = [self._neurons.starts, self._neurons.ends, self._glia]
        if self._vessels is not None:
            parts += [self._vessels.starts, self._vessels.ends]
        mine = np.concatenate(parts)
        corners = np.stack([mine.min(axis=0), mine.max(axis=0)]) if len(mine) else np.empty((0, 3))
        return np.concatenate(self._world.comm.allgather(corners))

    def _report_outside(self, config: SimulationConfig) -> None:
        inside = np.asarray(self.matrices["nsegXtetMat"].matrix.sum(axis=1)).ravel()
        lost = self._world.sum(((1 - inside) * self._neurons.volumes)[inside < COVERED].sum())
        number = self._world.sum(int((inside < COVERED).sum()))
        whole = self._world.sum(self._neurons.volumes.sum())
        place = config.multiscale_run.mesh_path
        if self._world.any(len(inside) > 0) and lost >= whole * COVERED:
            raise UserError(
                f"multiscale_run.mesh_path: no neuron lies in the mesh {place}; check its position and "
                f"mesh_scale = {config.multiscale_run.mesh_scale:g} m, or remove it to have one made"
            )
        if number and self._world.is_root:
            log.warning(
                "%d segments (%.3g %% of the neurons' volume) lie outside the mesh %s: "
                "their currents do not reach the extracellular space",
                number,
                100 * lost / whole,
                place,
            )


def needs_mesh(config: SimulationConfig) -> bool:
    """Whether a run has to do with tetrahedra: the extracellular space, or an expression with one of their matrices."""
    if config.multiscale_run.with_steps or any(map(_is_in_tissue, config.external_simulators)):
        return True
    texts = [c.transform_expression or "" for _, _, c in config.multiscale_run.applied_connections()]
    of_mesh = {name for name, recipe in RECIPES.items() if {"mesh", "intersector"} & set(recipe.needs)}
    return any(of_mesh & set(re.findall(r"\w+", text)) for text in texts)


def _is_in_tissue(simulator: str) -> bool:
    """Whether a simulator of another package has a field on tetrahedra."""
    return any(field.domain == TETRAHEDRA for field in fields_of(external_class(simulator)).values())


def obtain_mesh(config: SimulationConfig, world: World, points: np.ndarray) -> TetMesh:
    """The mesh at ``mesh_path``; where there is none it is made for the circuit, and made anew when that has changed.

    Args:
        config: the simulation's configuration.
        world: the ranks; the root reads, makes and writes.
        points: what the mesh must hold, um, shape (points, 3).
    """
    section, settings = config.multiscale_run, config.multiscale_run.preprocessor.mesh
    origin = _origin(settings, points)

    def obtain() -> TetMesh:
        path = section.mesh_path
        if path.exists() and generated_from(path) in (None, origin):
            return read_mesh(path, section.mesh_scale)
        log.info("%s the mesh %s", "making anew" if path.exists() else "making", path)
        mesh = make_mesh(settings, points)
        write_msh22(mesh, path, section.mesh_scale, section.steps.compname, origin)
        # read again, so that the first run has the same bits as all later ones
        return read_mesh(path, section.mesh_scale)

    mesh = world.on_root(obtain)
    if world.is_root:
        log.info("mesh: %d tetrahedra, %.3g um3", mesh.n_tetrahedra, mesh.volumes.sum())
    return mesh


def make_mesh(settings: MeshSettings, points: np.ndarray) -> TetMesh:
    """A mesh of the box round some points, as the configuration wants it.

    Args:
        settings: ``preprocessor.mesh`` of the configuration.
        points: what the mesh must hold, um, shape (points, 3).
    """
    if settings.generator == "gmsh":
        return gmsh_box(points, settings.explode_factor, settings.base_length, settings.refinement_steps)
    lower, upper = fit_box(points, settings.explode_factor)
    return cubic_mesh(lower, upper, settings.base_length / 2**settings.refinement_steps)


def _origin(settings: MeshSettings, points: np.ndarray) -> str:
    """What a mesh is made from, as a mark in its file: settings and box."""
    box = np.round([points.min(axis=0), points.max(axis=0)], 6).tolist()
    text = json.dumps([settings.model_dump(), box], sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:32]


def _refuse_other_unit(config: SimulationConfig, mesh: TetMesh, points: np.ndarray) -> None:
    if not len(points):
        return
    mesh_size, size = (mesh.upper - mesh.lower).max(), np.ptp(points, axis=0).max()
    if mesh_size > LARGEST_MESH * max(size, 1.0):
        raise UserError(
            f"multiscale_run.mesh_scale = {config.multiscale_run.mesh_scale:g} m makes the mesh "
            f"{config.multiscale_run.mesh_path} {mesh_size:.3g} um large for a circuit of {size:.3g} um; "
            "give the unit of the mesh file, 1e-6 for um"
        )


def _vessel_segments(graph: VesselGraph, boundary: Boundary) -> VesselSegments:
    starts, ends = graph.positions[graph.ends[:, 0]], graph.positions[graph.ends[:, 1]]
    return VesselSegments(starts, ends, np.isin(graph.ends[:, 0], boundary.inlets))


def _containing_tetrahedra(intersector: Intersector, places: np.ndarray) -> Operator:
    """Tetrahedra to glia: the one that a compartment's middle lies in."""
    found = intersector.locate(places)
    inside = np.flatnonzero(found != OUTSIDE)
    shape = (len(places), intersector.n_tetrahedra)
    matrix = sparse.csr_matrix((np.ones(len(inside)), (inside, found[inside])), shape=shape)
    return Operator(TETRAHEDRA, GLIA, matrix, Reduction.MEAN)


def _nearest_vessels(neurons: NeuronSegments, vessels: VesselSegments) -> Operator:
    """Vessels to neurons: the mean over the vessels next to a neuron's segments, by the segments' volume.

    A vessel counts by its middle; every segment has a next one, so every neuron has a supply.
    """
    middles, places = (0.5 * (part.starts + part.ends) for part in (vessels, neurons))
    nearest = KDTree(middles).query(places)[1] if len(places) else np.empty(0, dtype=int)
    shape = (neurons.n_neurons, len(middles))
    matrix = sparse.csr_matrix((neurons.volumes, (neurons.owner, nearest)), shape=shape)
    return Operator(VESSELS, NEURONS, matrix, Reduction.MEAN)
