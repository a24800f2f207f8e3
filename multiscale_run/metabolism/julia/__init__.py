"""The metabolism integrated by Julia: an independent check of the native engine, from the same tables.

``make_engine("julia", network)`` writes a Julia program for the network (:mod:`.code`: straight-line equations, sparse
Jacobian and factorisation; ``solver.jl``: the same Rosenbrock method and step control as the native engine) and runs
it inside this process where juliacall works, else in one worker process that lives as long as the engine
(:mod:`.process`). The program needs Julia 1.5 or newer and nothing outside Julia's standard library.

Julia is looked for in this order (:mod:`.discovery`): juliacall's, the one named by the variable ``JULIA``, ``julia``
on the PATH, the one that ``scripts/get-julia`` put into the user's cache. The first call of an engine waits some
seconds for Julia's compiler. :func:`prepare_environment` gives a simulation folder a Julia environment of its own.
"""

from .discovery import Julia, JuliaError, find_julia, julia_health
from .engine import JuliaEngine
from .environment import prepare_environment, use_environment

__all__ = [
    "Julia",
    "JuliaEngine",
    "JuliaError",
    "find_julia",
    "julia_health",
    "prepare_environment",
    "use_environment",
]
