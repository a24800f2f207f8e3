TITLE fast inactivating sodium channel of cortical neurons

COMMENT
Kinetics of Traub & Miles 1991 (Neuronal Networks of the Hippocampus, Cambridge), in the form fitted to cortical cells
by Pospischil et al. 2008, Biol Cybern 99:427-441 (36 degC); `vshift` places the spike threshold (their V_T).
ENDCOMMENT

NEURON {
    THREADSAFE
    SUFFIX natransient
    USEION na READ ena WRITE ina
    RANGE gbar
    GLOBAL vshift
}

INCLUDE "rates.inc"

PARAMETER {
    gbar   = 0   (S/cm2)
    vshift = -56 (mV)
}

ASSIGNED {
    ena (mV)
    ina (mA/cm2)
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
    ina = gbar*m*m*m*h*(v - ena)
}

DERIVATIVE states {
    rates(v)
    m' = (minf - m)/mtau
    h' = (hinf - h)/htau
}

PROCEDURE rates(v (mV)) { LOCAL a, b, u, speed
    TABLE minf, hinf, mtau, htau DEPEND celsius, vshift FROM -120 TO 100 WITH 2200
    UNITSOFF
    speed = q10(3, 36)
    u = v - vshift
    a = 0.32*linoid(13 - u, 4)
    b = 0.28*linoid(u - 40, 5)
    minf = a/(a + b)
    mtau = 1/(speed*(a + b))
    a = 0.128*exp((17 - u)/18)
    b = 4/(1 + exp((40 - u)/5))
    hinf = a/(a + b)
    htau = 1/(speed*(a + b))
    UNITSON
}
