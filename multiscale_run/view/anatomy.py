"""What there is to draw of a circuit: cells with their morphologies, vessels, endfeet and the mesh. Lengths in um."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import libsonata
import morphio
import numpy as np
from scipy.spatial.transform import Rotation

from mpi_coupling.console import get_logger
from mpi_coupling.failure import UserError
from multiscale_run.analysis.sites import AXES, TETRAHEDRON, VESSEL, Sites
from multiscale_run.circuit_check import ASTROCYTE, morphology_file, neuron_population
from multiscale_run.circuits.swc import soma_radius
from multiscale_run.config import SimulationConfig
from multiscale_run.view.shapes import Lines, Triangles, outline, spheres, tubes

POINTS_OF_A_SECTION = 6
"""Most points that are drawn of the section of a neurite."""
ENDFOOT = "endfoot"
ENDFOOT_RADIUS, ENDFOOT_LENGTH = 1.35, 5.0
"""Of the sleeve that stands for an endfoot: times the vessel's radius, and in um where the circuit has no length."""
SMALLEST_SOMA = 1.0
"""um; for morphologies without a soma."""

log = get_logger(__name__)


@dataclass(frozen=True)
class Share:
    """How much of something is drawn.

    Attributes:
        drawn: number of those that are drawn.
        whole: number of those that there are.
        what: in words, plural.
    """

    drawn: int
    whole: int
    what: str

    def __str__(self) -> str:
        return f"{self.drawn} of {self.whole} {self.what}" if self.drawn < self.whole else f"{self.whole} {self.what}"


@dataclass(frozen=True)
class Cells:
    """Neurons or astrocytes.

    Attributes:
        ids: SONATA ids of the cells that are drawn; lines and somas refer to them by their place here.
        somas: a sphere each.
        neurites: sections of the cells of which the morphology is drawn.
        shares: how many cells and morphologies are drawn.
    """

    ids: np.ndarray
    somas: Triangles
    neurites: Lines
    shares: tuple[Share, ...]


@dataclass(frozen=True)
class Vessels:
    """Vessel segments, a tube each; ``ids`` and ``share`` as those of cells."""

    ids: np.ndarray
    tubes: Triangles
    share: Share


@dataclass(frozen=True)
class Tissue:
    """The mesh: its outline, and the barycentres of some tetrahedra, shape (tetrahedra, 3)."""

    ids: np.ndarray
    barycentres: np.ndarray
    outline: Lines
    share: Share


@dataclass(frozen=True)
class Anatomy:
    """All that is drawn; None for what a circuit does not have, or what could not be read."""

    neurons: Cells
    astrocytes: Cells | None
    vessels: Vessels | None
    endfeet: Triangles | None
    tissue: Tissue | None


def read_anatomy(config: SimulationConfig, sites: Sites, limit: int) -> Anatomy:
    """Read a circuit.

    Args:
        config: of the simulation.
        sites: of the same.
        limit: most points of neurites, vessel segments and tetrahedra that are drawn, each.

    Raises:
        UserError: the circuit cannot be read.
    """
    circuit = libsonata.CircuitConfig.from_file(str(config.network))
    glia = [name for name in sorted(circuit.node_populations) if _kind(circuit, name) == ASTROCYTE]
    vessels = endfeet = tissue = None
    with suppress(UserError):  # a circuit without vessels
        vessels = _vessels(sites, limit)
        endfeet = _endfeet(circuit, sites)
    mesh = config.multiscale_run.mesh_path
    try:
        tissue = _tissue(sites, limit)
    except UserError as error:
        reason = f"{mesh} is not there; a run makes it" if not Path(mesh).exists() else str(error)
        log.warning("the mesh is not drawn: %s", reason)
    return Anatomy(
        neurons=_cells(circuit, neuron_population(config).name, "neurons", limit),
        astrocytes=_cells(circuit, glia[0], "astrocytes", limit) if glia else None,
        vessels=vessels,
        endfeet=endfeet,
        tissue=tissue,
    )


def evenly(whole: int, most: int) -> np.ndarray:
    """At most ``most`` numbers below ``whole``, spread evenly."""
    return np.arange(whole) if whole <= most else np.unique(np.linspace(0, whole - 1, most).round().astype(np.int64))


def _kind(circuit: libsonata.CircuitConfig, population: str) -> str:
    return circuit.node_population_properties(population).type


