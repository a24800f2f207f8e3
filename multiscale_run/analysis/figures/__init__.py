"""Figures for a paper or a screen: functions that take arrays and return a matplotlib figure.

All have the same style: 8 point letters, units on the axes, Okabe and Ito's colours, and by default the width of a
column (85 mm; ``width_mm=PAGE_MM`` for the page). ``figure.savefig("name.pdf")`` keeps text as text.
"""

from multiscale_run.analysis.figures.budget import energy_budget
from multiscale_run.analysis.figures.raster import raster
from multiscale_run.analysis.figures.run import living_neurons, profile_bars
from multiscale_run.analysis.figures.slices import cross_section, slices
from multiscale_run.analysis.figures.style import COLUMN_MM, PAGE_MM, ColourScale, Picture
from multiscale_run.analysis.figures.time_series import time_series, traces
from multiscale_run.analysis.figures.vessels import vessel_graph

__all__ = [
    "COLUMN_MM",
    "PAGE_MM",
    "ColourScale",
    "Picture",
    "cross_section",
    "energy_budget",
    "living_neurons",
    "profile_bars",
    "raster",
    "slices",
    "time_series",
    "traces",
    "vessel_graph",
]
