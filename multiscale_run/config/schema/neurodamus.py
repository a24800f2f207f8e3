"""The neurodamus section: what the coupler asks of the neurons beyond SONATA."""

from __future__ import annotations

from multiscale_run.config.schema.base import Section, key
from multiscale_run.config.schema.check import Check


class Neurodamus(Section):
    """Neurons and astrocytes, simulated by NEURON through neurodamus."""

    glial_delay: float = key(
        0.5,
        "Delay between a release and the astrocyte that listens; ranks exchange spikes at least this often, so that "
        "neurodamus' own 0.05 ms costs much of the speed-up of several ranks.",
        "ms",
        gt=0,
    )
    checks: dict[str, Check] = key(dict, "Bands for volume means of NEURON variables such as atpi.")
