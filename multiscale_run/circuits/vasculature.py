"""The vasculature population: one SONATA node per vessel segment."""

from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np

from . import tables
from .segments import Ints
from .sonata import components, write_nodes
from .space import Floats, perpendicular, stream
from .specification import CircuitSpec
from .vessel_network import VesselNetwork, cortical_vessels

POPULATION = "vasculature"  # vascpy and AstroVascPy read no other name


@dataclass(frozen=True)
class Vasculature:
    """Vessel segments in the order of their sections; a section is an unbranched chain. Lengths in um.

    Attributes:
        points: n x 3 coordinates.
        diameters: of the points.
        ends: m x 2 start and end point of each segment.
        types: SONATA vessel type of each segment (3 venule, 4 arteriole, 5 venous, 6 arterial capillary, 7 between).
        section_id, segment_id: chain, and index within it.
        inlets, outlets: points at the pia.
    """

    points: Floats
    diameters: Floats
    ends: Ints
    types: Ints
    section_id: Ints
    segment_id: Ints
    inlets: list[int]
    outlets: list[int]

    def __len__(self) -> int:
        return len(self.ends)

    @cached_property
    def centres(self) -> Floats:
        """m x 3 midpoints."""
        return self.points[self.ends].mean(axis=1)

    @cached_property
    def directions(self) -> Floats:
        """m x 3 unit vectors from start to end."""
        along = self.points[self.ends[:, 1]] - self.points[self.ends[:, 0]]
        return along / np.linalg.norm(along, axis=1, keepdims=True)

    @cached_property
    def radii(self) -> Floats:
        """Mean radius of each segment."""
        return self.diameters[self.ends].mean(axis=1) / 2


def grow_vasculature(spec: CircuitSpec) -> Vasculature:
    """Draw the vessels of a circuit and cut them into segments."""
    table = tables.read_toml("vessels")
    rng = stream(spec.seed, "vasculature")
    network = cortical_vessels(rng, spec.edge_um, table)
    cut = table["discretization"]
    return _discretize(
        rng, network, cut["segment_length"], cut["least_segments"], table["capillaries"]["tortuosity"], spec.edge_um
    )


def _discretize(
    rng: np.random.Generator, network: VesselNetwork, step: float, least: int, tortuosity: float, size: float
) -> Vasculature:
    """Cut vessels into segments and bend them; a branching point has the diameter of its widest vessel."""
    junctions = np.array(network.points)
    ends, vessel_diameters = np.array(network.ends), np.array(network.diameters)
    start, stop = junctions[ends[:, 0]], junctions[ends[:, 1]]
    length = np.linalg.norm(stop - start, axis=1)
    count = np.maximum(least, np.ceil(length / step).astype(int))
    bend = perpendicular(rng, stop - start) * (tortuosity * length * rng.uniform(0.3, 1, len(ends)))[:, None]

    vessel = np.repeat(np.arange(len(ends)), count - 1)  # of each inner point
    order = np.arange(len(vessel)) - np.repeat(np.cumsum(count - 1) - (count - 1), count - 1) + 1
    fraction = (order / count[vessel])[:, None]
    inner = start[vessel] + fraction * (stop - start)[vessel] + np.sin(np.pi * fraction) * bend[vessel]
    widest = np.zeros(len(junctions))
    np.maximum.at(widest, ends, vessel_diameters[:, None])

    first_inner = len(junctions) + np.cumsum(count - 1) - (count - 1)
    chains = [
        [begin, *range(first, first + number - 1), end]
        for (begin, end), first, number in zip(ends.tolist(), first_inner.tolist(), count.tolist(), strict=True)
    ]
    points = np.clip(np.concatenate([junctions, inner]), 0, size)
    diameters = np.concatenate([widest, vessel_diameters[vessel]])
    return _with_sections(points, diameters, chains, network)


def _with_sections(points: Floats, diameters: Floats, chains: list[list[int]], network: VesselNetwork) -> Vasculature:
    """Number the segments; vessels that meet at a point of two make one section."""
    sections = _merge_chains(chains, network)
    rows = [
        (a, b, network.types[vessel], section, segment)
        for section, chain in enumerate(sections)
        for segment, (a, b, vessel) in enumerate(chain)
    ]
    table = np.array(rows, np.int64)
    ends, types, section_id, segment_id = table[:, :2], table[:, 2], table[:, 3], table[:, 4]
    return Vasculature(points, diameters, ends, types, section_id, segment_id, network.inlets, network.outlets)


def _merge_chains(chains: list[list[int]], network: VesselNetwork) -> list[list[tuple[int, int, int]]]:
    """Walk from branching point to branching point; each section is a list of (start, end, vessel)."""
    at_point: list[list[int]] = [[] for _ in network.points]
    for vessel, (start, end) in enumerate(network.ends):
        at_point[start].append(vessel)
        at_point[end].append(vessel)
    roots = [*network.inlets, *network.outlets]
    branching = [*roots, *(p for p in range(len(at_point)) if len(at_point[p]) > 2)]
    done = [False] * len(chains)
    sections = []
    for origin in branching:
        for vessel in at_point[origin]:
            if done[vessel]:
                continue
            section, point = [], origin
            following: int | None = vessel
            while following is not None:
                done[following] = True
                path = chains[following] if chains[following][0] == point else chains[following][::-1]
                section += [(a, b, following) for a, b in pairwise(path)]
                point = path[-1]
                onward = [v for v in at_point[point] if not done[v]] if len(at_point[point]) == 2 else []
                following = onward[0] if onward else None
            sections.append(section)
    return sections


def write_vasculature(path: Path, vessels: Vasculature) -> None:
    """Write the nodes file with the 14 attributes of a SONATA vasculature."""
    attributes: dict[str, Any] = {"model_type": "vasculature"}
    for column, end in enumerate(("start", "end")):
        point = vessels.ends[:, column]
        attributes |= components(f"{end}_", vessels.points[point])
        attributes[f"{end}_diameter"] = vessels.diameters[point]
        attributes[f"{end}_node"] = point.astype("u8")
    attributes["type"] = vessels.types.astype("i4")
    attributes["section_id"] = vessels.section_id.astype("u4")
    attributes["segment_id"] = vessels.segment_id.astype("u4")
    write_nodes(path, POPULATION, len(vessels), attributes)
