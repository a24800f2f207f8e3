"""Pump current of a membrane patch over concentrations and voltages: pump.py '[{"nai": 5}, ...]'."""

import json
import sys

from bench import h, report

BASE = {"nai": 10, "ko": 3, "atpi": 1.4, "adpi": 0.03, "ki": 135, "nao": 145, "v": -65}

patch = h.Section(name="patch")
patch.L = patch.diam = 2
patch.insert("nakpump")
h.finitialize(-65)
segment = patch(0.5)


def current(**values: float) -> float:
    for name, value in (BASE | values).items():
        setattr(segment, name, value)
    h.fcurrent()
    return segment.nakpump.ipump, segment.ina, segment.ik


report([current(**point) for point in json.loads(sys.argv[1])])
