"""The protocol of a simulator: what the main loop and the coupler may ask of an engine's adapter."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import ClassVar

import numpy as np

from multiscale_run.coupling import Domain, Operator


class Simulator(ABC):
    """An adapter round an engine.

    Its fields are its methods marked ``@readable`` and ``@writable``. Those of other packages are
    :class:`multiscale_run.simulators.ExternalSimulator`.

    Attributes:
        name: as used in configurations.
        period: ticks between two calls of :meth:`advance`.
    """

    name: ClassVar[str]

    def __init__(self, period: int) -> None:
        self.period = period

    @abstractmethod
    def advance(self, tick: int) -> None:
        """Bring the engine from its present time to the given tick. Collective: every rank calls it.

        Called for tick 0 as well, when the connections have set the initial values: nothing but what follows from
        them at once may change then.
        """

    def domains(self) -> Mapping[str, Domain]:
        """The domains this simulator brings along, by name."""
        return {}

    def operators(self) -> Sequence[Operator]:
        """The operators it knows between its own domains and others."""
        return ()

    def check(self) -> list[str]:
        """Test what must stay within bounds, after an advance; returns the failures on this rank that stop the run."""
        return []

    @abstractmethod
    def state(self) -> dict[str, np.ndarray]:
        """Everything of this rank that the future depends on, for a checkpoint. Collective."""

    @abstractmethod
    def restore(self, state: Mapping[str, np.ndarray]) -> None:
        """Go back to a :meth:`state`, so that what follows has the same bits. Collective."""

    def close(self) -> None:  # noqa: B027 - most engines have nothing to release
        """Release the engine."""
