TITLE glutamate releases seen by one astrocyte section

COMMENT
Neurodamus creates one per section with a tripartite synapse, connects every such synapse's Ustate to it, and points
cadifus' glu2 at `glut`: releases since finitialize.
ENDCOMMENT

NEURON {
    THREADSAFE
    POINT_PROCESS GlutReceive
    RANGE glut
}

ASSIGNED { glut }

INITIAL { glut = 0 }

NET_RECEIVE (weight) { glut = glut + 1 }
