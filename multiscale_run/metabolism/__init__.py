"""The metabolism of neurons and astrocytes: a reaction network in tables and engines that integrate it."""

from .engine import EngineResult, MetabolismEngine, Options, Status, make_engine
from .guards import Band, Finding, findings
from .network import Network, NetworkError
from .tables import load_network, variants

__all__ = [
    "Band",
    "EngineResult",
    "Finding",
    "MetabolismEngine",
    "Network",
    "NetworkError",
    "Options",
    "Status",
    "findings",
    "load_network",
    "make_engine",
    "variants",
]
