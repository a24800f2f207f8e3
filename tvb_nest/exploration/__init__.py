"""Explorations: the same simulation at many points of its parameters.

``points_of_grid`` and ``points_of_table`` say which, ``explore`` runs them, ``summarise`` puts the results together.
"""

from tvb_nest.exploration.launching import in_slurm, in_this_machine
from tvb_nest.exploration.points import Point, axis_of, points_of_grid, points_of_table
from tvb_nest.exploration.program import run_program
from tvb_nest.exploration.record import Record, read_record
from tvb_nest.exploration.running import Exploration, explore
from tvb_nest.exploration.summary import summarise

__all__ = [
    "Exploration",
    "Point",
    "Record",
    "axis_of",
    "explore",
    "in_slurm",
    "in_this_machine",
    "points_of_grid",
    "points_of_table",
    "read_record",
    "run_program",
    "summarise",
]
