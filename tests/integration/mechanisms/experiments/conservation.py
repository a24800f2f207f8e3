"""Pools, charges and ATP of a busy cell with every kind of synapse: conservation.py <electrical type>."""

import sys

import numpy as np
from bench import FARADAY, clamp, h, neuron, read, report, segments

cell = neuron(sys.argv[1])
electrode = clamp(cell, 0.4, 20, 200)
dendrite = next(iter(cell.basal))
excitatory, inhibitory = h.ProbAMPANMDA_EMS(dendrite(0.5)), h.ProbGABAAB_EMS(dendrite(0.5))
inhibitory.GABAB_ratio = 0.3
source = h.NetStim()
source.start, source.interval, source.number = 5, 7, 30
wires = [h.NetCon(source, synapse, 0, 1, 2.0) for synapse in (excitatory, inhibitory)]
names = ("nai", "ki", "cli", "atpi", "adpi")

h.stdinit()
start = {name: read(cell, name) for name in names}
h.continuerun(220)
change = {name: read(cell, name) - start[name] for name in names}
atp, adp = read(cell, "atpi"), read(cell, "adpi")
kinase_ratio = adp**2 / (atp * (h.adenylates_nakpump - atp - adp))
charge = {ion: read(cell, f"ionpools.q{ion}") for ion in ("na", "k", "cl")}
factor = 4e4 / (FARADAY * np.array([segment.diam for segment in segments(cell)]))
consumed = read(cell, "nakpump.qatp")


def error(found: np.ndarray, expected: np.ndarray) -> float:
    return np.max(np.abs(found - expected)) / np.max(np.abs(expected))


released = excitatory.released
h.stdinit()
restarted = [read(cell, f"ionpools.q{ion}") for ion in ("na", "k", "ca", "cl")]
report(
    {
        "nai": error(change["nai"], -factor * charge["na"]),
        "ki": error(change["ki"], -factor * charge["k"]),
        "cli": error(change["cli"], factor * charge["cl"]),
        "bonds": error(2 * change["atpi"] + change["adpi"], -consumed),
        "adenylate_kinase": np.max(np.abs(kinase_ratio / 0.92 - 1)),
        "released": released,
        "largest_sodium_change": np.max(change["nai"]),
        "charges_after_restart": np.max(np.abs(restarted)),
    }
)
