"""The way out for cells whose linear systems cannot be solved without pivoting."""

from __future__ import annotations

import numpy as np

from .engine import Options
from .network import Network
from .scipy_engine import ScipyEngine
from .status import Status


class PivotingFallback:
    """Advances the cells that an engine found SINGULAR with SciPy's Radau, whose factorisation pivots."""

    def __init__(self, network: Network, options: Options) -> None:
        self._network, self._options = network, options
        self._engine: ScipyEngine | None = None

    def advance(
        self, state: np.ndarray, inputs: np.ndarray, seconds: float, status: np.ndarray, steps: np.ndarray
    ) -> None:
        """Replace state, status and steps of the singular cells; the others are not touched."""
        rows = np.flatnonzero(status == Status.SINGULAR)
        if len(rows) == 0:
            return
        if self._engine is None:
            self._engine = ScipyEngine(self._network, self._options)
        part = state[rows]
        result = self._engine.advance(part, inputs[rows], seconds)
        state[rows] = part
        status[rows] = result.status
        steps[rows] += result.steps
