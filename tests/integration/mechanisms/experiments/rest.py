"""A cell at rest for a second, its ATP kept by a metabolism: rest.py <electrical type> <pump density>."""

import sys

import numpy as np
from bench import POOLS, h, neuron, read, report, run, write

electrical_type, density = sys.argv[1], float(sys.argv[2])
cell = neuron(electrical_type)
write(cell, "nakpump.density", density)
first_segment = cell.soma[0](0.5)
recorded = {name: h.Vector().record(getattr(first_segment, f"_ref_{name}")) for name in ("ina", "ik", "ica", "icl")}

h.stdinit()
start = {name: read(cell, name) for name in (*POOLS, "v")}
drift = dict.fromkeys(start, 0.0)
for stop in range(10, 1001, 10):
    h.continuerun(stop)
    for name in ("atpi", "adpi"):
        for segment in (segment for section in cell.all for segment in section):
            setattr(segment, name, getattr(h, f"{name}0_{name[:3]}_ion"))
    for name, initial in start.items():
        drift[name] = max(drift[name], np.max(np.abs(read(cell, name) / initial - 1)))

leaks = {name: read(cell, f"restleak.{name}") for name in ("gna", "gk", "icaextrusion")}
volume = np.array([segment.volume() for section in cell.all for segment in section])
run(100)
once = [vector.as_numpy().copy() for vector in recorded.values()], read(cell, "v")
run(100)
twice = [vector.as_numpy().copy() for vector in recorded.values()], read(cell, "v")
demand = read(cell, "nakpump.qatp") / 0.1  # mM/s
same = [bool(np.array_equal(a, b)) for a, b in zip([*once[0], once[1]], [*twice[0], twice[1]], strict=True)]
report(
    {
        "drift": drift,
        "leaks": {name: [values.min(), values.max()] for name, values in leaks.items()},
        "current_at_zero": {name: vector[0] for name, vector in recorded.items()},
        "repeats": all(same),
        "demand": np.average(demand, weights=volume),
    }
)
