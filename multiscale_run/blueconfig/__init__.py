"""Converts a BlueConfig, the simulation file before SONATA, to a SONATA simulation configuration.

Format of a BlueConfig and of SONATA's file: https://sonata-extension.readthedocs.io (BlueConfig File Format; SONATA
Simulation Configuration file). What becomes what stands in the tables in `tables/`.
"""

from multiscale_run.blueconfig.convert import Conversion, convert, write_conversion
from multiscale_run.blueconfig.outcome import Entry, Outcome
from multiscale_run.blueconfig.parser import Block, BlueConfig, Setting, read_blueconfig

__all__ = [
    "Block",
    "BlueConfig",
    "Conversion",
    "Entry",
    "Outcome",
    "Setting",
    "convert",
    "read_blueconfig",
    "write_conversion",
]
