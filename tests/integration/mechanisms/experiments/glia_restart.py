"""An astrocyte is saved at 1 s, run to 2 s, restored and run again; whole state at 1 s and 2 s, before and after.

glia_restart.py
"""

from bench import h, report

process, endfoot = h.Section(name="process"), h.Section(name="endfoot")
for section, length, diameter in ((process, 20, 1.5), (endfoot, 10, 3)):
    section.L, section.diam = length, diameter
    section.insert("cadifus")
endfoot.connect(process(1))
endfoot.insert("vascouplingB")
near = h.GlutReceive(process(0.5))
process(0.5).cadifus._ref_glu2 = near._ref_glut
source = h.NetStim()
source.start, source.interval, source.number = 50, 33, 1000
wire = h.NetCon(source, near, 0, 1, 1)


def state() -> list[float]:
    inside, foot = process(0.5).cadifus, endfoot(0.5).vascouplingB
    calcium = [section(0.5).cai for section in (process, endfoot)]
    return [near.glut, inside.cleft, inside.ip3, *calcium, process(0.5).v, endfoot(0.5).v, foot.kp, foot.Rad]


h.stdinit()
h.continuerun(1000)
saved, before = h.SaveState(), [state()]
saved.save()
h.continuerun(2000)
before.append(state())
h.finitialize(-70)
saved.restore()
after = [state()]
h.continuerun(2000)
after.append(state())
report({"before": before, "after": after})
