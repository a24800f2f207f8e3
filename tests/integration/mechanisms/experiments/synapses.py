"""Currents of open synapses in a voltage-clamped compartment: total and by ion, around the reversal potentials."""

from bench import h, report

VOLTAGES = (-90, -65, -30, -1e-6, 0, 1e-6, 30)

section = h.Section(name="compartment")
section.L = section.diam = 10
section.insert("ionpools")
section.insert("restleak")
section.insert("nakpump")
excitatory, inhibitory = h.ProbAMPANMDA_EMS(section(0.5)), h.ProbGABAAB_EMS(section(0.5))
excitatory.Use = inhibitory.Use = 1
inhibitory.GABAB_ratio = 0.5
wires = [h.NetCon(None, synapse, 0, 0, 2.0) for synapse in (excitatory, inhibitory)]
h.stdinit()
for wire in wires:
    wire.event(1)
h.continuerun(2)
segment = section(0.5)


def currents(voltage: float) -> dict[str, float]:
    segment.v = voltage
    h.fcurrent()
    return {
        "v": voltage,
        "ampa": excitatory.g_AMPA,
        "nmda": excitatory.g_NMDA,
        "total": excitatory.i,
        **{name: getattr(excitatory, name) for name in ("ina", "ik", "ica")},
        "gaba_a": (inhibitory.icl, inhibitory.g_GABAA, segment.ecl),
        "gaba_b": (inhibitory.ik, inhibitory.g_GABAB, segment.ek),
        "eca": segment.eca,
    }


report([currents(voltage) for voltage in VOLTAGES])
