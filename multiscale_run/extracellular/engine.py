"""STEPS solvers that hold no state between two calls, so that an interrupted run can be continued to the same bits.

STEPS 5.1 cannot bring TetODE back (its ``restore`` leaves the concentrations out), nor the random numbers to come. So
each advance writes all molecules, runs, and reads them back; random numbers are seeded anew each time.
"""

from __future__ import annotations

import contextlib
import os
import sys
import tempfile
from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from types import SimpleNamespace
from typing import Any, ClassVar

import numpy as np

from mpi_coupling.world import UserError
from multiscale_run.extracellular.space import Space

METRES = 1e-6
"""Metres in 1 um."""
RELATIVE_TOLERANCE = 1e-6
"""Of TetODE: errors of 1e-5 mM after ten steps, at little more than the cost of its default of 1e-3."""
MOST_STEPS = 1_000_000
"""Internal steps that TetODE may take in one advance."""
RANDOM_BUFFER = 512
"""Random numbers that STEPS draws at a time."""


class Engine(ABC):
    """A STEPS solver.

    Args:
        steps: its modules, from :func:`import_steps`.
        space: mesh and ions.
        ranks: number of this rank and of all ranks.
        atol: absolute tolerance in simulated molecules, for solvers of differential equations.
    """

    is_stochastic: ClassVar[bool] = True
    is_split: ClassVar[bool] = False
    """Whether the ranks share the work; otherwise each does it all."""

    def __init__(self, steps: SimpleNamespace, space: Space, ranks: tuple[int, int], atol: float) -> None:
        self._space, self._rank, self._n_ranks = space, *ranks
        self._random = steps.rng.create("mt19937", RANDOM_BUFFER)
        # STEPS does not keep what a solver is made from alive
        self._parts = (_build_model(steps, space), _build_mesh(steps, space))
        self._solver = self._build(steps, *self._parts, atol)

    def advance(self, molecules: np.ndarray, start: float, stop: float, seed: Sequence[int]) -> np.ndarray:
        """Let the ions diffuse. Collective for solvers that are split over the ranks.

        Args:
            molecules: simulated molecules, shape (species, tetrahedra).
            start: time in s.
            stop: time in s, later than start.
            seed: of the random numbers; the same seed and molecules give the same result.

        Returns:
            Molecules at the end. What a solver cannot hold, such as half a molecule, stays where it is.

        Raises:
            UserError: the solver gave up.
        """
        held = self._holdable(molecules)
        try:
            self._begin(start, seed)
            self._write(held)
            self._run(start, stop)
        except Exception as error:  # STEPS raises bare Exceptions
            raise UserError(
                f"steps: {type(self).__name__} failed between {1e3 * start:g} and {1e3 * stop:g} ms: "
                f"{_one_line(error)}; try a shorter steps.ndts or another steps.solver"
            ) from error
        return self._read() + (molecules - held)

    @abstractmethod
    def _build(self, steps: SimpleNamespace, model: Any, mesh: Any, atol: float) -> Any:
        """The solver."""

    def _holdable(self, molecules: np.ndarray) -> np.ndarray:
        """The part of the molecules that the solver can hold: whole ones."""
        return np.floor(molecules)

    def _begin(self, start: float, seed: Sequence[int]) -> None:
        """Forget everything; time begins at 0 for each advance."""
        self._solver.reset()
        self._random.initialize(int(np.random.SeedSequence(seed).generate_state(1)[0]))

    def _run(self, start: float, stop: float) -> None:
        self._solver.run(stop - start)

    def _write(self, molecules: np.ndarray) -> None:
        set_count = self._solver.setTetSpecCount
        for ion, row in zip(self._space.ions, molecules.tolist(), strict=True):
            for tetrahedron, count in enumerate(row):
                set_count(tetrahedron, ion.name, count)

    def _read(self) -> np.ndarray:
        indices = np.arange(len(self._space.tetrahedra), dtype=np.uint32)
        molecules = np.empty((len(self._space.ions), len(indices)))
        for ion, row in zip(self._space.ions, molecules, strict=True):
            self._solver.getBatchTetSpecCountsNP(indices, ion.name, row)
        return molecules


class TetODE(Engine):
    """Diffusion as ordinary differential equations by CVODE: deterministic, the same on every rank."""

    is_stochastic = False

    def _build(self, steps: SimpleNamespace, model: Any, mesh: Any, atol: float) -> Any:
        solver = steps.solver.TetODE(model, mesh, self._random)
        solver.setTolerances(atol, RELATIVE_TOLERANCE)
        solver.setMaxNumSteps(MOST_STEPS)
        return solver

    def _holdable(self, molecules: np.ndarray) -> np.ndarray:
        return np.maximum(molecules, 0.0)

    def _begin(self, start: float, seed: Sequence[int]) -> None:
        # its time cannot be set: a solver that was made for a later start runs there, empty
        if self._solver.getTime() < start:
            self._write(np.zeros((len(self._space.ions), len(self._space.tetrahedra))))
            self._solver.run(start)

    def _run(self, start: float, stop: float) -> None:
        self._solver.run(stop)

    def _read(self) -> np.ndarray:
        get_count, tetrahedra = self._solver.getTetSpecCount, range(len(self._space.tetrahedra))
        return np.array([[get_count(i, ion.name) for i in tetrahedra] for ion in self._space.ions])


