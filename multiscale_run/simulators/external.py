"""Simulators of other packages: what they must be, and what they are built from.

A package offers one by an entry point, its name in configurations::

    [project.entry-points."multiscale_run.simulators"]
    heater = "heater:Heater"
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Self

from mpi_coupling.clock import Clock
from mpi_coupling.failure import UserError
from mpi_coupling.plugins import load
from mpi_coupling.world import World
from multiscale_run.config import SimulationConfig
from multiscale_run.config.schema import SimulatorSection
from multiscale_run.config.schema.base import GROUP
from multiscale_run.simulators.base import Simulator

if TYPE_CHECKING:
    from multiscale_run.bloodflow import VesselGraph
    from multiscale_run.geometry import TetMesh
    from multiscale_run.simulators.neurons import NeuronSimulator


@dataclass(frozen=True)
class Setup:
    """What a simulator of another package is built from.

    Attributes:
        config: the simulation's configuration; ``config.multiscale_run`` has a section of its name.
        world: the ranks.
        clock: ticks and milliseconds.
        neurons: the neurons of this rank, which are built already.
        mesh: the tetrahedra of the tissue; None where the run has none.
        vessels: the vasculature; None without blood flow.
        simulators: all that are built already, by name.
    """

    config: SimulationConfig
    world: World
    clock: Clock
    neurons: NeuronSimulator
    mesh: TetMesh | None
    vessels: VesselGraph | None
    simulators: Mapping[str, Simulator]


class ExternalSimulator(Simulator):
    """A simulator of another package. It advances after ours.

    Attributes:
        settings: type of its section in ``multiscale_run``; ``with_<name>`` and ``reports.<name>`` come by themselves.
    """

    settings: ClassVar[type[SimulatorSection]] = SimulatorSection

    @classmethod
    @abstractmethod
    def build(cls, setup: Setup) -> Self:
        """Make the one of a run. Collective.

        Raises:
            UserError: it cannot be made from this configuration.
        """


def build_external(name: str, setup: Setup) -> ExternalSimulator:
    """Make a simulator of another package. Collective.

    Raises:
        UserError: it cannot be made, or has another period than the configuration says.
    """
    built = external_class(name).build(setup)
    period = setup.config.periods()[name]
    if built.period != period:
        raise UserError(f"simulator {name!r}: its period is {built.period} ticks, not the {period} of its section")
    return built


def external_class(name: str) -> type[ExternalSimulator]:
    """The class of a simulator of another package.

    Raises:
        UserError: it cannot be imported, or is no simulator.
    """
    found = load(GROUP, name, "simulator")
    is_one = isinstance(found, type) and issubclass(found, ExternalSimulator)
    if not is_one or getattr(found, "name", None) != name:
        raise UserError(f"simulator {name!r}: its entry point must lead to an ExternalSimulator with the name {name!r}")
    if missing := sorted(found.__abstractmethods__):
        raise UserError(f"simulator {name!r}: {found.__name__} lacks {', '.join(missing)}")
    return found
