TITLE inhibitory synapse: GABA-A receptors carrying chloride, GABA-B receptors carrying potassium

COMMENT
Neurodamus builds it by this name through GABAABHelper.hoc. GABA-A: biexponential, reversal ecl. GABA-B: biexponential
with the slow time course of Destexhe & Sejnowski 1995 (PNAS 92:9515), reversal ek; its share is `GABAB_ratio`. Weights are peak conductances in nS.
ENDCOMMENT

NEURON {
    THREADSAFE
    POINT_PROCESS ProbGABAAB_EMS
    USEION cl READ ecl WRITE icl VALENCE -1
    USEION k  READ ek  WRITE ik
    RANGE tau_r_GABAA, tau_d_GABAA, tau_r_GABAB, tau_d_GABAB, GABAB_ratio
    RANGE g_GABAA, g_GABAB, icl, ik, i
}

INCLUDE "release.inc"

PARAMETER {
    tau_r_GABAA = 0.2   (ms)
    tau_d_GABAA = 8     (ms)
    tau_r_GABAB = 3.5   (ms)
    tau_d_GABAB = 260.9 (ms)
    GABAB_ratio = 0     (1)
}

ASSIGNED {
    ecl (mV)
    ek (mV)
    icl (nA)
    ik (nA)
    i (nA)
    g_GABAA (uS)
    g_GABAB (uS)
    peak_GABAA
    peak_GABAB
}

STATE {
    rise_GABAA (uS)
    decay_GABAA (uS)
    rise_GABAB (uS)
    decay_GABAB (uS)
}

INITIAL {
    rise_GABAA = 0
    decay_GABAA = 0
    rise_GABAB = 0
    decay_GABAB = 0
    peak_GABAA = unit_peak(tau_r_GABAA, tau_d_GABAA)
    peak_GABAB = unit_peak(tau_r_GABAB, tau_d_GABAB)
    start_release()
}

BREAKPOINT {
    SOLVE states METHOD cnexp
    g_GABAA = decay_GABAA - rise_GABAA
    g_GABAB = decay_GABAB - rise_GABAB
    icl = g_GABAA*(v - ecl)
    ik = g_GABAB*(v - ek)
    i = icl + ik
}

DERIVATIVE states {
    rise_GABAA' = -rise_GABAA/tau_r_GABAA
    decay_GABAA' = -decay_GABAA/tau_d_GABAA
    rise_GABAB' = -rise_GABAB/tau_r_GABAB
    decay_GABAB' = -decay_GABAB/tau_d_GABAB
}

NET_RECEIVE (weight (nS), nc_type) { LOCAL jump
    INITIAL { nc_type = nc_type }       : or NEURON would clear it
    if (weight > 0) {
        jump = (1e-3)*weight*release(t, nc_type)/Nrrp
        rise_GABAA = rise_GABAA + jump*peak_GABAA
        decay_GABAA = decay_GABAA + jump*peak_GABAA
        rise_GABAB = rise_GABAB + jump*GABAB_ratio*peak_GABAB
        decay_GABAB = decay_GABAB + jump*GABAB_ratio*peak_GABAB
    }
}
