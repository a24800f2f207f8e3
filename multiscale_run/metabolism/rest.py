"""Resting states: where the network comes to when nothing disturbs it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from .disk_cache import remembered
from .engine import make_engine
from .network import Network, NetworkError

_WINDOWS = (1.0, 10.0, 100.0, 1e3, 1e4, 1e5, 1e6)


def relax(network: Network, seconds: float, inputs: np.ndarray | None = None) -> np.ndarray:
    """Let one cell relax for a time while the species held at rest stay where they are.

    Args:
        network: where to start from is its initial state.
        seconds: how long.
        inputs: shape (n_inputs,); None takes the defaults.

    Returns:
        The state, shape (n_species,).

    Raises:
        NetworkError: the network cannot be integrated that far.
    """
    return _relax(network, [seconds], 0.0, inputs)[0]


def find_rest(
    network: Network, tolerance: float = 1e-5, inputs: np.ndarray | None = None, cache_dir: Path | None = None
) -> np.ndarray:
    """Integrate one cell until no species moves faster than the tolerance, apart from those held at rest.

    Done once per network and inputs: the state is kept on disk.

    Args:
        network: where to start from is its initial state.
        tolerance: largest speed in mM/s (mV/s for potentials).
        inputs: shape (n_inputs,); None takes the defaults.
        cache_dir: where the state is kept; None takes the user's cache folder.

    Returns:
        The state, shape (n_species,).

    Raises:
        NetworkError: no rest within 1e6 s, naming what still moves.
    """
    given = network.default_inputs()[0] if inputs is None else np.asarray(inputs, dtype=float)
    deciding = (network.content_key, network.held_at_rest, tolerance, given.tolist())
    content = remembered("rest", deciding, lambda: _find_rest(network, tolerance, given).tobytes(), cache_dir)
    return np.frombuffer(content).copy()


def _find_rest(network: Network, tolerance: float, inputs: np.ndarray) -> np.ndarray:
    state, speed = _relax(network, _WINDOWS, tolerance, inputs)
    fastest = int(np.argmax(np.abs(speed)))
    if abs(speed[fastest]) > tolerance:
        species = network.species[fastest]
        raise NetworkError(
            f"variant {network.variant!r} has no resting state: after {sum(_WINDOWS):.3g} s {species.id} still moves "
            f"by {speed[fastest]:.3g} {species.unit}/s (tolerance {tolerance:g}); hold it or use its initial state"
        )
    return state


def _relax(
    network: Network, windows: Sequence[float], tolerance: float, inputs: np.ndarray | None
) -> tuple[np.ndarray, np.ndarray]:
    """Integrate window after window until all is slower than the tolerance; the state and its speed."""
    held = network.holding(network.held_at_rest)
    engine = make_engine("scipy", held, relative_tolerance=1e-8, absolute_tolerance=1e-11)
    state, given = held.initial_state(), held.default_inputs() if inputs is None else inputs.reshape(1, -1)
    speed = engine.derivative(state, given)
    for window in windows:
        if np.abs(speed).max() <= tolerance:
            break
        result = engine.advance(state, given, window)
        if result.failed.any():
            causes = "; ".join(finding.describe("at rest", 1e3 * window) for finding in result.findings)
            raise NetworkError(f"variant {network.variant!r} cannot come to rest: {result.message}; {causes}")
        speed = engine.derivative(state, given)
    return state[0], speed[0]
