"""Boxes meshed by gmsh, with the parameters of MultiscaleRun 0.8."""

from __future__ import annotations

from typing import Any

import numpy as np

from mpi_coupling.world import UserError
from multiscale_run.geometry.boxes import fit_box
from multiscale_run.geometry.mesh import TetMesh, mesh_from_tags

LENGTH_FACTOR = 10.0
"""CharacteristicLengthFactor of MultiscaleRun 0.8: the true edge is this many times base_length."""
_TETRAHEDRON = 4
"""gmsh's number for a tetrahedron of four nodes."""


def gmsh_box(
    points: np.ndarray,
    explode_factor: float = 1.001,
    base_length: float = 30.0,
    refinement_steps: int = 1,
    length_factor: float = LENGTH_FACTOR,
) -> TetMesh:
    """Mesh the box round some points by gmsh.

    Args:
        points: coordinates in um, shape (points, 3).
        explode_factor: by how much the box is larger than the points need.
        base_length: nominal edge of the tetrahedra in um, to be multiplied by length_factor.
        refinement_steps: how often each tetrahedron is cut into eight.
        length_factor: gmsh's CharacteristicLengthFactor.

    Raises:
        UserError: gmsh is missing or fails, or the points lie in a plane.
    """
    try:
        import gmsh
    except (ImportError, OSError) as error:
        raise UserError(
            f"gmsh cannot be loaded ({error}); install it with `pip install gmsh` (Debian also needs libglu1-mesa) or "
            "use the cubic mesh, which needs no gmsh"
        ) from error
    lower, upper = fit_box(points, explode_factor)
    if not (upper > lower).all():
        raise UserError(f"the box from {lower} to {upper} um is flat; gmsh needs points that do not lie in a plane")
    gmsh.initialize(readConfigFiles=False, interruptible=False)
    try:
        tags, coordinates, corners = _mesh_box(gmsh, lower, upper, base_length, refinement_steps, length_factor)
    # gmsh raises bare Exceptions
    except Exception as error:
        raise UserError(f"gmsh cannot mesh the box from {lower} to {upper} um: {error}") from error
    finally:
        gmsh.finalize()
    return mesh_from_tags(tags, coordinates, corners, "gmsh box")


def _mesh_box(
    gmsh: Any, lower: np.ndarray, upper: np.ndarray, base_length: float, refinement_steps: int, length_factor: float
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Tags and coordinates of the nodes, tags of the tetrahedra's nodes."""
    options = {
        "General.Terminal": 0,
        "General.NumThreads": 1,
        "Mesh.CharacteristicLengthFactor": length_factor,
    }
    for option, value in options.items():
        gmsh.option.setNumber(option, value)
    gmsh.model.add("box")
    _add_box(gmsh.model.geo, lower, upper, base_length)
    gmsh.model.mesh.generate(3)
    for _ in range(refinement_steps):
        gmsh.model.mesh.refine()
    tags, coordinates, _ = gmsh.model.mesh.getNodes()
    _, corners = gmsh.model.mesh.getElementsByType(_TETRAHEDRON)
    return tags, coordinates.reshape(-1, 3), corners.reshape(-1, 4)


def _add_box(geo: Any, lower: np.ndarray, upper: np.ndarray, size: float) -> None:
    """A rectangle at the bottom, extruded upwards."""
    sides = upper - lower
    offsets = ((0, 0), (1, 0), (1, 1), (0, 1))
    points = [geo.addPoint(lower[0] + x * sides[0], lower[1] + y * sides[1], lower[2], size) for x, y in offsets]
    lines = [geo.addLine(points[k], points[(k + 1) % 4]) for k in range(4)]
    bottom = geo.addPlaneSurface([geo.addCurveLoop(lines)])
    geo.extrude([(2, bottom)], 0, 0, sides[2])
    geo.synchronize()
