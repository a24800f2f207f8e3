"""The preprocessor section: the generated mesh and the node sets."""

from __future__ import annotations

from typing import Literal

from mpi_coupling.settings.schema import Section, key


class Mesh(Section):
    """The mesh that is generated when there is none at mesh_path."""

    generator: Literal["cubic", "gmsh"] = key(
        "cubic",
        "cubic: cubes of base_length, halved refinement_steps times, of five tetrahedra each; needs no gmsh. "
        "gmsh: as the original, whose true edge is ten times base_length.",
    )
    explode_factor: float = key(1.001, "Factor by which the box around all points is enlarged.", ge=1)
    base_length: float = key(30.0, "Nominal edge length of the tetrahedra.", "um", gt=0)
    refinement_steps: int = key(1, "How often the mesh is refined.", ge=0)


class NodeSets(Section):
    """Which cells take part."""

    filter_neuron: bool = key(False, "Leave out the neurons that no astrocyte touches.")
    neuron_population_name: str = key("neurons", "SONATA population of the neurons.")
    astrocyte_population_name: str = key("astrocytes", "SONATA population of the astrocytes.")


class Preprocessor(Section):
    """What is prepared before a run."""

    mesh: Mesh = key(Mesh, "Generated mesh.")
    node_sets: NodeSets = key(NodeSets, "Which cells take part.")
