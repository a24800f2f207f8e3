"""Sections of a cell from a file, as neurodamus finds them: cells.py <electrical type> <morphology>."""

import sys

from bench import neuron, report

cell = neuron(sys.argv[1], sys.argv[2])
lists = ("somatic", "axonal", "basal", "apical")
ids = {name: [section(0.0001).v for section in getattr(cell, name)] for name in lists}
report(
    {
        "ids": ids,
        "counts": [cell.nSecAll, cell.nSecSoma, cell.nSecAxonalOrig, cell.nSecBasal, cell.nSecApical],
        "area": {name: sum(s.area() for section in getattr(cell, name) for s in section) for name in lists},
        "all": [section.name().split(".")[1] for section in cell.all],
        "unconnected": sum(section.parentseg() is None for section in cell.all),
        "longest": max(section.L / section.nseg for section in cell.all),
        "initial_segment": [section.L for section in cell.axonal],
        "points": min(section.n3d() for section in cell.all),
    }
)
