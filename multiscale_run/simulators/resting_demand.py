"""Matches what the resting neuron consumes to what its metabolism supplies.

The Na/K pump is the only owner of ATP demand. Its density scales with membrane, supply with volume, so a neuron with
thin dendrites would starve at rest and one with thick ones would overflow. Each neuron's pump is therefore scaled once,
at the start, so that its resting demand equals the resting supply of its metabolic network. The leaks are balanced
against the scaled pump when NEURON initialises, so the resting concentrations do not move.
"""

from __future__ import annotations

import numpy as np

from mpi_coupling.console import get_logger
from mpi_coupling.world import UserError, World
from multiscale_run.simulators.neurons import NeuronSimulator

log = get_logger(__name__)

FARADAY = 96485.33212
"""C/mol (CODATA 2018)."""

PUMP_CURRENT = "ipump_nakpump"
PUMP_DENSITY = "density_nakpump"
AMP_SLOPE = "slope_nakpump"

USUAL_DENSITY = (0.2, 5.0)
"""Outside this range the pump is no longer the one that was measured; the user should know."""

PER_DIAMETER = 4e4
"""Surface to volume of a cylinder with the units of mA/cm2, um and C/mol -> mM/ms: 4/diam * 1e4."""


def atp_demand(neurons: NeuronSimulator) -> np.ndarray:
    """How fast each neuron's ATP falls by its pump at this instant, mM/s averaged over its volume, shape (neurons,).

    The pump moves one net charge for each ATP that it spends, and adenylate kinase makes good a part from ADP, as in
    the network, whose supply is counted the same way.
    """
    segments = neurons.segments
    spent = 1e3 * PER_DIAMETER * segments.variable(PUMP_CURRENT).read() / (FARADAY * segments.diameter)
    rate = spent / (1 - segments.variable(AMP_SLOPE).read())
    volume = np.bincount(segments.owner, segments.volume)
    return np.bincount(segments.owner, rate * segments.volume) / volume


def match_resting_demand(neurons: NeuronSimulator, supply: np.ndarray, world: World) -> np.ndarray:
    """Scale each neuron's pump density to the resting supply and initialise the model anew.

    Args:
        neurons: a freshly initialised simulator; it is at its resting state.
        supply: net ATP production of each neuron's network at rest, mM/s, shape (neurons,).
        world: the ranks.

    Returns:
        The pump density of each neuron relative to the mechanism's default, shape (neurons,).

    Raises:
        UserError: a neuron has no pump current, or its network supplies no ATP at rest.
    """
    demand = atp_demand(neurons)
    bad = np.flatnonzero(~((demand > 0) & (supply > 0)))
    if bad.size:
        i = int(bad[0])
        raise UserError(
            f"multiscale_run.metabolism.calibrate_resting_demand: neuron {neurons.alive.neuron_ids[i]} demands "
            f"{demand[i]:.3g} mM/s and is supplied {supply[i]:.3g} mM/s of ATP at rest; both must be positive: "
            "use mechanisms with a nakpump and a resting initial state, or set it to false"
        )
    density = supply / demand
    variable = neurons.segments.variable(PUMP_DENSITY)
    variable.write(density[neurons.segments.owner])
    neurons.restart()
    unusual = (density < USUAL_DENSITY[0]) | (density > USUAL_DENSITY[1])
    if unusual.any():
        log.warning(
            "%d neurons need a pump density far from that of the mechanism (%.3g to %.3g times) to match their resting "
            "ATP supply; look at their morphologies or at the network's inputs",
            unusual.sum(),
            density.min(),
            density.max(),
        )
    lowest, highest = world.minimum(density.min(initial=np.inf)), world.maximum(density.max(initial=-np.inf))
    log.info("pump density scaled by %.3g to %.3g to match the resting ATP supply", lowest, highest)
    return density
