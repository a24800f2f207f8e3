TITLE delayed rectifier potassium channel of cortical neurons

COMMENT
Kinetics of Traub & Miles 1991 (Neuronal Networks of the Hippocampus, Cambridge), in the form fitted to cortical cells
by Pospischil et al. 2008, Biol Cybern 99:427-441 (36 degC); `vshift` is the one of natransient (their V_T).
ENDCOMMENT

NEURON {
    THREADSAFE
    SUFFIX kdelayed
    USEION k READ ek WRITE ik
    RANGE gbar
    GLOBAL vshift
}

INCLUDE "rates.inc"

PARAMETER {
    gbar   = 0   (S/cm2)
    vshift = -56 (mV)
}

ASSIGNED {
    ek (mV)
    ik (mA/cm2)
    ninf
    ntau (ms)
}

STATE { n }

INITIAL {
    rates(v)
    n = ninf
}

BREAKPOINT {
    SOLVE states METHOD cnexp
    ik = gbar*n*n*n*n*(v - ek)
}

DERIVATIVE states {
    rates(v)
    n' = (ninf - n)/ntau
}

PROCEDURE rates(v (mV)) { LOCAL a, b, u, speed
    TABLE ninf, ntau DEPEND celsius, vshift FROM -120 TO 100 WITH 2200
    UNITSOFF
    speed = q10(3, 36)
    u = v - vshift
    a = 0.032*linoid(15 - u, 5)
    b = 0.5*exp((10 - u)/40)
    ninf = a/(a + b)
    ntau = 1/(speed*(a + b))
    UNITSON
}
