"""The extracellular space: amounts of ions in tetrahedra and the STEPS solvers that let them diffuse."""

from multiscale_run.extracellular.amounts import Amounts, refuse_negative
from multiscale_run.extracellular.counts import MOST_MOLECULES, check_counts, refuse_endless, warn_of_shot_noise
from multiscale_run.extracellular.engine import Engine, make_engine
from multiscale_run.extracellular.space import Ion, Space

__all__ = [
    "MOST_MOLECULES",
    "Amounts",
    "Engine",
    "Ion",
    "Space",
    "check_counts",
    "make_engine",
    "refuse_endless",
    "refuse_negative",
    "warn_of_shot_noise",
]
