"""The coupling matrices that transform expressions may name.

Their names and meaning are those of MultiscaleRun 0.8. Rows and columns of neurons, their sections and segments are
those of this rank; tetrahedra and vessel segments are all there are, on every rank.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property, partial
from typing import Any

import numpy as np
import scipy.sparse as sparse

from mpi_coupling.world import UserError
from multiscale_run.coupling.domains import NEURONS, SEGMENTS, TETRAHEDRA
from multiscale_run.geometry.locator import OUTSIDE
from multiscale_run.geometry.mesh import TetMesh
from multiscale_run.geometry.store import MatrixStore
from multiscale_run.geometry.tissue import NeuronSegments, Tissue, VesselSegments
from multiscale_run.geometry.walk import Intersector


def neurons_by_sections(neurons: NeuronSegments) -> sparse.csr_matrix:
    """nXsecMat: volume of a section over that of its neuron, shape (neurons, sections); rows sum to 1."""
    n_sections = neurons.sections.max(initial=-1) + 1
    of_sections = np.bincount(neurons.sections, weights=neurons.volumes, minlength=n_sections)
    owner = np.zeros(n_sections, dtype=np.int64)
    owner[neurons.sections] = neurons.owner
    of_neurons = np.bincount(owner, weights=of_sections, minlength=neurons.n_neurons)
    return _one_per_column(of_sections / of_neurons[owner], owner, neurons.n_neurons)


def sections_by_segments(neurons: NeuronSegments) -> sparse.csr_matrix:
    """nsecXnsegMat: length of a segment over that of its section, shape (sections, segments); rows sum to 1."""
    sections, lengths = neurons.sections, neurons.lengths
    of_sections = np.bincount(sections, weights=lengths)
    return _one_per_column(lengths / of_sections[sections], sections, len(of_sections))


def neurons_by_segments(neurons: NeuronSegments) -> sparse.csr_matrix:
    """nXnsegMatBool: whether a segment belongs to a neuron, shape (neurons, segments)."""
    return _one_per_column(np.ones(len(neurons.owner), dtype=bool), neurons.owner, neurons.n_neurons)


def segments_by_tetrahedra(crossing: Intersector, neurons: NeuronSegments) -> sparse.csr_matrix:
    """nsegXtetMat: part of a segment's length in a tetrahedron, shape (segments, tetrahedra).

    Rows sum to the part that lies in the mesh.
    """
    return crossing.intersect(neurons.starts, neurons.ends).fractions


def tetrahedra_by_vessel_volumes(crossing: Intersector, vessels: VesselSegments) -> sparse.csr_matrix:
    """tetXbfVolsMat: part of a vessel segment's volume in a tetrahedron, shape (tetrahedra, vessel segments).

    Columns sum to the part that lies in the mesh. A segment counts as a cylinder: volumes divide as lengths do.
    """
    return crossing.intersect(vessels.starts, vessels.ends).fractions.T.tocsr()


def tetrahedra_by_vessel_flows(crossing: Intersector, vessels: VesselSegments) -> sparse.csr_matrix:
    """tetXbfFlowsMat: whether a vessel segment brings its flow into a tetrahedron, shape (tetrahedra, vessel segments).

    A segment enters all tetrahedra on its way but the one of its first point, which the segment before it entered;
    only an inlet enters that one as well. So the flows through a tetrahedron that several segments of one vessel share
    count once.
    """
    fractions = crossing.intersect(vessels.starts, vessels.ends).fractions
    on_the_way = fractions.tocoo()
    first, last = crossing.locate(vessels.starts), crossing.locate(vessels.ends)
    numbers = np.arange(len(first))
    # an end in a face belongs to one tetrahedron for both segments that meet there, whichever they run in
    tets = np.concatenate([on_the_way.col, last[last != OUTSIDE]])
    segments = np.concatenate([on_the_way.row, numbers[last != OUTSIDE]])
    entered = tets != first[segments]
    inlets = np.flatnonzero(np.asarray(vessels.is_inlet, dtype=bool) & (first != OUTSIDE))
    tets = np.concatenate([tets[entered], first[inlets]])
    segments = np.concatenate([segments[entered], inlets])
    brings = np.ones(len(tets), dtype=bool)
    return sparse.csr_matrix((brings, (tets, segments)), shape=fractions.shape[::-1])


def tetrahedra_by_tetrahedra(mesh: TetMesh) -> sparse.csr_matrix:
    """tetXtetMat: mean volume over volume of each tetrahedron, diagonal, shape (tetrahedra, tetrahedra)."""
    return sparse.diags_array(mesh.volumes.mean() / mesh.volumes, format="csr")


def neurons_by_tetrahedra(crossing: Intersector, neurons: NeuronSegments) -> sparse.csr_matrix:
    """nXtetMat: part of a neuron in a tetrahedron, shape (neurons, tetrahedra): the weights of its means.

    Volume divides among sections, and within one as length does.
    """
    return neurons_by_sections(neurons) @ sections_by_segments(neurons) @ segments_by_tetrahedra(crossing, neurons)


@dataclass(frozen=True)
class Recipe:
    """How a matrix is made.

    Attributes:
        make: makes it from its parts.
        needs: the parts of a :class:`Tissue` that it takes, in this order.
        rows: domain of its rows: what values become when they are multiplied by it.
    """

    make: Callable[..., sparse.csr_matrix]
    needs: tuple[str, ...]
    rows: str


RECIPES = {
    "nXsecMat": Recipe(neurons_by_sections, ("neurons",), NEURONS),
    "nsecXnsegMat": Recipe(sections_by_segments, ("neurons",), "sections"),
    "nXnsegMatBool": Recipe(neurons_by_segments, ("neurons",), NEURONS),
    "nsegXtetMat": Recipe(segments_by_tetrahedra, ("intersector", "neurons"), SEGMENTS),
    "nXtetMat": Recipe(neurons_by_tetrahedra, ("intersector", "neurons"), NEURONS),
    "tetXbfVolsMat": Recipe(tetrahedra_by_vessel_volumes, ("intersector", "vessels"), TETRAHEDRA),
    "tetXbfFlowsMat": Recipe(tetrahedra_by_vessel_flows, ("intersector", "vessels"), TETRAHEDRA),
    "tetXtetMat": Recipe(tetrahedra_by_tetrahedra, ("mesh",), TETRAHEDRA),
}
"""Every coupling matrix by the name that expressions use."""


class NamedMatrix:
    """A matrix that is made when it is first used, as transform expressions see it.

    Args:
        make: makes it.
        rows: domain of its rows.
    """

    def __init__(self, make: Callable[[], sparse.csr_matrix], rows: str) -> None:
        self._make, self.rows = make, rows

    @cached_property
    def matrix(self) -> sparse.csr_matrix:
        """The matrix."""
        return self._make()

    def dot(self, other: Any) -> Any:
        """The product with values, shape (columns,), or with another matrix."""
        if isinstance(other, NamedMatrix):
            return NamedMatrix(lambda: self.matrix @ other.matrix, self.rows)
        return self.matrix @ other


class CouplingMatrices(Mapping[str, NamedMatrix]):
    """The matrices of a run by name; those whose parts are missing are not in it.

    Args:
        tissue: mesh, neurons and vessels.
        store: keeps them between runs.
    """

    def __init__(self, tissue: Tissue, store: MatrixStore) -> None:
        self.tissue = tissue
        self._named = {
            name: NamedMatrix(partial(self._obtain, store, name), recipe.rows)
            for name, recipe in RECIPES.items()
            if not self._missing(recipe)
        }

    def __getitem__(self, name: str) -> NamedMatrix:
        """The named matrix.

        Raises:
            UserError: there is none of this name in this run; the message says why.
        """
        if name in self._named:
            return self._named[name]
        if name not in RECIPES:
            raise UserError(f"there is no coupling matrix {name!r}; there are {', '.join(RECIPES)}")
        missing = " and ".join(self._missing(RECIPES[name])).replace("intersector", "mesh")
        raise UserError(f"the coupling matrix {name} needs {missing}, which take no part in this run")

    def __contains__(self, name: object) -> bool:
        return name in self._named

    def __iter__(self) -> Iterator[str]:
        return iter(self._named)

    def __len__(self) -> int:
        return len(self._named)

    def _missing(self, recipe: Recipe) -> list[str]:
        return [part for part in recipe.needs if not self.tissue.has(part)]

    def _obtain(self, store: MatrixStore, name: str) -> sparse.csr_matrix:
        recipe = RECIPES[name]
        deciding = (array for part in recipe.needs for array in self.tissue.data(part))
        return store.obtain(name, deciding, lambda: recipe.make(*(getattr(self.tissue, part) for part in recipe.needs)))


def _one_per_column(values: np.ndarray, rows: np.ndarray, n_rows: int) -> sparse.csr_matrix:
    return sparse.csr_matrix((values, (rows, np.arange(len(rows)))), shape=(n_rows, len(rows)))
