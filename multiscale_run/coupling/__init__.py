"""The coupler: domains, fields, operators and connections between simulators.

It knows no simulator by name. A simulator brings its domains, the operators between them and its fields; a
configuration says which field is read at which event and where its values go.
"""

from multiscale_run.coupling.actions import Action
from multiscale_run.coupling.connections import Connections, CouplingError, connect
from multiscale_run.coupling.domains import ENDFEET, GLIA, NEURONS, SEGMENTS, TETRAHEDRA, VESSELS, AliveNeurons, Domain
from multiscale_run.coupling.expressions import Expression, ExpressionError
from multiscale_run.coupling.fields import fields_of, readable, registry, writable
from multiscale_run.coupling.operators import Operator, Reduction, Sample, Transfers, grouping

__all__ = [
    "ENDFEET",
    "GLIA",
    "NEURONS",
    "SEGMENTS",
    "TETRAHEDRA",
    "VESSELS",
    "Action",
    "AliveNeurons",
    "Connections",
    "CouplingError",
    "Domain",
    "Expression",
    "ExpressionError",
    "Operator",
    "Reduction",
    "Sample",
    "Transfers",
    "connect",
    "fields_of",
    "grouping",
    "readable",
    "registry",
    "writable",
]
