"""Bands on the neurons' own quantities, tested with or without a metabolism simulator."""

from __future__ import annotations

import numpy as np

from mpi_coupling.clock import Clock
from multiscale_run.config import SimulationConfig
from multiscale_run.simulators.checks import apply_checks, build_checks
from multiscale_run.simulators.neurons import NeuronSimulator


class NeuronChecks:
    """The checks of ``multiscale_run.neurodamus.checks``: volume means of range variables such as ``atpi``.

    Args:
        config: the simulation's configuration.
        neurons: the neurons to watch.
        clock: ticks and milliseconds.
    """

    def __init__(self, config: SimulationConfig, neurons: NeuronSimulator, clock: Clock) -> None:
        settings = config.multiscale_run.neurodamus.checks
        self._variables = list(settings)
        self._checks = build_checks(settings, lambda name: self._variables.index(str(name)))
        self._neurons, self._clock = neurons, clock

    def apply(self, tick: int) -> list[str]:
        """Test every living neuron at a tick; returns the failures on this rank that stop the run. Collective."""
        if not self._checks:
            return []
        table = np.stack([self._neurons.neuron_mean(name) for name in self._variables], axis=1)
        return apply_checks(self._checks, table, self._neurons.alive, self._clock.ms(tick))