class Tetexact(Engine):
    """Gillespie's method, one jump of one molecule at a time (Hepburn et al. 2012, BMC Syst Biol 6:36)."""

    def _build(self, steps: SimpleNamespace, model: Any, mesh: Any, atol: float) -> Any:
        return steps.solver.Tetexact(model, mesh, self._random)


class TetOpSplit(Engine):
    """Jumps drawn in bulk by operator splitting (Hepburn et al. 2016, J Chem Phys 145:054118); split over the ranks."""

    is_split = True

    def _build(self, steps: SimpleNamespace, model: Any, mesh: Any, atol: float) -> Any:
        hosts = self._space.split(self._n_ranks).tolist()
        return steps.solver.TetOpSplit(model, mesh, self._random, steps.solver.EF_NONE, hosts)

    def _begin(self, start: float, seed: Sequence[int]) -> None:
        # ranks that drew the same numbers would move their molecules alike
        super()._begin(start, [*seed, self._rank])


ENGINES: dict[str, type[Engine]] = {engine.__name__: engine for engine in (TetODE, TetOpSplit, Tetexact)}
"""Solvers by the name that configurations use."""


def make_engine(solver: str, space: Space, ranks: tuple[int, int] = (0, 1), atol: float = 1.0) -> Engine:
    """A solver by name. Collective.

    Args:
        solver: value of ``steps.solver``.
        space: mesh and ions.
        ranks: number of this rank and of all ranks.
        atol: absolute tolerance in simulated molecules, for solvers of differential equations.

    Raises:
        UserError: STEPS is not installed, has no such solver that this suite can use, or refuses mesh or ions.
    """
    if solver not in ENGINES:
        raise UserError(
            f"steps.solver is {solver}, which needs STEPS with distributed meshes, and this suite's build has none; "
            f"use TetOpSplit, the same method on a mesh that every rank holds, or another of {', '.join(ENGINES)}"
        )
    engine = ENGINES[solver]
    steps = import_steps(engine.is_split)
    try:
        return engine(steps, space, ranks, atol)
    except Exception as error:  # STEPS raises bare Exceptions
        raise UserError(f"steps: {solver} cannot be set up on this mesh: {_one_line(error)}") from error


def import_steps(parallel: bool) -> SimpleNamespace:
    """The modules of STEPS. Collective if parallel: that import waits for all ranks.

    Args:
        parallel: whether the solvers that are split over ranks are wanted, too.

    Raises:
        UserError: STEPS is not installed or does not load.
    """
    try:
        with _contained():
            from steps.API_1 import geom, model, rng, solver

            if parallel:
                from steps.API_1.mpi import solver as parallel_solver
    except ImportError as error:
        raise UserError(
            f"the extracellular space needs STEPS, which cannot be loaded ({error}); run scripts/build-steps-wheel "
            "and `pip install` the wheel whose path it prints, or set with_steps to false"
        ) from error
    solvers = parallel_solver if parallel else solver
    return SimpleNamespace(geom=geom, model=model, rng=rng, solver=solvers)


@contextlib.contextmanager
def _contained() -> Iterator[None]:
    """Keeps the import of STEPS from disturbing the process, and NEURON from disturbing STEPS."""
    hook, flags = sys.excepthook, sys.getdlopenflags()
    # NEURON has an old CVODE of its own, with the same names as the one that STEPS is linked to
    sys.setdlopenflags(flags | getattr(os, "RTLD_DEEPBIND", 0))
    # STEPS opens a log file .logs/general_log_RANK.txt in the working folder and prints a banner
    with tempfile.TemporaryDirectory() as elsewhere, contextlib.chdir(elsewhere), contextlib.redirect_stdout(None):
        try:
            yield
        finally:
            # its own hook ends the job at any exception, before this suite can say what is wrong
            sys.excepthook = hook
            sys.setdlopenflags(flags)


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split())


def _build_model(steps: SimpleNamespace, space: Space) -> Any:
    model = steps.model.Model()
    system = steps.model.Volsys(space.volume_system, model)
    for ion in space.ions:
        species = steps.model.Spec(ion.name, model)
        steps.model.Diff(f"diffusion_{ion.name}", system, species, dcst=ion.diffusion)
    return model


def _build_mesh(steps: SimpleNamespace, space: Space) -> Any:
    mesh = steps.geom.Tetmesh((METRES * space.vertices).ravel().tolist(), space.tetrahedra.ravel().tolist())
    compartment = steps.geom.TmComp(space.compartment, mesh, range(len(space.tetrahedra)))
    compartment.addVolsys(space.volume_system)
    return mesh
