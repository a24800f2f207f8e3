TITLE astrocyte: releases raise potassium outside, which depolarises it, and make IP3, which releases calcium

COMMENT
Neurodamus inserts it in every astrocyte section and endfoot, and points glu2 at the section's GlutReceive where there
is a tripartite synapse. All of it rests exactly at initialisation.

Potassium (fast). Each release raises the potassium around the section by `kgain` as long as it is low, and never by
more than `kmax` (ceiling of 10 to 12 mM: Heinemann & Lux 1977, Brain Res 120:231); it clears with `tauk` towards that
of the neuropil, `kbath`, which others may set in the course of a run. Glia are potassium electrodes (Kuffler,
Nicholls & Orkand 1966, J Neurophysiol 29:768; Kir4.1: Djukic et al. 2007, J Neurosci 27:11354) of low resistance: the
membrane is driven to the potential where it was initialised, shifted as potassium's equilibrium is; the cable carries
it to the endfeet. A release stands for those of the neighbours that a sampled circuit lacks; `kgain` is less where
synapses are complete.

IP3 (slow). Each release adds up to `ip3gain` of IP3, never above `ip3max`; IP3 is degraded with `tauip3` and diffuses
(Allbritton, Meyer & Stryer 1992, Science 258:1812: D of IP3 283 um2/s, of free calcium 223 um2/s). It opens stores
with Hill coefficient 2 and half effect 0.3 uM (De Pitta et al. 2009, J Biol Phys 35:383), up to `camax` above rest;
calcium is pumped back with `tauca`.
ENDCOMMENT

NEURON {
    THREADSAFE
    SUFFIX cadifus
    USEION k WRITE ko
    USEION ca READ cai WRITE cai
    NONSPECIFIC_CURRENT i
    POINTER glu2
    RANGE kbath, kgain, kmax, tauk, gleak, ip3gain, ip3max, tauip3, khalf, camax, tauca, caibase
    GLOBAL diffusion_ip3, diffusion_ca
}

UNITS {
    (mA) = (milliamp)
    (mV) = (millivolt)
    (mM) = (milli/liter)
    (um) = (micron)
    (S)  = (siemens)
    FARADAY = (faraday) (coulomb)
    R = (k-mole) (joule/degC)
    PI   = (pi) (1)
}

PARAMETER {
    kbath   = 3     (mM)
    kgain   = 1     (mM)
    kmax    = 8     (mM)
    tauk    = 300   (ms)
    gleak   = 1e-3  (S/cm2)
    ip3gain = 5e-4  (mM)
    ip3max  = 5e-3  (mM)
    tauip3  = 2000  (ms)
    khalf   = 3e-4  (mM)
    camax   = 1e-3  (mM)
    tauca   = 300   (ms)
    caibase = 5e-5  (mM)
    diffusion_ip3 = 0.283 (um2/ms)
    diffusion_ca = 0.223 (um2/ms)
}

ASSIGNED {
    v (mV)
    celsius (degC)
    diam (um)
    i (mA/cm2)
    ko (mM)         : outside: the neuropil's and what releases have added
    glu2
    cross (um2)
}

STATE {             : also what does not obey an equation, so that SaveState keeps it
    cai (mM)
    ip3 (mM)
    cleft (mM)      : potassium that releases have added
    seen            : releases already accounted for
    vrest (mV)      : v and kbath at initialisation
    krest (mM)
}

INITIAL {
    cross = PI*diam*diam/4
    vrest = v
    krest = kbath
    cleft = 0
    seen = 0
    ip3 = 0
    cai = caibase
    add_up()
}

BREAKPOINT {
    SOLVE spread METHOD sparse
    add_up()
    i = gleak*(v - vrest - (1e3)*R*(celsius + 273.15)/FARADAY*log(ko/krest))
}

AFTER SOLVE {
    if (nrn_pointing(glu2)) {
        cleft = filled(cleft, kmax, kgain*(glu2 - seen))
        ip3 = filled(ip3, ip3max, ip3gain*(glu2 - seen))
        seen = glu2
    }
}

KINETIC spread {
    COMPARTMENT cross {ip3 cai}
    LONGITUDINAL_DIFFUSION diffusion_ip3*cross {ip3}
    LONGITUDINAL_DIFFUSION diffusion_ca*cross {cai}
    ~ cleft << (-cleft/tauk)
    ~ ip3 << (-ip3/tauip3*cross)
    ~ cai << ((camax*ip3*ip3/(ip3*ip3 + khalf*khalf) - (cai - caibase))/tauca*cross)
}

PROCEDURE add_up() {
    ko = kbath + cleft
}

FUNCTION filled(x (mM), limit (mM), dose (mM)) (mM) {       : x + dose far below the limit, never above it
    filled = limit - (limit - x)*exp(-dose/limit)
}
