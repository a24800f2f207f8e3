"""Responses to current steps at the soma: firing.py <electrical type> <ms> <nA> [<nA> ...]."""

import sys

import numpy as np
from bench import clamp, h, neuron, read, report, run, segments, spikes

electrical_type, duration = sys.argv[1], float(sys.argv[2])
cell = neuron(electrical_type)
volume = np.array([segment.volume() for segment in segments(cell)])
voltage = h.Vector().record(cell.soma[0](0.5)._ref_v)
detector, times = spikes(cell)


def step(amplitude: float) -> dict:
    electrode = clamp(cell, amplitude, 0, duration)
    run(duration)
    del electrode
    return {
        "spikes": times.as_numpy().copy(),
        "voltage": voltage.as_numpy().copy(),
        "demand": np.average(read(cell, "nakpump.qatp"), weights=volume) / duration * 1e3,
        "nai": np.average(read(cell, "nai"), weights=volume),
    }


report([step(float(amplitude)) for amplitude in sys.argv[3:]])
