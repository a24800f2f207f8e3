"""Checks: the band a quantity must stay in, and what happens when it does not."""

from __future__ import annotations

from typing import Literal

from mpi_coupling.settings.schema import Section, key


class Bounds(Section):
    """A band of allowed values; bounds that are not given do not limit."""

    lb: float | None = key(None, "Values must be above this.")
    leb: float | None = key(None, "Values must be this or above.")
    hb: float | None = key(None, "Values must be below this.")
    heb: float | None = key(None, "Values must be this or below.")


class Check(Section):
    """What a value must satisfy after each exchange, and what happens when it does not."""

    name: str = key(..., "Name used in messages.")
    kwargs: Bounds = key(Bounds, "The allowed band, in the unit of the value.")
    response: Literal["exclude_neuron", "abort_simulation"] = key(
        ..., "exclude_neuron takes the neuron out of the run, abort_simulation stops it."
    )
