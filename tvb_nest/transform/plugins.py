"""Transformers by name: those of tvb-nest and those of other packages.

Another package offers one through the entry point group ``tvb_nest.transformers``. The entry point's name begins with
the direction and it leads to a callable that makes a transformer from `TransformSettings`::

    [project.entry-points."tvb_nest.transformers"]
    "to_tvb.potentials" = "my_package:PotentialsToRates"
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from mpi_coupling.failure import UserError
from mpi_coupling.plugins import load, offered
from tvb_nest.transform.to_rates import SlidingMean
from tvb_nest.transform.to_spikes import RateToSpikes, Train

GROUP = "tvb_nest.transformers"
TO_NEST, TO_TVB = "to_nest", "to_tvb"


@dataclass(frozen=True)
class TransformSettings:
    """What a transformer may need to know.

    Attributes:
        n_neurons: of each spiking region that this transformer translates.
        n_excitatory: of them, whose spikes TVB hears.
        positions: these regions, counted among all spiking ones. What is random in a region must depend on its
            position, not on what other regions the transformer has: ranks may share them.
        nb_synapses: of a neuron from outside its region.
        percentage_shared: correlation coefficient of the spike counts of two neurons' input, 0 to 1.
        width: of the sliding mean (ms).
        resolution: time step (ms).
        seed: of everything random.
    """

    n_neurons: tuple[int, ...]
    n_excitatory: tuple[int, ...]
    positions: tuple[int, ...]
    nb_synapses: float
    percentage_shared: float
    width: float
    resolution: float
    seed: int


class ToNest(Protocol):
    """Makes the spikes of a window from the brain's rates into the regions, (n_steps, n_regions) in kHz."""

    def __call__(self, start_step: int, rates: NDArray[np.float64]) -> list[Train]: ...


class ToTvb(Protocol):
    """Makes rates, (n_steps, n_regions) in kHz, from the spike times (ms) of each region in a window."""

    def __call__(self, start_step: int, n_steps: int, times: Sequence[NDArray[np.float64]]) -> NDArray[np.float64]: ...


def _correlated(law: str, settings: TransformSettings) -> RateToSpikes:
    return RateToSpikes(
        settings.n_neurons,
        settings.nb_synapses,
        settings.percentage_shared,
        settings.resolution,
        settings.seed,
        law,
        settings.positions,
    )


def _sliding_mean(settings: TransformSettings) -> SlidingMean:
    return SlidingMean(settings.n_excitatory, settings.width, settings.resolution)


BUILT_IN: Mapping[str, Callable[[TransformSettings], Any]] = {
    f"{TO_NEST}.mip": partial(_correlated, "mip"),
    f"{TO_NEST}.sip": partial(_correlated, "sip"),
    f"{TO_TVB}.sliding_mean": _sliding_mean,
}
"""The transformers of tvb-nest."""


def make_to_nest(name: str, settings: TransformSettings) -> ToNest:
    """The transformer ``to_nest.<name>``.

    Raises:
        UserError: there is none, or it cannot be made.
    """
    return _make(TO_NEST, name, settings)


def make_to_tvb(name: str, settings: TransformSettings) -> ToTvb:
    """The transformer ``to_tvb.<name>``.

    Raises:
        UserError: there is none, or it cannot be made.
    """
    return _make(TO_TVB, name, settings)


def transformer_names(direction: str) -> list[str]:
    """Names of all transformers of a direction, ours first."""
    names = dict.fromkeys([*BUILT_IN, *offered(GROUP)])
    return [name.removeprefix(f"{direction}.") for name in names if name.startswith(f"{direction}.")]


def _make(direction: str, name: str, settings: TransformSettings) -> Any:
    full_name, known = f"{direction}.{name}", transformer_names(direction)
    if name not in known:
        choice = ", ".join(known)
        raise UserError(f"there is no transformer {name!r}; choose from {choice}, or install the package that has it")
    factory = BUILT_IN[full_name] if full_name in BUILT_IN else load(GROUP, full_name, "transformer")
    try:
        return factory(settings)
    except Exception as error:
        raise UserError(f"transformer {full_name!r} cannot be made: {type(error).__name__}: {error}") from error
