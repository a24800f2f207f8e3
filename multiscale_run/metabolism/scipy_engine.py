"""The reference engine: SciPy's Radau, one cell at a time, with the generated sparse Jacobian."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy.integrate import Radau
from scipy.sparse import csc_matrix

from .engine import MetabolismEngine, Options, Status
from .network import Network
from .text_code import FLOAT_FUNCTIONS, compile_outputs


class ScipyEngine(MetabolismEngine):
    """Radau IIA of order 5 (Hairer and Wanner, Solving ODEs II, 1996, section IV.8) as SciPy implements it."""

    def __init__(self, network: Network, options: Options, world: Any = None) -> None:
        super().__init__(network, options)
        graph, symbols, jacobian = self.equations.graph, self.equations.symbols, self.equations.jacobian
        self._derivatives = compile_outputs(graph, symbols, self.equations.derivatives, FLOAT_FUNCTIONS)
        self._entries = compile_outputs(graph, symbols, jacobian.nodes, FLOAT_FUNCTIONS)

    def _integrate(
        self, state: np.ndarray, inputs: np.ndarray, seconds: float, status: np.ndarray, steps: np.ndarray
    ) -> None:
        for row in np.flatnonzero(status == Status.OK).tolist():
            status[row], steps[row] = self._advance_cell(row, state[row], inputs[row], seconds)

    def _advance_cell(self, row: int, state: np.ndarray, inputs: np.ndarray, seconds: float) -> tuple[Status, int]:
        """Advance one cell in place; returns its status and number of steps."""
        slots = self.network.dynamic_slots
        first = min(self._next_step[row], seconds) or None
        steps = 0
        with np.errstate(all="ignore"):
            try:
                cell = _Cell(self, state, inputs)
                solver = Radau(
                    cell.derivative, 0.0, state[slots], seconds, rtol=self.options.relative_tolerance,
                    atol=self.options.absolute_tolerance, jac=cell.jacobian, first_step=first,
                )  # fmt: skip
                while solver.status == "running":
                    if steps == self.options.max_steps:
                        return Status.TOO_MANY_STEPS, steps
                    solver.step()
                    steps += 1
            except (ValueError, RuntimeError, np.linalg.LinAlgError):
                # an undefined Jacobian or a singular matrix: no step size helps SciPy over it
                return Status.STEP_TOO_SMALL, steps
        if solver.status == "failed":
            return Status.STEP_TOO_SMALL, steps
        state[slots] = solver.y
        self._next_step[row] = solver.h_abs
        return Status.OK, steps


class _Cell:
    """The equations of one cell with its constant species and inputs filled in."""

    def __init__(self, engine: ScipyEngine, state: np.ndarray, inputs: np.ndarray) -> None:
        self.engine = engine
        self.values = [*state.tolist(), *inputs.tolist()]
        self.slots = engine.network.dynamic_slots.tolist()
        self.matrix = engine.equations.jacobian

    def derivative(self, _time: float, dynamic: np.ndarray) -> np.ndarray:
        """d(dynamic)/dt."""
        return self._evaluate(self.engine._derivatives, dynamic, len(dynamic))

    def jacobian(self, _time: float, dynamic: np.ndarray) -> csc_matrix:
        """Sparse derivative of `derivative`."""
        entries = self._evaluate(self.engine._entries, dynamic, len(self.matrix.nodes))
        shape = (self.matrix.size, self.matrix.size)
        return csc_matrix((entries, self.matrix.rows, self.matrix.column_pointers), shape=shape)

    def _evaluate(self, function: Any, dynamic: np.ndarray, count: int) -> np.ndarray:
        for slot, value in zip(self.slots, dynamic.tolist(), strict=True):
            self.values[slot] = value
        results = [0.0] * count
        try:
            function(self.values, results)
        except (ArithmeticError, ValueError):
            # outside the domain of a formula: nan makes Radau try a smaller step
            return np.full(count, np.nan)
        return np.array(results)
