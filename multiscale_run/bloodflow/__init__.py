"""Quasi-static blood flow through a network of vessels: Poiseuille resistors, flows given at the cut ends.

It needs neither MPI nor a simulator: read a graph, find its boundary, make a solver, give it radii.
"""

from multiscale_run.bloodflow.boundary import Boundary, find_boundary
from multiscale_run.bloodflow.graph import VesselGraph, VesselType, read_vasculature, vasculature_populations
from multiscale_run.bloodflow.resistance import hematocrit_factor, resistance
from multiscale_run.bloodflow.solution import FlowSolution, FlowSolver, make_solver

__all__ = [
    "Boundary",
    "FlowSolution",
    "FlowSolver",
    "VesselGraph",
    "VesselType",
    "find_boundary",
    "hematocrit_factor",
    "make_solver",
    "read_vasculature",
    "resistance",
    "vasculature_populations",
]
