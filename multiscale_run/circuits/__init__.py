"""Synthetic neuro-glia-vascular circuits as SONATA files, and what is in a circuit."""

from .builder import CircuitSummary, build_circuit
from .configuration import write_configuration
from .specification import CircuitSpec, circuit_names, named_circuit
from .statistics import CircuitStatistics, circuit_statistics

__all__ = [
    "CircuitSpec",
    "CircuitStatistics",
    "CircuitSummary",
    "build_circuit",
    "circuit_names",
    "circuit_statistics",
    "named_circuit",
    "write_configuration",
]