def _cells(circuit: libsonata.CircuitConfig, name: str, what: str, limit: int) -> Cells:
    nodes, properties = circuit.node_population(name), circuit.node_population_properties(name)
    ids = evenly(nodes.size, limit)
    chosen = libsonata.Selection(ids)
    places = np.stack([nodes.get_attribute(axis, chosen) for axis in AXES], axis=1).astype(float)
    turns = _orientations(nodes, chosen)
    folders = [properties.morphologies_dir, *properties.alternate_morphology_formats.values()]
    shelf = _Shelf([Path(folder) for folder in folders if folder])
    names = nodes.get_attribute("morphology", chosen)
    lines: list[np.ndarray] = []
    owners: list[int] = []
    room, whole = limit, 0
    # a spread of cells, so that a part of a large circuit shows all of it
    for cell in np.random.default_rng(0).permutation(len(ids)):
        sections = shelf.sections(names[cell])
        room -= sum(map(len, sections))
        if room < 0 and whole:
            break
        whole += 1
        lines += [turns[cell].apply(section) + places[cell] for section in sections]
        owners += [cell] * len(sections)
    radii = np.array([shelf.soma_radius(morphology) for morphology in names])
    shares = (Share(len(ids), nodes.size, what), Share(whole, nodes.size, f"morphologies of {what}"))
    return Cells(ids, spheres(places, radii), Lines.joined(lines, owners), shares)


class _Shelf:
    """The morphologies of a population, each read once and thinned out."""

    def __init__(self, folders: list[Path]) -> None:
        self._folders = folders
        self._read: dict[str, tuple[list[np.ndarray], float]] = {}

    def sections(self, name: str) -> list[np.ndarray]:
        """Points of each section, relative to the cell."""
        return self._morphology(name)[0]

    def soma_radius(self, name: str) -> float:
        """Radius of the soma, um."""
        return self._morphology(name)[1]

    def _morphology(self, name: str) -> tuple[list[np.ndarray], float]:
        if name not in self._read:
            file = morphology_file(self._folders, name)
            if file is None:
                raise UserError(f"{', '.join(map(str, self._folders))}: there is no morphology {name}")
            morphio.set_maximum_warnings(0)
            morphology = morphio.Morphology(file)
            sections = [s.points[evenly(len(s.points), POINTS_OF_A_SECTION)].astype(float) for s in morphology.sections]
            radius = soma_radius(morphology) if len(morphology.soma.points) else 0.0
            self._read[name] = sections, max(radius, SMALLEST_SOMA)
        return self._read[name]


def _orientations(nodes: libsonata.NodePopulation, chosen: libsonata.Selection) -> Rotation:
    """How each cell is turned: SONATA's quaternions, or its angles about the axes, of which z is the first."""
    known = nodes.attribute_names

    def columns(names: list[str]) -> np.ndarray:
        size = chosen.flat_size
        found = [nodes.get_attribute(n, chosen) if n in known else np.zeros(size) for n in names]
        return np.stack(found, axis=1).astype(float)

    quaternion = [f"orientation_{component}" for component in "xyzw"]
    if set(quaternion) <= set(known):
        return Rotation.from_quat(columns(quaternion))
    return Rotation.from_euler("XYZ", columns([f"rotation_angle_{axis}axis" for axis in AXES]))


def _vessels(sites: Sites, limit: int) -> Vessels:
    known = sites.vessels
    whole = known.sizes[VESSEL]
    thickest = np.sort(np.argsort(-known["radius_at_rest"].values, kind="stable")[:limit])
    starts, ends, radii = _ends(sites)
    drawn = tubes(starts[thickest], ends[thickest], radii[thickest])
    what = "vessel segments" + (", the thickest" if len(thickest) < whole else "")
    return Vessels(thickest, drawn, Share(len(thickest), whole, what))


def _ends(sites: Sites) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Both ends and the radius of every vessel segment."""
    known = sites.vessels
    starts, ends = (np.stack([known[f"{end}_{axis}"] for axis in AXES], axis=1) for end in ("start", "end"))
    return starts.astype(float), ends.astype(float), known["radius_at_rest"].values.astype(float)


def _endfeet(circuit: libsonata.CircuitConfig, sites: Sites) -> Triangles | None:
    """Sleeves round the vessels where astrocytes hold them."""
    names = [n for n in sorted(circuit.edge_populations) if circuit.edge_population_properties(n).type == ENDFOOT]
    if not names:
        return None
    edges = circuit.edge_population(names[0])
    everyone = edges.select_all()
    vessels = edges.source_nodes(everyone).astype(np.int64)
    surface = np.stack([edges.get_attribute(f"endfoot_surface_{axis}", everyone) for axis in AXES], axis=1)
    length = np.full(len(vessels), ENDFOOT_LENGTH)
    if "endfoot_compartment_length" in edges.attribute_names:
        length = np.maximum(edges.get_attribute("endfoot_compartment_length", everyone), 1.0)
    starts, ends, radii = (values[vessels] for values in _ends(sites))
    along = ends - starts
    norm = np.maximum(np.linalg.norm(along, axis=1), 1e-9)
    axis = along / norm[:, None]
    middle = np.clip(np.einsum("ij,ij->i", surface - starts, axis), 0, norm)
    half = axis * (length / 2)[:, None]
    centre = starts + axis * middle[:, None]
    return tubes(centre - half, centre + half, ENDFOOT_RADIUS * radii)


def _tissue(sites: Sites, limit: int) -> Tissue:
    whole = sites.tetrahedra.sizes[TETRAHEDRON]
    ids = evenly(whole, limit)
    return Tissue(ids, sites.mesh.barycentres[ids], outline(sites.mesh), Share(len(ids), whole, "tetrahedra"))
