"""Adapters: one file per engine. Each imports its engine only when it is built."""

from multiscale_run.config import SimulationConfig
from multiscale_run.simulators.base import Simulator
from multiscale_run.simulators.bloodflow import BloodflowSimulator
from multiscale_run.simulators.external import ExternalSimulator, Setup, build_external, external_class
from multiscale_run.simulators.extracellular import ExtracellularSimulator
from multiscale_run.simulators.metabolism import MetabolismSimulator
from multiscale_run.simulators.neurons import NeuronSimulator

_OURS: dict[str, type[Simulator]] = {
    cls.name: cls for cls in (NeuronSimulator, ExtracellularSimulator, BloodflowSimulator, MetabolismSimulator)
}


def simulator_class(name: str) -> type[Simulator]:
    """The class of a simulator, ours or that of another package, by the name that configurations use.

    Raises:
        UserError: the other package's cannot be imported, or is no simulator.
    """
    return _OURS[name] if name in _OURS else external_class(name)


def simulator_classes(config: SimulationConfig) -> dict[str, type[Simulator]]:
    """Classes of the simulators that take part, by name."""
    return {name: simulator_class(name) for name in config.active_simulators}


__all__ = [
    "BloodflowSimulator",
    "ExternalSimulator",
    "ExtracellularSimulator",
    "MetabolismSimulator",
    "NeuronSimulator",
    "Setup",
    "Simulator",
    "build_external",
    "external_class",
    "simulator_class",
    "simulator_classes",
]
