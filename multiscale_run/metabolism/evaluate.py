"""Evaluates a network's equations for many cells at once with NumPy: derivatives, rates, Jacobian."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cached_property
from typing import Any

import numpy as np

from .equations import Equations
from .text_code import NUMPY_FUNCTIONS, compile_outputs

# values of a few thousand temporaries for this many cells stay in a processor's cache
_CELLS_AT_ONCE = 256


class Evaluator:
    """NumPy functions of a network; complex states are allowed (complex-step derivatives)."""

    def __init__(self, equations: Equations) -> None:
        self.equations = equations

    def derivative(self, state: np.ndarray, inputs: np.ndarray) -> np.ndarray:
        """d(state)/dt.

        Args:
            state: shape (n, n_species); mM, mV or 1.
            inputs: shape (n, n_inputs).

        Returns:
            Shape (n, n_species), per second; 0 for slots without an equation.
        """
        full = np.zeros(state.shape, np.result_type(state, inputs, float))
        full[:, self.equations.network.dynamic_slots] = self._run(
            self._derivatives, self.equations.derivatives, state, inputs
        )
        return full

    def rates(self, state: np.ndarray, inputs: np.ndarray) -> np.ndarray:
        """Value of every rate, shape (n, n_rates), in the units of the rate table."""
        return self._run(self._rates, self.equations.rates, state, inputs)

    def jacobian(self, state: np.ndarray, inputs: np.ndarray) -> np.ndarray:
        """Non-zeros of d(derivative)/d(dynamic state), shape (n, n_entries), ordered as `equations.jacobian`."""
        return self._run(self._jacobian, self.equations.jacobian.nodes, state, inputs)

    def contributions(self, state: np.ndarray, inputs: np.ndarray, slot: int) -> list[tuple[str, np.ndarray]]:
        """(rate id, coefficient * rate per cell) of every term in one species' equation."""
        terms = self.equations.contributions.get(slot, ())
        outputs = [node for _, node in terms]
        values = self._run(self._compile(outputs), outputs, state, inputs)
        return [(rate, values[:, i]) for i, (rate, _) in enumerate(terms)]

    @cached_property
    def _derivatives(self) -> Callable[[Any, Any], None]:
        return self._compile(self.equations.derivatives)

    @cached_property
    def _rates(self) -> Callable[[Any, Any], None]:
        return self._compile(self.equations.rates)

    @cached_property
    def _jacobian(self) -> Callable[[Any, Any], None]:
        return self._compile(self.equations.jacobian.nodes)

    def _compile(self, outputs: Sequence[int]) -> Callable[[Any, Any], None]:
        return compile_outputs(self.equations.graph, self.equations.symbols, outputs, NUMPY_FUNCTIONS)

    def _run(
        self, function: Callable[[Any, Any], None], outputs: Sequence[int], state: np.ndarray, inputs: np.ndarray
    ) -> np.ndarray:
        values = np.concatenate([state, inputs], axis=1).T
        results = np.empty((len(outputs), len(state)), values.dtype)
        # undefined values are the caller's to judge: they come out as nan or inf
        with np.errstate(all="ignore"):
            for start in range(0, len(state), _CELLS_AT_ONCE):
                part = slice(start, start + _CELLS_AT_ONCE)
                function(values[:, part], results[:, part])
        return results.T
