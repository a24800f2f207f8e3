TITLE slow muscarinic (M-type) potassium channel: spike-frequency adaptation

COMMENT
Adams, Brown & Constanti 1982, J Physiol 330:537-572 (V_half -35 mV, slope 5 mV, as used for layer 5 pyramidal cells by
Hay et al. 2011, PLoS Comput Biol 7:e1002107); rate 3.3e-3 /ms at V_half and 21 degC, Q10 2.3.
ENDCOMMENT

NEURON {
    THREADSAFE
    SUFFIX kmuscarinic
    USEION k READ ek WRITE ik
    RANGE gbar
}

INCLUDE "rates.inc"

PARAMETER { gbar = 0 (S/cm2) }

ASSIGNED {
    ek (mV)
    ik (mA/cm2)
    minf
    mtau (ms)
}

STATE { m }

INITIAL {
    rates(v)
    m = minf
}

BREAKPOINT {
    SOLVE states METHOD cnexp
    ik = gbar*m*(v - ek)
}

DERIVATIVE states {
    rates(v)
    m' = (minf - m)/mtau
}

PROCEDURE rates(v (mV)) { LOCAL opening, closing, speed
    TABLE minf, mtau DEPEND celsius FROM -120 TO 100 WITH 2200
    UNITSOFF
    speed = q10(2.3, 21)
    opening = 3.3e-3*exp(0.1*(v + 35))
    closing = 3.3e-3*exp(-0.1*(v + 35))
    minf = opening/(opening + closing)
    mtau = 1/(speed*(opening + closing))
    UNITSON
}
