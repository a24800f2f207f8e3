TITLE endfoot: potassium flows out towards the vessel, which dilates

COMMENT
Neurodamus inserts it in every endfoot and sets R0pas to the mean radius of the vessel segment. All of it rests
exactly at initialisation.

The endfoot's membrane at the vessel passes potassium into the perivascular space (siphoning: Paulson & Newman 1987,
Science 237:896) through Kir4.1 and BK channels (Witthoft, Filosa & Karniadakis 2013, Biophys J 105:2046). BK opens
with depolarisation and with calcium (Filosa et al. 2006, Nat Neurosci 9:1397), which lowers its half activation by up
to `cashift` (form: Gonzalez-Fernandez & Ermentrout 1994, Math Biosci 119:127; values near those for endfeet of
Witthoft & Karniadakis 2012, J Theor Biol 311:80). The cell rests `drive` above the equilibrium of potassium (-75
above -100 mV). Perivascular potassium fills a layer of `depth` and clears with `taup` towards that of the neuropil,
ko; what flows out at rest is cleared.

Perivascular potassium of up to 10 mM opens Kir of the smooth muscle, which hyperpolarises and relaxes (Knot,
Zimmermann & Nelson 1996, J Physiol 492:419; Filosa et al. 2006; Farr & David 2011, J Theor Biol 286:13). The radius
follows a Hill curve with `tauwall`, up to `dilation` (Takano et al. 2006, Nat Neurosci 9:260: 18 % of the diameter).
That it constricts above 15 mM is left out. `gbk`, `depth` and `taup` are chosen together for 1 % after a second of
ordinary activity and 10 % after seconds of the strongest.
ENDCOMMENT

NEURON {
    THREADSAFE
    SUFFIX vascouplingB
    USEION k READ ko WRITE ik
    USEION ca READ cai
    RANGE R0pas, dilation, khalf, hill, tauwall
    RANGE gkir, gbk, drive, vhalf, vslope, cashift, cahalf, depth, taup
}

UNITS {
    (mA) = (milliamp)
    (mV) = (millivolt)
    (mM) = (milli/liter)
    (um) = (micron)
    (S)  = (siemens)
    FARADAY = (faraday) (coulomb)
    R = (k-mole) (joule/degC)
}

PARAMETER {
    gkir     = 2e-4 (S/cm2)
    gbk      = 1.5e-2 (S/cm2)
    drive    = 25   (mV)
    vhalf    = 20   (mV)    : above rest
    vslope   = 6    (mV)
    cashift  = 20   (mV)
    cahalf   = 4e-4 (mM)
    depth    = 0.1  (um)
    taup     = 1000 (ms)
    R0pas    = 3    (um)
    dilation = 0.18 (1)
    khalf    = 7    (mM)
    hill     = 3    (1)
    tauwall  = 1000 (ms)
}

ASSIGNED {
    v (mV)
    celsius (degC)
    ko (mM)
    cai (mM)
    ik (mA/cm2)
}

STATE {             : also what does not obey an equation, so that SaveState keeps it
    kp (mM)         : perivascular
    Rad (um)
    vrest (mV)      : these four at initialisation
    krest (mM)
    carest (mM)
    irest (mA/cm2)
}

INITIAL {
    vrest = v
    krest = ko
    carest = cai
    kp = ko
    Rad = R0pas
    irest = 0
    irest = outflow(v)
    ik = 0
}

BREAKPOINT {
    SOLVE vessel METHOD cnexp
    ik = outflow(v)
}

DERIVATIVE vessel {
    kp' = (1e4)*ik/(FARADAY*depth) - (kp - ko)/taup
    Rad' = (R0pas*(1 + dilation*tone(kp)) - Rad)/tauwall
}

FUNCTION outflow(v (mV)) (mA/cm2) { LOCAL above, shift
    above = v - vrest - (1e3)*R*(celsius + 273.15)/FARADAY*log(kp/krest)
    shift = cashift*(saturation(cai, cahalf, 2) - saturation(carest, cahalf, 2))
    outflow = gkir*above + gbk*(above + drive)/(1 + exp((vhalf - shift - (v - vrest))/vslope)) - irest
}

FUNCTION tone(k (mM)) {         : 0 at rest, 1 at saturation
    tone = (saturation(k, khalf, hill) - saturation(krest, khalf, hill))/(1 - saturation(krest, khalf, hill))
}

FUNCTION saturation(c (mM), half (mM), n) {
    if (c > 0) { saturation = 1/(1 + (half/c)^n) } else { saturation = 0 }
}
