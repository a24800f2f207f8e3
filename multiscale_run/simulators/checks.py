"""Checks: bands that a quantity must stay in, and what happens to a neuron or a run that leaves them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from mpi_coupling.console import get_logger
from mpi_coupling.failure import RunStopped
from mpi_coupling.world import World
from multiscale_run.config.schema.check import Check as CheckSettings
from multiscale_run.coupling import AliveNeurons
from multiscale_run.coupling.domains import EXCLUDED_NEURON
from multiscale_run.metabolism import Band

log = get_logger(__name__)

ABORT = "abort_simulation"
SHOWN = 5
"""How many failures a message lists."""


class CheckFailed(RunStopped):
    """A quantity left its band and the configuration says to stop the run."""


@dataclass(frozen=True)
class Check:
    """A band for one column of a table of per-neuron values.

    Attributes:
        name: what the user calls the quantity.
        column: which column it watches.
        band: where values must lie.
        aborts: whether a failure stops the run; otherwise it excludes the neuron.
    """

    name: str
    column: int
    band: Band
    aborts: bool

    @classmethod
    def of(cls, settings: CheckSettings, column: int) -> Check:
        """The check that a configuration describes."""
        return cls(settings.name, column, Band(**settings.kwargs.model_dump()), settings.response == ABORT)

    def failures(self, table: np.ndarray, alive: AliveNeurons) -> dict[int, str]:
        """Local index of each living neuron outside the band -> what is wrong; table has shape (neurons, columns)."""
        values = table[:, self.column]
        outside = np.flatnonzero(self.band.violations(values) & alive.mask)
        return {int(i): f"{self.name} = {values[i]:.6g} (must be {self.band})" for i in outside}


def build_checks(settings: Mapping[str, CheckSettings], column: Callable[[int | str], int]) -> list[Check]:
    """The checks of a configuration section.

    Args:
        settings: index or name -> check.
        column: resolves an index or a name to a column.
    """
    return [Check.of(check, column(key)) for key, check in settings.items()]


def apply_checks(checks: Sequence[Check], table: np.ndarray, alive: AliveNeurons, time_ms: float) -> list[str]:
    """Test every living neuron's values against the bands; those that fail are excluded, or stop the run.

    Args:
        checks: the bands.
        table: values, shape (neurons, columns).
        alive: neurons of this rank.
        time_ms: present time, for the messages.

    Returns:
        One sentence for each failure on this rank that stops the run.
    """
    stops = []
    for check in checks:
        for i, what in check.failures(table, alive).items():
            if check.aborts:
                stops.append(f"check {check.name!r}, neuron {alive.neuron_ids[i]}: {what}")
            else:
                exclude(alive, i, f"at {time_ms:g} ms: {what}")
    return stops


def stop_if_asked(stops: Sequence[str], world: World, time_ms: float) -> None:
    """End the run on all ranks when a check on any of them says so. Collective.

    Args:
        stops: failures on this rank that stop the run.
        world: the ranks.
        time_ms: present time.

    Raises:
        CheckFailed: on every rank, with the same message.
    """
    everywhere = [stop for part in world.comm.allgather(list(stops)) for stop in part]
    if everywhere:
        rest = f"; and {len(everywhere) - SHOWN} more" if len(everywhere) > SHOWN else ""
        reasons = "; ".join(everywhere[:SHOWN])
        raise CheckFailed(f"at {time_ms:g} ms the run is stopped, as configured, by {reasons}{rest}")


def exclude(alive: AliveNeurons, index: int, reason: str) -> None:
    """Take a neuron out of the run and say why."""
    neuron = int(alive.neuron_ids[index])
    log.warning("neuron %d is excluded %s", neuron, reason, extra={EXCLUDED_NEURON: neuron})
    alive.exclude(index, reason)
