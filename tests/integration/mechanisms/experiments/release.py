"""Releases of both synapses with very many vesicles: release.py <Use> <Dep> <Fac> <interval ms>; then with few."""

import sys

from bench import h, report

use, depression, facilitation, interval = map(float, sys.argv[1:])
section = h.Section(name="compartment")
section.insert("restleak")
TRAIN = [10 + interval * i for i in range(8)]


def build(kind: str, vesicles: int):
    synapse = getattr(h, kind)(section(0.5))
    synapse.Use, synapse.Dep, synapse.Fac, synapse.Nrrp = use, depression, facilitation, vesicles
    synapse.setRNG(1, 2, 3)
    return synapse, h.NetCon(None, synapse, 0, 0, 1.0)


def play(synapse, wire) -> list[float]:
    """Vesicles of each release."""
    h.stdinit()
    for time in TRAIN:
        wire.event(time)
    total, out = 0, []
    for time in TRAIN:
        h.continuerun(time + 0.1)
        out.append(synapse.vesicles - total)
        total = synapse.vesicles
    return out


result = {}
for kind in ("ProbAMPANMDA_EMS", "ProbGABAAB_EMS"):
    many = build(kind, 100_000)
    result[kind] = [count / 100_000 for count in play(*many)]
few = build("ProbAMPANMDA_EMS", 3)
result["few"] = [play(*few) for _ in range(2)]
h.minis_single_vesicle_ProbAMPANMDA_EMS = 1
few[1].weight[int(h.nc_type_param_ProbAMPANMDA_EMS)] = 1
result["minis"] = play(*few)
h.init_depleted_ProbAMPANMDA_EMS = 1
h.stdinit()
result["depleted"] = few[0].ready
report(result)
