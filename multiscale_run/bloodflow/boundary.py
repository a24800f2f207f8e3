"""Where blood enters and leaves the network, and how much."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from mpi_coupling.world import UserError
from multiscale_run.bloodflow.graph import ARTERIAL, VesselGraph
from multiscale_run.config.schema.bloodflow import Bloodflow


@dataclass(frozen=True)
class Boundary:
    """The cut ends of a network.

    Attributes:
        inlets: points where blood enters, the widest last.
        outlets: points where it leaves.
        closed: loose ends that carry no flow.
        flow: flow into the network at every point, negative where it leaves, um3/s, shape (points,); sums to 0.
    """

    inlets: np.ndarray
    outlets: np.ndarray
    closed: np.ndarray
    flow: np.ndarray


def find_boundary(graph: VesselGraph, settings: Bloodflow) -> Boundary:
    """Choose inlets and outlets and share out the flow.

    Inlets are the ``max_nb_inputs`` widest loose ends of the main piece in the upper ``depth_ratio`` of its depth, the
    rule of AstroVascPy 0.1.6. Where vessel types tell arteries from veins, only arteries and arterioles can be inlets
    (a wide venule is none), and those of them that are left over at the surface are closed, since they would drain the
    network. All other loose ends are outlets; each takes a part of the inflow in proportion to its cross-section.

    Args:
        graph: the vessels.
        settings: ``bloodflow`` section of the configuration.

    Raises:
        UserError: no loose end can be an inlet, or none is left as an outlet.
    """
    top = _surface_ends(graph, settings)
    is_arterial = np.isin(graph.types_at(top), ARTERIAL)
    candidates = top[is_arterial] if is_arterial.any() else top
    by_width = candidates[np.argsort(graph.point_radii[candidates], kind="stable")]
    inlets = by_width[-settings.max_nb_inputs :]
    closed = by_width[: -settings.max_nb_inputs] if is_arterial.any() else by_width[:0]
    outlets = np.setdiff1d(graph.loose_ends, np.concatenate([inlets, closed]))
    if not len(outlets):
        raise UserError(
            f"bloodflow.max_nb_inputs = {settings.max_nb_inputs}: all {len(graph.loose_ends)} loose ends of the "
            "vasculature are inlets or closed and no outlet is left; lower it, or give the vessels their SONATA types"
        )
    section = graph.point_radii[outlets] ** 2
    flow = np.zeros(graph.n_points)
    flow[inlets] = settings.input_v
    flow[outlets] = -settings.input_v * len(inlets) * section / section.sum()
    return Boundary(inlets, outlets, closed, flow)


def _surface_ends(graph: VesselGraph, settings: Bloodflow) -> np.ndarray:
    depth = graph.positions[:, settings.vasc_axis]
    main = depth[graph.is_main]
    surface = main.max() - settings.depth_ratio * (main.max() - main.min())
    top = graph.loose_ends[depth[graph.loose_ends] >= surface]
    if not len(top):
        raise UserError(
            f"bloodflow.depth_ratio = {settings.depth_ratio}, vasc_axis = {settings.vasc_axis}: none of the "
            f"{len(graph.loose_ends)} loose ends of the vasculature lies at or above {surface:g} um along "
            f"{'xyz'[settings.vasc_axis]}, so blood has no inlet; raise depth_ratio, or correct vasc_axis"
        )
    return top
