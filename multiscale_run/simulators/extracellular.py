"""Ions in the extracellular space: they diffuse between tetrahedra, and neurons add to them or take from them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar, Protocol

import numpy as np

from mpi_coupling.clock import Clock
from mpi_coupling.console import get_logger
from mpi_coupling.world import UserError, World
from multiscale_run.config import SimulationConfig
from multiscale_run.coupling import TETRAHEDRA, Domain, readable, writable
from multiscale_run.extracellular import (
    Amounts,
    Engine,
    Ion,
    Space,
    check_counts,
    make_engine,
    refuse_endless,
    refuse_negative,
    warn_of_shot_noise,
)
from multiscale_run.extracellular.amounts import MOLAR
from multiscale_run.simulators.base import Simulator

log = get_logger(__name__)

MILLISECOND = 1e-3


class Mesh(Protocol):
    """What the simulator needs of a mesh: coordinates and volumes in um and um3."""

    @property
    def vertices(self) -> np.ndarray:
        """Shape (vertices, 3)."""

    @property
    def tetrahedra(self) -> np.ndarray:
        """Vertices of each tetrahedron, shape (tetrahedra, 4)."""

    @property
    def volumes(self) -> np.ndarray:
        """Shape (tetrahedra,)."""


class ExtracellularSimulator(Simulator):
    """Numbers of molecules of each ion species in each tetrahedron, and the STEPS solver that lets them diffuse.

    Every rank holds the whole space. TetODE and Tetexact run on each of them and come to the same bits.

    Concentrations are in mM, with one exception: ``get_tet_concs`` and ``set_tet_concs`` keep the unit of
    MultiscaleRun 0.8, in which STEPS held mol/L times ``steps.conc_factor``, because its configurations undo that with
    the expression ``vals * (1.0 / (1.0e-3 * config.multiscale_run.steps.conc_factor))``.

    Args:
        config: the simulation's configuration.
        world: the ranks.
        clock: ticks and milliseconds.
        mesh: the tetrahedra.

    Attributes:
        species: names of the ion species, in the order of every array.
        molecules: simulated molecules (true ones times ``steps.conc_factor``), shape (species, tetrahedra).

    Raises:
        UserError: STEPS is missing, the solver is, or it cannot count the molecules.
    """

    name: ClassVar[str] = "steps"

    def __init__(self, config: SimulationConfig, world: World, clock: Clock, mesh: Mesh) -> None:
        super().__init__(config.periods()[self.name])
        self._settings = config.multiscale_run.steps
        self._seed, self._clock, self._ranks = config.run.random_seed, clock, (world.rank, world.size)
        self.amounts = Amounts(mesh.volumes, self._settings.conc_factor, self._settings.extracellular_volume_fraction)
        self._species = self._settings.Volsys.species
        self.species = tuple(self._species)
        ions = [Ion(name, ion.diffcst) for name, ion in self._species.items()]
        names = self._settings.compname, self._settings.Volsys.name
        self._space = Space(mesh.vertices, mesh.tetrahedra, ions, *names)
        self.molecules = np.array([self.amounts.molecules(ion.conc_0) for ion in self._species.values()])
        self._tick = 0
        self._engine = self._make_engine()
        self._check_counts()
        if self._settings.solver == "Tetexact":
            for ion, molecules in zip(ions, self.molecules, strict=True):
                refuse_endless(molecules, ion, MILLISECOND * clock.ms(self.period), self.amounts)
        if self._engine.is_stochastic:
            for name, ion in self._species.items():
                warn_of_shot_noise(ion.conc_0, name, self._settings.solver, self.amounts)

    def advance(self, tick: int) -> None:
        """Let the ions diffuse until the tick.

        Raises:
            UserError: the solver gave up or cannot count the molecules.
        """
        if tick == self._tick:
            return
        self._check_counts()
        start, stop = (MILLISECOND * self._clock.ms(t) for t in (self._tick, tick))
        self.molecules = self._engine.advance(self.molecules, start, stop, [self._seed, tick])
        self._tick = tick

    def domains(self) -> Mapping[str, Domain]:
        """The tetrahedra."""
        return {TETRAHEDRA: Domain(TETRAHEDRA, np.arange(self.molecules.shape[1]), distributed=False)}

    @readable(TETRAHEDRA, "mM")
    def get_concentrations(self, *, species_name: str) -> np.ndarray:
        """Concentration of a species in mM; what rounding leaves below zero counts as zero."""
        return np.maximum(self.amounts.concentrations(self.molecules[self._row(species_name)]), 0.0)

    @writable(TETRAHEDRA, "mM")
    def set_concentrations(self, values: np.ndarray, *, species_name: str) -> None:
        """Set the concentration of a species in mM; NaN leaves a tetrahedron as it is, which no neuron reaches.

        Raises:
            UserError: a concentration is negative or infinite.
        """
        row = self._row(species_name)
        refuse_negative(
            np.where(np.isnan(values), 0.0, values),
            f"setting {species_name}",
            self._space,
            "check the connections that write to steps",
        )
        given = ~np.isnan(values)
        self.molecules[row, given] = self.amounts.molecules(values)[given]

    @readable(TETRAHEDRA, "mol/L x conc_factor")
    def get_tet_concs(self, *, species_name: str) -> np.ndarray:
        """Concentration of a species in mol/L times ``steps.conc_factor``, as in MultiscaleRun 0.8."""
        return self.get_concentrations(species_name=species_name) * (MOLAR * self.amounts.conc_factor)

    @writable(TETRAHEDRA, "mol/L x conc_factor")
    def set_tet_concs(self, values: np.ndarray, *, species_name: str) -> None:
        """Set the concentration of a species in mol/L times ``steps.conc_factor``; see ``set_concentrations``."""
        self.set_concentrations(values / (MOLAR * self.amounts.conc_factor), species_name=species_name)

    @readable(TETRAHEDRA, "molecules x conc_factor")
    def get_tet_counts(self, *, species_name: str) -> np.ndarray:
        """Simulated molecules of a species: the true number times ``steps.conc_factor``."""
        return np.maximum(self.molecules[self._row(species_name)], 0.0)

    @writable(TETRAHEDRA, "mA")
    def add_curr_to_conc(self, values: np.ndarray, *, species_name: str) -> None:
        """Add the ions that a membrane current carries out of cells during one period of this simulator.

        The number of ions is current x period / (charge number x elementary charge). MultiscaleRun 0.8 set negative
        concentrations to zero, which made ions from nothing; here they end the run.

        Args:
            values: mean current over the period in mA, outward positive, shape (tetrahedra,).
            species_name: the ion that carries it.

        Raises:
            UserError: the species has no charge, or a concentration would become negative or not finite.
        """
        row = self._row(species_name)
        charge = self._species[species_name].ncharges
        if charge == 0:
            raise UserError(
                f"steps.Volsys.species.{species_name}.ncharges is 0: a current cannot bring ions without charge; "
                "give the charge number or take the connection to add_curr_to_conc away"
            )
        seconds = MILLISECOND * self._clock.ms(self.period)
        molecules = self.molecules[row] + self.amounts.carried(values, seconds, charge)
        refuse_negative(
            self.amounts.concentrations(molecules),
            f"the {species_name} current of the {1e3 * seconds:g} ms before {self._clock.ms(self._tick):g} ms",
            self._space,
            "shorten steps.ndts, raise steps.extracellular_volume_fraction, or use larger tetrahedra",
        )
        self.molecules[row] = molecules

    def state(self) -> dict[str, np.ndarray]:
        """What a checkpoint has to hold."""
        return {"molecules": self.molecules, "tick": np.array(self._tick)}

    def restore(self, state: Mapping[str, np.ndarray]) -> None:
        """Go back to a :meth:`state`. Collective."""
        self.molecules, self._tick = np.array(state["molecules"]), int(state["tick"])
        # the time of a solver only goes forward
        self._engine = self._make_engine()

    def _make_engine(self) -> Engine:
        # one true molecule
        return make_engine(self._settings.solver, self._space, self._ranks, atol=self._settings.conc_factor)

    def _check_counts(self) -> None:
        if self._engine.is_stochastic:
            for name, molecules in zip(self.species, self.molecules, strict=True):
                check_counts(molecules, name, self._settings.solver, self.amounts, self._space)

    def _row(self, species: str) -> int:
        if species not in self.species:
            raise UserError(f"steps has no species {species!r}; steps.Volsys.species has {', '.join(self.species)}")
        return self.species.index(species)
