"""Adapters: one file per engine. Each imports its engine only when it is built."""

from multiscale_run.simulators.base import Simulator
from multiscale_run.simulators.bloodflow import BloodflowSimulator
from multiscale_run.simulators.extracellular import ExtracellularSimulator
from multiscale_run.simulators.metabolism import MetabolismSimulator
from multiscale_run.simulators.neurons import NeuronSimulator

SIMULATORS: dict[str, type[Simulator]] = {
    cls.name: cls for cls in (NeuronSimulator, ExtracellularSimulator, BloodflowSimulator, MetabolismSimulator)
}
"""Every simulator class by the name that configurations use."""

__all__ = [
    "SIMULATORS",
    "BloodflowSimulator",
    "ExtracellularSimulator",
    "MetabolismSimulator",
    "NeuronSimulator",
    "Simulator",
]
