TITLE endfoot calcium sets the radius of the vessel segment that it wraps

COMMENT
Neurodamus inserts it in every endfoot and sets R0pas to the mean radius of the vessel segment. Calcium of the endfoot
dilates the vessel (Mulligan & MacVicar 2004, Nature 431:195; Takano et al. 2006, Nat Neurosci 9:260: up to 18 % of the
diameter) along a Hill curve, and the wall follows with `tauwall`. At resting calcium the vessel has its rest radius.
ENDCOMMENT

NEURON {
    THREADSAFE
    SUFFIX vascouplingB
    USEION ca READ cai
    RANGE R0pas, Rad, dilation, khalf, hill, tauwall, caibase
}

UNITS {
    (mM) = (milli/liter)
    (um) = (micron)
}

PARAMETER {
    R0pas    = 3    (um)
    dilation = 0.18 (1)
    khalf    = 3e-4 (mM)
    hill     = 3    (1)
    tauwall  = 1000 (ms)
    caibase  = 5e-5 (mM)
}

ASSIGNED { cai (mM) }

STATE { Rad (um) }

INITIAL { Rad = R0pas }

BREAKPOINT { SOLVE wall METHOD cnexp }

DERIVATIVE wall {
    Rad' = (R0pas*(1 + dilation*tone(cai)) - Rad)/tauwall
}

FUNCTION tone(c (mM)) {         : 0 at rest, 1 at saturation
    tone = (bound(c) - bound(caibase))/(1 - bound(caibase))
}

FUNCTION bound(c (mM)) {
    if (c > 0) { bound = 1/(1 + (khalf/c)^hill) } else { bound = 0 }
}
