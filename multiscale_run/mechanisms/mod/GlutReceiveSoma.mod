TITLE glutamate releases seen by a whole astrocyte

COMMENT
Neurodamus creates one in every astrocyte's soma and connects all the astrocyte's tripartite synapses to it. `glut` is the
burst in progress, empty again `window` ms after its last release; `total` counts since finitialize.
ENDCOMMENT

NEURON {
    THREADSAFE
    POINT_PROCESS GlutReceiveSoma
    RANGE glut, total, window
}

PARAMETER { window = 1 (ms) }

ASSIGNED {
    glut
    total
    last (ms)
}

INITIAL {
    glut = 0
    total = 0
    last = 0
}

NET_RECEIVE (weight) {
    if (flag == 1) {
        if (t - last >= window - 1e-9) { glut = 0 }
    } else {
        glut = glut + 1
        total = total + 1
        last = t
        net_send(window, 1)
    }
}
