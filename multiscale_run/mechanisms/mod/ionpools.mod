TITLE ion pools of a compartment: intracellular Na, K, Cl, Ca and extracellular K

COMMENT
Every pool obeys d[X]/dt = -i_X / (z F) * 4 / diam for a cylinder whose membrane carries i_X. Extracellular K fills a
shell that is `volume_ratio` times smaller than the compartment and clears towards `kbath` with `tauko` (glial uptake
and diffusion lumped: Kager, Wadman & Somjen 2000, J Neurophysiol 84:495). Calcium enters a submembrane shell of which
a fraction `gammaca` stays free, and decays with `tauca` (Destexhe, Mainen & Sejnowski 1994, Neural Comput 6:14).
Chloride starts at its passive distribution, so that the chloride leak carries no current at rest.

qna, qk, qca, qcl are the charges the pools have seen since finitialize, summed from the same currents over the same
steps: nai - nai(0) = -qna * factor holds to round-off, so that a current averaged over any window conserves mass.
ENDCOMMENT

NEURON {
    THREADSAFE
    SUFFIX ionpools
    USEION na READ ina WRITE nai
    USEION k  READ ik  WRITE ki, ko
    USEION ca READ ica WRITE cai
    USEION cl READ icl, clo WRITE cli VALENCE -1
    RANGE kbath, tauko, volume_ratio, gammaca, tauca, depthca, caibase, factor
    RANGE qna, qk, qca, qcl
}

UNITS {
    (mA) = (milliamp)
    (mV) = (millivolt)
    (mM) = (milli/liter)
    (um) = (micron)
    FARADAY = (faraday) (coulomb)
    R = (k-mole) (joule/degC)
}

PARAMETER {
    kbath        = 3    (mM)
    tauko        = 100  (ms)
    volume_ratio = 5    (1)     : intracellular / extracellular shell volume
    gammaca      = 0.02 (1)     : unbuffered fraction
    tauca        = 80   (ms)
    depthca      = 0.1  (um)
    caibase      = 5e-5 (mM)
}

ASSIGNED {
    v (mV)
    celsius (degC)
    diam (um)
    clo (mM)
    ina (mA/cm2)
    ik (mA/cm2)
    ica (mA/cm2)
    icl (mA/cm2)
    factor (mM-cm2/mA/ms)       : current density to concentration rate, monovalent, whole cross-section
    factorca (mM-cm2/mA/ms)
}

STATE {
    nai (mM)
    ki (mM)
    ko (mM)
    cai (mM)
    cli (mM)
    qna (mA-ms/cm2)
    qk (mA-ms/cm2)
    qca (mA-ms/cm2)
    qcl (mA-ms/cm2)
}

INITIAL {
    factor = (1e4)*4/(FARADAY*diam)
    factorca = (1e4)*gammaca/(2*FARADAY*depthca)
    cli = clo*exp((1e-3)*v*FARADAY/(R*(celsius + 273.15)))
    qna = 0
    qk = 0
    qca = 0
    qcl = 0
}

BREAKPOINT {
    SOLVE accumulate METHOD cnexp
}

DERIVATIVE accumulate {
    nai' = -ina*factor
    ki'  = -ik*factor
    ko'  = ik*factor*volume_ratio - (ko - kbath)/tauko
    cai' = -ica*factorca - (cai - caibase)/tauca
    cli' = icl*factor
    qna' = ina
    qk'  = ik
    qca' = ica
    qcl' = icl
}
