"""The metabolism of neurons and astrocytes: a reaction network in tables and engines that integrate it.

Reading order:

1. The model: ``network/`` (the tables), `network` (what they become), `tables` (reading them).
2. Symbols: `expression` (the graph), `parse`, `differentiate`, `equations` (a network as one graph with its Jacobian),
   `text_code` and `evaluate` (the same in NumPy).
3. Numerics: `rosenbrock` (methods and step control as data), `ordering` (elimination order).
4. Machine code: `vector_ir` (a notation for values of several cells), `vector_math`, `kernels` and `linear_kernels`
   (straight-line code), `integrator` (the time loop), `kernel_cache`.
5. Engines: `engine` (the interface), `native`, `scipy_engine`, `julia`; `pivoting`, `guards`, `status`,
   `rest`, `disk_cache`.

Example:
    >>> network = load_network()
    >>> engine = make_engine("native", network)
    >>> state, inputs = network.initial_state(100), network.default_inputs(100)
    >>> result = engine.advance(state, inputs, seconds=0.1)
    >>> state[:, network.slot("ATP_n")], result.message
"""

from .engine import EngineResult, MetabolismEngine, Options, Status, make_engine
from .guards import Band, Finding, findings
from .network import Network, NetworkError
from .rest import find_rest, relax
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
    "find_rest",
    "findings",
    "load_network",
    "make_engine",
    "relax",
    "variants",
]
