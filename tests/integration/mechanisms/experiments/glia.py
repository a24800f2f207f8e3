"""An astrocyte as neurodamus assembles it, with glutamate at one process and a vessel at its endfoot.

glia.py <number of presynaptic spikes> <interval ms> <stop ms> [<variable>=<value>[@<ms>] ...]

The first spike is at 100 ms. A variable, such as kgain_cadifus, is set wherever it exists: before initialisation, or
in the course of the run at the given time.
"""

import sys

import numpy as np
from bench import h, report

SAMPLE = 20
count, interval, stop = map(float, sys.argv[1:4])
postsynaptic = h.Section(name="postsynaptic")
postsynaptic.insert("restleak")
synapse = h.ProbAMPANMDA_EMS(postsynaptic(0.5))
synapse.Use, synapse.Nrrp, synapse.Dep = 0.6, 2, 100
synapse.setRNG(4, 5, 6)
source = h.NetStim()
source.start, source.interval, source.number = 100, interval, count
wire = h.NetCon(source, synapse, 0, 0.5, 1.0)

soma, process, endfoot = glia = [h.Section(name=name) for name in ("soma", "process", "endfoot")]
for section, length, diameter in ((soma, 8, 8), (process, 20, 1.5), (endfoot, 10, 3)):
    section.L, section.diam = length, diameter
    section.insert("cadifus")
process.connect(soma(1))
endfoot.connect(soma(0))
endfoot.insert("vascouplingB")
endfoot.R0pas_vascouplingB = 4.0
near, whole = h.GlutReceive(process(0.5)), h.GlutReceiveSoma(soma(0.5))
process(0.5).cadifus._ref_glu2 = near._ref_glut
listeners = [h.NetCon(synapse._ref_Ustate, target, 0, 0.05, 1, sec=postsynaptic) for target in (near, whole)]
crossings = h.Vector()
listeners[0].record(crossings)
h.cai0_ca_ion = 5e-5


def put(name: str, value: float) -> None:
    for section in glia:
        if hasattr(section(0.5), name):
            setattr(section(0.5), name, value)


later = []
for assignment in sys.argv[4:]:
    name, value, time = assignment.replace("=", "@").split("@") + ["0"] * ("@" not in assignment)
    if float(time):
        later.append((float(time), name, float(value)))
    else:
        put(name, float(value))
recorded = {
    "v": process(0.5)._ref_v,
    "endfoot_v": endfoot(0.5)._ref_v,
    "cleft": process(0.5)._ref_ko,
    "ip3": process(0.5).cadifus._ref_ip3,
    "endfoot_ip3": endfoot(0.5).cadifus._ref_ip3,
    "process_ca": process(0.5)._ref_cai,
    "endfoot_ca": endfoot(0.5)._ref_cai,
    "perivascular": endfoot(0.5).vascouplingB._ref_kp,
    "radius": endfoot(0.5).vascouplingB._ref_Rad,
}
traces = {name: h.Vector().record(reference, SAMPLE) for name, reference in recorded.items()}
h.stdinit()
for when, name, value in sorted(later):
    h.continuerun(when)
    put(name, value)
h.continuerun(stop)
report(
    {
        "released": synapse.released,
        "vesicles": synapse.vesicles,
        "crossings": crossings.size(),
        "near": near.glut,
        "whole": whole.total,
        "burst": whole.glut,
        "calcium": {section.name(): section(0.5).cai for section in glia},
        "radius": endfoot(0.5).vascouplingB.Rad,
        "sample": SAMPLE,
        "traces": {name: np.array(vector) for name, vector in traces.items()},
    }
)
