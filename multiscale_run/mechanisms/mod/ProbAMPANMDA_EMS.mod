TITLE excitatory synapse: AMPA and NMDA receptors that carry sodium, potassium and calcium

COMMENT
Neurodamus builds it by this name through AMPANMDAHelper.hoc. Biexponential conductances; magnesium block of Jahr &
Stevens 1990, J Neurosci 10:3178. Calcium carries its share of the conductance by the permeabilities Na:K:Ca of 1:1:0.00118
(AMPA) and 1:1:0.075 (NMDA); sodium and potassium share the rest so that the total reverses at `erev` exactly.

Ustate is 1 for `Ustate_duration` ms after each release: neurodamus' glia listen to its upward crossings of zero. Weights are peak conductances in nS.
ENDCOMMENT

NEURON {
    THREADSAFE
    POINT_PROCESS ProbAMPANMDA_EMS
    USEION na READ ena WRITE ina
    USEION k  READ ek  WRITE ik
    USEION ca READ eca WRITE ica
    RANGE tau_r_AMPA, tau_d_AMPA, tau_r_NMDA, tau_d_NMDA, NMDA_ratio, mg, erev
    RANGE pca_AMPA, pca_NMDA
    RANGE g_AMPA, g_NMDA, ina, ik, ica, i, Ustate, Ustate_duration
}

INCLUDE "release.inc"

PARAMETER {
    tau_r_AMPA = 0.2  (ms)
    tau_d_AMPA = 1.7  (ms)
    tau_r_NMDA = 0.29 (ms)
    tau_d_NMDA = 43   (ms)
    NMDA_ratio = 0.71 (1)
    mg   = 1 (mM)
    erev = 0 (mV)
    pca_AMPA = 0.00118 (1)
    pca_NMDA = 0.075   (1)
    Ustate_duration = 0.2 (ms)
}

ASSIGNED {
    ena (mV)
    ek (mV)
    eca (mV)
    ina (nA)
    ik (nA)
    ica (nA)
    i (nA)
    g_AMPA (uS)
    g_NMDA (uS)
    peak_AMPA
    peak_NMDA
    Ustate
}

STATE {
    rise_AMPA (uS)
    decay_AMPA (uS)
    rise_NMDA (uS)
    decay_NMDA (uS)
}

INITIAL {
    rise_AMPA = 0
    decay_AMPA = 0
    rise_NMDA = 0
    decay_NMDA = 0
    peak_AMPA = unit_peak(tau_r_AMPA, tau_d_AMPA)
    peak_NMDA = unit_peak(tau_r_NMDA, tau_d_NMDA)
    Ustate = -1
    start_release()
}

BREAKPOINT { LOCAL g, gca, gna
    SOLVE states METHOD cnexp
    g_AMPA = decay_AMPA - rise_AMPA
    g_NMDA = (decay_NMDA - rise_NMDA)*unblocked(v)
    g = g_AMPA + g_NMDA
    gca = g_AMPA*pca_AMPA/(2 + pca_AMPA) + g_NMDA*pca_NMDA/(2 + pca_NMDA)
    gna = (g*(erev - ek) - gca*(eca - ek))/(ena - ek)
    ina = gna*(v - ena)
    ik = (g - gca - gna)*(v - ek)
    ica = gca*(v - eca)
    i = ina + ik + ica
}

DERIVATIVE states {
    rise_AMPA' = -rise_AMPA/tau_r_AMPA
    decay_AMPA' = -decay_AMPA/tau_d_AMPA
    rise_NMDA' = -rise_NMDA/tau_r_NMDA
    decay_NMDA' = -decay_NMDA/tau_d_NMDA
}

FUNCTION unblocked(v (mV)) {
    UNITSOFF
    unblocked = 1/(1 + mg/3.57*exp(-0.062*v))
    UNITSON
}

NET_RECEIVE (weight (nS), nc_type) { LOCAL n, jump
    INITIAL { nc_type = nc_type }       : or NEURON would clear it
    if (flag == 1) {
        Ustate = -1
    } else if (weight > 0) {
        n = release(t, nc_type)
        if (n > 0) {
            jump = (1e-3)*weight*n/Nrrp
            rise_AMPA = rise_AMPA + jump*peak_AMPA
            decay_AMPA = decay_AMPA + jump*peak_AMPA
            rise_NMDA = rise_NMDA + jump*NMDA_ratio*peak_NMDA
            decay_NMDA = decay_NMDA + jump*NMDA_ratio*peak_NMDA
            Ustate = 1
            net_send(Ustate_duration, 1)
        }
    }
}
