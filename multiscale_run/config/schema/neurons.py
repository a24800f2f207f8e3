"""The neurons' section: what is watched in them and how their astrocytes listen."""

from __future__ import annotations

from mpi_coupling.settings.schema import Section, key
from multiscale_run.config.schema.check import Check


class Neurodamus(Section):
    """Neurons, synapses and astrocytes."""

    checks: dict[str, Check] = key(
        dict,
        "Bands for range variables of the neurons (volume means), by NEURON's name such as atpi; tested at every stop, "
        "with or without metabolism.",
    )
    glial_delay: float = key(
        0.5,
        "Delay from a release to the astrocyte that hears it. Ranks exchange spikes at least this often: a short delay "
        "is slow on many ranks.",
        "ms",
        gt=0,
    )
