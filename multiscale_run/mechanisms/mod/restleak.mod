TITLE leaks that make the state at initialisation a steady state, ion by ion

COMMENT
Whatever channels and pumps a compartment holds, its sodium and potassium leak conductances are found at every
initialisation from the currents at v_init, so that the net current of each ion is zero. Calcium that leaks in through
channels at rest is balanced by a constant extrusion (plasma-membrane Ca-ATPase). The chloride leak gives the membrane
most of its resting conductance at no metabolic cost: ionpools starts chloride in equilibrium, so it carries no current at rest.

All currents are known for the first time when NEURON runs the BEFORE STEP blocks of finitialize. A rest that would need
a negative conductance is no rest, and is refused.
ENDCOMMENT

NEURON {
    THREADSAFE
    SUFFIX restleak
    USEION na READ ena, ina WRITE ina
    USEION k  READ ek, ik WRITE ik
    USEION ca READ ica WRITE ica
    USEION cl READ ecl WRITE icl VALENCE -1
    RANGE gcl, gna, gk, icaextrusion, gid, balanced
}

UNITS {
    (mA) = (milliamp)
    (mV) = (millivolt)
    (S)  = (siemens)
}

PARAMETER {
    gcl = 5e-5 (S/cm2)
    gid = -1            : of the cell, for the error message
}

ASSIGNED {
    v (mV)
    ena (mV)
    ek (mV)
    ecl (mV)
    ina (mA/cm2)
    ik (mA/cm2)
    ica (mA/cm2)
    icl (mA/cm2)
    gna (S/cm2)
    gk (S/cm2)
    icaextrusion (mA/cm2)
    balanced
}

INITIAL {
    gna = 0
    gk = 0
    icaextrusion = 0
    balanced = 0
}

BREAKPOINT {
    ina = gna*(v - ena)
    ik = gk*(v - ek)
    ica = icaextrusion
    icl = gcl*(v - ecl)
}

BEFORE STEP {                   : NEURON adds what this block leaves in ina, ik, ica, icl to the ions' totals
    icl = 0
    if (balanced) {
        ina = 0
        ik = 0
        ica = 0
    } else {
        balanced = 1
        ina = -ina
        ik = -ik
        ica = -ica
        gna = ina/(v - ena)
        gk = ik/(v - ek)
        icaextrusion = ica
        refuse_negative()
    }
}

PROCEDURE refuse_negative() {
    if (gna < 0 || gk < 0 || icaextrusion < 0) {
VERBATIM
        char message[512];
        snprintf(message, sizeof(message),
                 "cell gid %g cannot rest at v_init = %g mV: it would need a leak of gna = %g, gk = %g S/cm2 and a calcium "
                 "extrusion of %g mA/cm2, none of which may be negative; raise nakpump.density or lower the resting "
                 "conductance of its channels", gid, v, gna, gk, icaextrusion);
        hoc_execerror("restleak:", message);
ENDVERBATIM
    }
}
