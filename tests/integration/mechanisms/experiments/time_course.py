"""Conductance of one deterministic release of 3 nS: peak, time of the peak, value 20 ms after it."""

import numpy as np
from bench import h, report

h.dt = 0.001
section = h.Section(name="compartment")
section.insert("restleak")
courses = {}
for kind, names in (("ProbAMPANMDA_EMS", ("g_AMPA",)), ("ProbGABAAB_EMS", ("g_GABAA",))):
    synapse = getattr(h, kind)(section(0.5))
    synapse.Use = 1
    wire = h.NetCon(None, synapse, 0, 0, 3.0)
    vectors = {name: h.Vector().record(getattr(synapse, f"_ref_{name}")) for name in names}
    h.stdinit()
    wire.event(1)
    h.continuerun(25)
    for name, vector in vectors.items():
        course = vector.as_numpy()
        peak = int(np.argmax(course))
        courses[name] = {"peak": course[peak], "time": peak * h.dt - 1, "later": course[peak + 5000]}
report(courses)
