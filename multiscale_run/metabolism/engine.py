"""The interface of every metabolism engine, and the way to get one."""

from __future__ import annotations

import importlib
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from mpi_coupling.world import UserError

from .equations import build_equations
from .evaluate import Evaluator
from .guards import Finding, findings, negative_rows
from .network import Network, nearest
from .rosenbrock import METHODS
from .status import Status

_ENGINES = {
    "native": ".native:NativeEngine",
    "scipy": ".scipy_engine:ScipyEngine",
    "julia": ".julia:JuliaEngine",
}
# a cause is worked out for so many failing cells per call; the rest fail for the same few reasons
_EXPLAINED_ROWS = 20


@dataclass(frozen=True)
class Options:
    """Accuracy and resources of an engine.

    Attributes:
        relative_tolerance: error allowed per step, relative to each value.
        absolute_tolerance: error allowed per step in mM (or mV), for values near zero.
        max_steps: steps of one cell in one call before it is given up.
        threads: threads that share the cells of one call.
        cache_dir: folder of compiled kernels; None takes the user's cache folder.
        method: Rosenbrock method of the native engine.
        lanes: cells that the native engine advances together; None takes the processor's vector width.
    """

    relative_tolerance: float = 1e-4
    absolute_tolerance: float = 1e-7
    max_steps: int = 10_000
    threads: int = 1
    cache_dir: Path | None = None
    method: str = "Rodas5P"
    lanes: int | None = None

    def __post_init__(self) -> None:
        for name, allowed in (("method", (*METHODS,)), ("lanes", (2, 4, 8, 16))):
            value = getattr(self, name)
            if value is not None and value not in allowed:
                known = ", ".join(map(str, allowed))
                raise UserError(f"metabolism {name} = {value!r}: must be one of {known}")
        for name, smallest in (
            ("relative_tolerance", 1e-14),
            ("absolute_tolerance", 1e-20),
            ("max_steps", 1),
            ("threads", 1),
        ):
            if not getattr(self, name) >= smallest:
                raise UserError(f"metabolism {name} = {getattr(self, name)!r}: must be at least {smallest:g}")

    @property
    def negative_tolerance(self) -> float:
        """How far below zero a concentration may come by rounding and step error, mM."""
        return max(1e-6, 10.0 * self.absolute_tolerance)


@dataclass(frozen=True)
class EngineResult:
    """Outcome of one call of :meth:`MetabolismEngine.advance`.

    Attributes:
        status: a :class:`Status` per cell, int8, shape (n,).
        steps: accepted and rejected steps per cell, shape (n,).
        findings: the values behind the failures, with the rates that drive them.
    """

    status: np.ndarray
    steps: np.ndarray
    findings: tuple[Finding, ...] = ()

    @property
    def failed(self) -> np.ndarray:
        """Mask of the cells that could not be advanced."""
        return self.status > Status.INACTIVE

    @property
    def message(self) -> str:
        """One line per kind of failure with the rows concerned; empty when all is well."""
        kinds = (Status(kind) for kind in np.unique(self.status[self.failed]))
        return "\n".join(f"{k.meaning}: rows {np.flatnonzero(self.status == k).tolist()}" for k in kinds)


