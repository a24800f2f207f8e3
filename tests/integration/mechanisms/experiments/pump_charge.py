"""ATP consumed by a firing compartment, and the charge its pump moved, summed step by step outside the mechanism."""

from bench import FARADAY, h, report

section = h.Section(name="compartment")
section.L = section.diam = 10
for mechanism in ("ionpools", "nakpump", "restleak", "natransient", "kdelayed"):
    section.insert(mechanism)
section.gbar_natransient, section.gbar_kdelayed = 0.05, 0.01
electrode = h.IClamp(section(0.5))
electrode.amp, electrode.delay, electrode.dur = 0.05, 1, 1e9
h.stdinit()
segment, moved = section(0.5), 0.0


def bonds():
    return 2 * segment.atpi + segment.adpi


start = bonds()
while h.t < 100 - 1e-9:
    h.fadvance()
    moved += segment.nakpump.ipump * h.dt
report({"consumed": start - bonds(), "moved": moved * 4e4 / (FARADAY * segment.diam), "v": segment.v})
