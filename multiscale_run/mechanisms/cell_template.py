"""The hoc templates of our neurons, as neurodamus and plain NEURON instantiate them: `Template(gid, folder, file)`.

Hoc has no inheritance, so one text defines the template of every electrical type, and a file `hoc/<type>.hoc` only
names the type. Morphology and membrane are built by `cell_builder`.
"""

from neuron import h

from multiscale_run.mechanisms.cell_builder import build, set_initial_concentrations

_TEMPLATE = """
begintemplate {name}
public init, gid, all, somatic, axonal, basal, apical, soma, axon, dend, apic
public nSecAll, nSecSoma, nSecAxonal, nSecAxonalOrig, nSecBasal, nSecApical
public synlist, synHelperList, clear, re_init_rng, replace_axon
external multiscale_run_build
objref this, all, somatic, axonal, basal, apical, synlist, synHelperList
create soma[1], axon[1], dend[1], apic[1]

proc init() {{
    forall delete_section()
    gid = $1
    all = new SectionList()
    somatic = new SectionList()
    axonal = new SectionList()
    basal = new SectionList()
    apical = new SectionList()
    synlist = new List()
    synHelperList = new List()
    nSecAll = nSecSoma = nSecAxonal = nSecAxonalOrig = nSecBasal = nSecApical = 0
    multiscale_run_build.run(this, "{name}", $s2, $s3)
}}
proc clear() {{
    synlist = new List()
    synHelperList = new List()
}}
proc replace_axon() {{}}
proc re_init_rng() {{}}
endtemplate {name}
"""


class _Builder:
    """What the hoc templates call; hoc sees its `run` through the global `multiscale_run_build`."""

    run = staticmethod(build)


def define(electrical_type: str) -> None:
    """Defines the hoc template of an electrical type (a name in electrical_types.csv), once per process."""
    if hasattr(h, electrical_type):
        return
    if not h.name_declared("multiscale_run_build"):
        h("objref multiscale_run_build")
        h.multiscale_run_build = _Builder()
        set_initial_concentrations()
    h(_TEMPLATE.format(name=electrical_type))
