TITLE astrocyte calcium: glutamate makes IP3, IP3 spreads along the processes and releases calcium

COMMENT
Neurodamus inserts it in every astrocyte section and endfoot, and points glu2 at the section's GlutReceive where there is
a tripartite synapse. Each release adds `ip3gain` of IP3; IP3 is degraded with `tauip3` and diffuses (Allbritton, Meyer &
Stryer 1992, Science 258:1812: D of IP3 283 um2/s, of free calcium 223 um2/s). It opens stores with Hill coefficient 2 and half effect
0.3 uM (De Pitta et al. 2009, J Biol Phys 35:383), up to `camax` above rest; calcium is pumped back with `tauca`.
Glia are passive electrically.
ENDCOMMENT

NEURON {
    THREADSAFE
    SUFFIX cadifus
    USEION ca READ cai WRITE cai
    NONSPECIFIC_CURRENT i
    POINTER glu2
    RANGE ip3gain, tauip3, khalf, camax, tauca, caibase, gleak, eleak, seen
    GLOBAL diffusion_ip3, diffusion_ca
}

UNITS {
    (mA) = (milliamp)
    (mV) = (millivolt)
    (mM) = (milli/liter)
    (um) = (micron)
    (S)  = (siemens)
    PI   = (pi) (1)
}

PARAMETER {
    ip3gain = 1e-4  (mM)
    tauip3  = 2000  (ms)
    khalf   = 3e-4  (mM)
    camax   = 1e-3  (mM)
    tauca   = 300   (ms)
    caibase = 5e-5  (mM)
    diffusion_ip3 = 0.283 (um2/ms)
    diffusion_ca = 0.223 (um2/ms)
    gleak   = 1e-3  (S/cm2)
    eleak   = -80   (mV)
}

ASSIGNED {
    v (mV)
    i (mA/cm2)
    diam (um)
    glu2
    seen            : releases already turned into IP3
    cross (um2)
}

STATE {
    cai (mM)
    ip3 (mM)
}

INITIAL {
    cross = PI*diam*diam/4
    seen = 0
    ip3 = 0
    cai = caibase
}

BREAKPOINT {
    SOLVE spread METHOD sparse
    i = gleak*(v - eleak)
}

AFTER SOLVE {
    if (nrn_pointing(glu2)) {
        ip3 = ip3 + ip3gain*(glu2 - seen)
        seen = glu2
    }
}

KINETIC spread {
    COMPARTMENT cross {ip3 cai}
    LONGITUDINAL_DIFFUSION diffusion_ip3*cross {ip3}
    LONGITUDINAL_DIFFUSION diffusion_ca*cross {cai}
    ~ ip3 << (-ip3/tauip3*cross)
    ~ cai << ((camax*ip3*ip3/(ip3*ip3 + khalf*khalf) - (cai - caibase))/tauca*cross)
}
