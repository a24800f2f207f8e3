"""An astrocyte as neurodamus assembles it, with glutamate at one process and a vessel at its endfoot.

glia.py <number of presynaptic spikes> <interval ms> <stop ms>
"""

import sys

from bench import h, report

count, interval, stop = map(float, sys.argv[1:])
postsynaptic = h.Section(name="postsynaptic")
postsynaptic.insert("restleak")
synapse = h.ProbAMPANMDA_EMS(postsynaptic(0.5))
synapse.Use, synapse.Nrrp, synapse.Dep = 0.6, 2, 100
synapse.setRNG(4, 5, 6)
source = h.NetStim()
source.start, source.interval, source.number = 100, interval, count
wire = h.NetCon(source, synapse, 0, 0.5, 1.0)

soma, process, endfoot = (h.Section(name=name) for name in ("soma", "process", "endfoot"))
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
h.stdinit()
h.continuerun(stop)
report(
    {
        "released": synapse.released,
        "vesicles": synapse.vesicles,
        "crossings": crossings.size(),
        "near": near.glut,
        "whole": whole.total,
        "burst": whole.glut,
        "calcium": {section.name(): section(0.5).cai for section in (soma, process, endfoot)},
        "radius": endfoot(0.5).vascouplingB.Rad,
    }
)
