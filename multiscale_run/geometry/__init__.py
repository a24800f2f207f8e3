"""Meshes of the tissue, and how neurons and vessels lie in them.

It needs neither a simulator nor MPI. Lengths are in um, everything sparse is a scipy CSR matrix. The operators for the
coupler are in :mod:`multiscale_run.geometry.operators`.
"""

from multiscale_run.geometry.boxes import cubic_mesh, fit_box
from multiscale_run.geometry.gmsh_box import gmsh_box
from multiscale_run.geometry.locator import OUTSIDE
from multiscale_run.geometry.matrices import RECIPES, CouplingMatrices, NamedMatrix
from multiscale_run.geometry.mesh import TetMesh
from multiscale_run.geometry.mesh_files import generated_from, read_mesh, write_msh22
from multiscale_run.geometry.store import MatrixStore
from multiscale_run.geometry.tissue import NeuronSegments, Tissue, VesselSegments
from multiscale_run.geometry.walk import Intersector, Overlap

__all__ = [
    "OUTSIDE",
    "RECIPES",
    "CouplingMatrices",
    "Intersector",
    "MatrixStore",
    "NamedMatrix",
    "NeuronSegments",
    "Overlap",
    "TetMesh",
    "Tissue",
    "VesselSegments",
    "cubic_mesh",
    "fit_box",
    "generated_from",
    "gmsh_box",
    "read_mesh",
    "write_msh22",
]
