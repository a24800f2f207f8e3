TITLE high-voltage-activated calcium channel

COMMENT
Reuveni, Friedman, Amitai & Gutnick 1993, J Neurosci 13:4609-4621, as used at 36 degC by Pospischil et al. 2008,
Biol Cybern 99:427-441.
ENDCOMMENT

NEURON {
    THREADSAFE
    SUFFIX cahighvoltage
    USEION ca READ eca WRITE ica
    RANGE gbar
}

INCLUDE "rates.inc"

PARAMETER { gbar = 0 (S/cm2) }

ASSIGNED {
    eca (mV)
    ica (mA/cm2)
    minf
    hinf
    mtau (ms)
    htau (ms)
}

STATE { m h }

INITIAL {
    rates(v)
    m = minf
    h = hinf
}

BREAKPOINT {
    SOLVE states METHOD cnexp
    ica = gbar*m*m*h*(v - eca)
}

DERIVATIVE states {
    rates(v)
    m' = (minf - m)/mtau
    h' = (hinf - h)/htau
}

PROCEDURE rates(v (mV)) { LOCAL a, b, speed
    TABLE minf, hinf, mtau, htau DEPEND celsius FROM -120 TO 100 WITH 2200
    UNITSOFF
    speed = q10(2.3, 36)
    a = 0.055*linoid(-27 - v, 3.8)
    b = 0.94*exp((-75 - v)/17)
    minf = a/(a + b)
    mtau = 1/(speed*(a + b))
    a = 0.000457*exp((-13 - v)/50)
    b = 0.0065/(1 + exp((-15 - v)/28))
    hinf = a/(a + b)
    htau = 1/(speed*(a + b))
    UNITSON
}
