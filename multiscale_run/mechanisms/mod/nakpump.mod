TITLE Na/K-ATPase: six-state cycle in steady state, one ATP per cycle

COMMENT
Chapman, Johnson & Kootsey 1983, J Membr Biol 74:139-153. The enzyme goes round

    E1: E.ATP --3 Nai--> E2: Na3.E.ATP --(ADP)--> E3: Na3.E-P --(3 Nao)--> E4: E-P --2 Ko, (P)--> E5: K2.E
    --ATP--> E6: K2.E.ATP --(2 Ki)--> E1

and relaxes within a few ms, so the cycle is taken in steady state. E2, E4 and E6 are eliminated exactly (each has a
way out that never closes), which leaves a cycle of E1, E3, E5 whose flux is the King-Altman ratio (King & Altman 1956,
J Phys Chem 60:1375). Potassium binding carries no voltage; ATP binding to E5 carries the net charge of a cycle, half on
either side of the barrier. Rate constants are those of 310 K. The cycle runs backwards, and then makes ATP, where thermodynamics says so.

`density` and `abundance` scale the number of pumps. ATP and ADP are pools of the compartment without production: metabolism is
expected to write them. Adenylate kinase keeps 2 ADP <-> ATP + AMP in equilibrium (ratio `qadk`, total `adenylates`; both as
in the metabolic network, Cloutier et al. 2009, J Comput Neurosci 27:391), so that of every ATP spent a part is made good
from ADP: with m = dAMP/dATP the pools move by dATP = -spent/(1 - m), dADP = spent*(1 + m)/(1 - m), and the phosphate bonds
2 ATP + ADP fall by exactly what was spent. qatp is the ATP spent since finitialize.
ENDCOMMENT

NEURON {
    THREADSAFE
    SUFFIX nakpump
    USEION na READ nai, nao WRITE ina
    USEION k READ ki, ko WRITE ik
    USEION atp WRITE atpi VALENCE -3
    USEION adp WRITE adpi VALENCE -2
    RANGE density, abundance, ipump, qatp, slope
    GLOBAL enzyme, phosphate, qadk, adenylates
}

UNITS {
    (mA) = (milliamp)
    (mV) = (millivolt)
    (mM) = (milli/liter)
    (um) = (micron)
    FARADAY = (faraday) (coulomb)
    R = (k-mole) (joule/degC)
}

PARAMETER {
    density   = 1       (1)     : of the whole neuron, set by the coupling to its metabolism
    abundance = 1       (1)     : of this part of the neuron
    enzyme    = 1.25e-13            : pumps, mol/cm2
    phosphate = 4.2     (mM)
    qadk      = 0.92    (1)
    adenylates = 1.4449961078157665 (mM)
}

ASSIGNED {
    v (mV)
    diam (um)
    nai (mM)
    nao (mM)
    ki (mM)
    ko (mM)
    ina (mA/cm2)
    ik (mA/cm2)
    ipump (mA/cm2)
    factor (mM-cm2/mA/ms)
    spent (mM/ms)
    slope (1)                   : dAMP/dATP at equilibrium
}

STATE {
    atpi (mM)
    adpi (mM)
    qatp (mM)
}

INITIAL {
    factor = (1e4)*4/(FARADAY*diam)
    qatp = 0
    slope = ampslope(atpi)
}

BREAKPOINT {
    SOLVE pools METHOD cnexp
    ipump = (1e3)*FARADAY*enzyme*density*abundance*turnover(v)
    ina = 3*ipump
    ik = -2*ipump
}

DERIVATIVE pools {
    spent = ipump*factor        : one value for all three pools keeps their balance exact
    slope = ampslope(atpi)
    atpi' = -spent/(1 - slope)
    adpi' = spent*(1 + slope)/(1 - slope)
    qatp' = spent
}

: From AMP = adenylates - ATP - ADP and ADP = ATP/2*(-q + sqrt(q^2 + 4q(adenylates/ATP - 1))). Outside the pool (no ATP, or
: more than there are adenylates) there is no equilibrium to keep: ATP and ADP then change one for one.
UNITSOFF
FUNCTION ampslope(atp) { LOCAL root
    ampslope = 0
    if (atp > 0 && atp < adenylates) {
        root = sqrt(qadk*(qadk + 4*(adenylates/atp - 1)))
        ampslope = qadk/2 - 1 - root/2 + qadk*adenylates/(atp*root)
    }
}
UNITSON

FUNCTION molar(c (mM)) {        : rate constants are per mol/l; no pool can be less than empty
    if (c > 0) { molar = (1e-3)*c } else { molar = 0 }
}

: Cycles per second and pump. fN, bN: rate of the Nth step forwards, backwards; s2, s4, s6: leaving an eliminated state.
UNITSOFF
FUNCTION turnover(v) { LOCAL na, k, e, f1, b2, b3, f4, b4, f5, b5, b6, s2, s4, s6, a, ar, b, br, c, cr, p1, p3, p5
    na = molar(nai)
    k = molar(ko)
    e = exp(0.5e-3*v*FARADAY/(R*310))
    f1 = 2.5e11*na*na*na
    b2 = 1e5*molar(adpi)
    na = molar(nao)
    b3 = 1.72e4*na*na*na
    f4 = 1.5e7*k*k
    b4 = 2e5*molar(phosphate)
    f5 = 2e6*molar(atpi)*e
    b5 = 30/e
    k = molar(ki)
    b6 = 6e8*k*k
    s2 = 1e5 + 1e4
    s4 = b3 + f4
    s6 = b5 + 1.15e4
    a = f1*1e4/s2
    ar = 1e5*b2/s2
    b = 172*f4/s4
    br = b3*b4/s4
    c = f5*1.15e4/s6
    cr = b5*b6/s6
    p1 = b*c + ar*(c + br)
    p3 = c*a + cr*br + a*br
    p5 = a*b + cr*(b + ar)
    turnover = (a*b*c - ar*br*cr)/(p1*(1 + f1/s2 + b6/s6) + p3*(1 + b2/s2 + 172/s4) + p5*(1 + b4/s4 + f5/s6))
}
UNITSON
