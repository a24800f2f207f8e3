TITLE small-conductance (SK) calcium-activated potassium channel: afterhyperpolarisation

COMMENT
Koehler et al. 1996, Science 273:1709-1714 (SK2: half activation 0.43 uM, Hill 4.8), gating within a few ms
(Hirschberg et al. 1998, J Gen Physiol 111:565-581).
ENDCOMMENT

NEURON {
    THREADSAFE
    SUFFIX ksmall
    USEION k READ ek WRITE ik
    USEION ca READ cai
    RANGE gbar, chalf, hill, ztau
}

INCLUDE "rates.inc"

PARAMETER {
    gbar  = 0      (S/cm2)
    chalf = 4.3e-4 (mM)
    hill  = 4.8    (1)
    ztau  = 5      (ms)
}

ASSIGNED {
    ek (mV)
    ik (mA/cm2)
    cai (mM)
}

STATE { z }

INITIAL { z = open(cai) }

BREAKPOINT {
    SOLVE states METHOD cnexp
    ik = gbar*z*(v - ek)
}

DERIVATIVE states {
    z' = (open(cai) - z)/ztau
}

FUNCTION open(c (mM)) {
    if (c > 0) { open = 1/(1 + (chalf/c)^hill) } else { open = 0 }
}