class MetabolismEngine(ABC):
    """Advances the metabolism of independent cells; a failing cell never disturbs another one."""

    def __init__(self, network: Network, options: Options) -> None:
        self.network = network
        self.options = options
        self.equations = build_equations(network)
        self._evaluator = Evaluator(self.equations)
        # step size that each row would take next, seconds; 0 means unknown
        self._next_step = np.zeros(0)

    def advance(
        self, state: np.ndarray, inputs: np.ndarray, seconds: float, active: np.ndarray | None = None
    ) -> EngineResult:
        """Integrate every active cell over a window, in place.

        Args:
            state: shape (n, n_species), float64, C-contiguous; mM, mV or 1. Rows of cells that fail keep their values.
            inputs: shape (n, n_inputs), held constant over the window.
            seconds: length of the window.
            active: mask, shape (n,); cells left out are not touched. None takes all.

        Raises:
            ValueError: an array has the wrong shape, type or layout, or the window is not positive and finite.
        """
        inputs = np.ascontiguousarray(inputs, dtype=float)
        self._check_arrays(state, inputs, seconds)
        cells = len(state)
        if len(self._next_step) != cells:
            self._next_step = np.zeros(cells)
        status = self._judge_inputs(state, inputs, active)
        steps = np.zeros(cells, np.int64)
        before = state.copy()
        self._integrate(state, inputs, float(seconds), status, steps)
        done = status == Status.OK
        status[done & negative_rows(self.network, state, self.options.negative_tolerance)] = Status.NEGATIVE_RESULT
        status[done & ~np.isfinite(state).all(axis=1)] = Status.NOT_FINITE_RESULT
        failed = np.flatnonzero(status > Status.INACTIVE)
        causes = self.explain(failed, state, inputs)
        state[failed] = before[failed]
        self._next_step[failed] = 0.0
        return EngineResult(status, steps, causes)

    def explain(self, rows: np.ndarray, state: np.ndarray, inputs: np.ndarray, drivers: int = 3) -> tuple[Finding, ...]:
        """Name the species behind the failure of some rows, and the rates that drive them most.

        These are the values that are not finite or negative; where there are none, the species whose equation is
        undefined or changes fastest for its size.
        """
        found = []
        for row in rows[:_EXPLAINED_ROWS]:
            cell = slice(row, row + 1)
            causes = findings(self.network, state[cell], self.options.negative_tolerance)
            for finding in causes or [self._fastest(state[cell], inputs[cell])]:
                terms = self._evaluator.contributions(state[cell], inputs[cell], self.network.slot(finding.species))
                values = [(rate, float(value[0])) for rate, value in terms]
                values.sort(key=lambda term: (np.isfinite(term[1]), -abs(term[1])))
                found.append(replace(finding, row=int(row), drivers=tuple(values[:drivers])))
        return tuple(found)

    def _fastest(self, state: np.ndarray, inputs: np.ndarray) -> Finding:
        """The dynamic species of one cell that is hardest to advance."""
        slots = self.network.dynamic_slots
        size = self.options.absolute_tolerance + self.options.relative_tolerance * np.abs(state[0, slots])
        speed = np.abs(self.derivative(state, inputs)[0, slots]) / size
        species = self.network.species[slots[np.argmax(np.where(np.isfinite(speed), speed, np.inf))]]
        expected = "where its equation is defined and smooth"
        return Finding(0, species.id, float(state[0, species.slot]), species.unit, expected)

    def derivative(self, state: np.ndarray, inputs: np.ndarray) -> np.ndarray:
        """d(state)/dt, shape (n, n_species), per second."""
        return self._evaluator.derivative(state, inputs)

    def rates(self, state: np.ndarray, inputs: np.ndarray) -> np.ndarray:
        """Every rate, shape (n, n_rates), in the network's order and units."""
        return self._evaluator.rates(state, inputs)

    def internal_state(self) -> dict[str, np.ndarray]:
        """What a checkpoint must keep so that a resumed run takes the same steps."""
        return {"next_step": self._next_step.copy()}

    def restore(self, internal: Mapping[str, np.ndarray]) -> None:
        """Take back what :meth:`internal_state` gave."""
        self._next_step = np.array(internal["next_step"], dtype=float)

    def close(self) -> None:  # noqa: B027 - engines without resources have nothing to do
        """Release processes and threads; the engine cannot be used afterwards."""

    @abstractmethod
    def _integrate(
        self, state: np.ndarray, inputs: np.ndarray, seconds: float, status: np.ndarray, steps: np.ndarray
    ) -> None:
        """Advance rows whose status is OK in place; set status, steps and `_next_step` of those rows only."""

    def _judge_inputs(self, state: np.ndarray, inputs: np.ndarray, active: np.ndarray | None) -> np.ndarray:
        """Status of every row before the integration."""
        status = np.full(len(state), Status.OK, np.int8)
        status[negative_rows(self.network, state, self.options.negative_tolerance)] = Status.NEGATIVE_INPUT
        status[~(np.isfinite(state).all(axis=1) & np.isfinite(inputs).all(axis=1))] = Status.NOT_FINITE_INPUT
        if active is not None:
            status[~np.asarray(active, dtype=bool)] = Status.INACTIVE
        return status

    def _check_arrays(self, state: np.ndarray, inputs: np.ndarray, seconds: float) -> None:
        species, given = len(self.network.species), len(self.network.inputs)
        if state.ndim != 2 or state.shape[1] != species or state.dtype != np.float64 or not state.flags.c_contiguous:
            raise ValueError(
                f"state must be a C-contiguous float64 array of shape (n, {species}), not {state.shape} {state.dtype}"
            )
        if inputs.shape != (len(state), given):
            raise ValueError(f"inputs must have shape ({len(state)}, {given}), not {inputs.shape}")
        if not 0.0 < seconds < np.inf:
            raise ValueError(f"the window must be a positive number of seconds, not {seconds!r}")


def make_engine(name: str, network: Network, *, world: Any = None, **options: Any) -> MetabolismEngine:
    """Create an engine by name.

    Args:
        name: ``native`` (compiled, fast), ``scipy`` (Radau, the slow reference) or ``julia``.
        network: what to integrate.
        world: ranks of the job; one of them compiles for all. None means that this process is alone.
        options: fields of :class:`Options`.

    Raises:
        UserError: the engine is unknown or cannot run here.
    """
    if name not in _ENGINES:
        raise UserError(f"unknown metabolism engine {name!r}{nearest(name, _ENGINES)}; known are {', '.join(_ENGINES)}")
    module, _, class_name = _ENGINES[name].partition(":")
    engine = getattr(importlib.import_module(module, __package__), class_name)
    return engine(network, Options(**options), world)
