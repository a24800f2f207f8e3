"""The colours: quantities over time of what is drawn, with the numbers of the reports."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass

import numpy as np
import xarray as xr

from mpi_coupling.failure import UserError
from multiscale_run.analysis import Results
from multiscale_run.analysis.catalogue import quantities
from multiscale_run.analysis.derived import per_neuron
from multiscale_run.analysis.figures.style import ColourScale, in_readable_unit, unit_text
from multiscale_run.analysis.section_rows import flow_over_rest, on_mesh, radius_over_rest
from multiscale_run.analysis.sites import COMPARTMENT, NEURON

MOST_NUMBERS = 500_000
"""Numbers of a quantity that a page holds: bounds its size."""
SIGNED = ("radius_change", "flow_change", "blood_flow")
"""Quantities with two directions: their colours are centred on 0."""
NOT_SHOWN = ("living_neurons", "relative_flow")
"""Ids are no quantity; flow over that at rest is shown as its change."""


Question = tuple[str, str, Callable[[], xr.DataArray]]


@dataclass(frozen=True)
class Colours:
    """A quantity of neurons, vessels or tetrahedra over time.

    Attributes:
        key: of the quantity.
        kind: ``neuron``, ``vessel`` or ``tetrahedron``.
        label: in words.
        unit: of the values, as it is written.
        times: ms, shape (times,).
        values: shape (times, things drawn); NaN where there is no value.
        limits: of the colours.
        part: of the map of colours that lies between the limits, from 0 to 1.
        every: of how many rows of the report one is shown.
    """

    key: str
    kind: str
    label: str
    unit: str
    times: np.ndarray
    values: np.ndarray
    limits: tuple[float, float]
    part: tuple[float, float]
    every: int

    @property
    def is_signed(self) -> bool:
        """Whether it has two directions."""
        return self.key in SIGNED


def read_colours(results: Results, drawn: Mapping[str, np.ndarray], most: int = MOST_NUMBERS) -> list[Colours]:
    """All quantities of a run that can colour what is drawn.

    Args:
        results: of the run.
        drawn: kind -> ids of the things that are drawn.
        most: numbers of a quantity; of more, every second row is taken, or every third...
    """
    found = []
    for key, label, ask in _questions(results):
        with suppress(UserError):  # not reported, not readable, or of a mesh or circuit that is no longer there
            values = ask()
            kind = NEURON if COMPARTMENT in values.dims else str(values.dims[1])
            if kind in drawn and len(drawn[kind]) and values.size:
                found.append(_colours(key, label, values, drawn[kind], most))
    return found


def _questions(results: Results) -> Iterator[Question]:
    """Key, label and reader of each quantity, the most telling of vessels first."""
    yield "radius_change", "change of radius since rest", lambda: radius_over_rest(results)
    yield "flow_change", "change of flow since rest", lambda: flow_over_rest(results)
    for key, quantity in (quantities() | results.of_others).items():
        if key == "membrane_potential":
            yield key, quantity.label, results.soma_potential
        elif key == "extracellular_potassium":
            yield key, quantity.label, lambda: on_mesh(results)[0]
        elif key not in NOT_SHOWN:
            yield key, quantity.label, lambda key=key: results.quantity(key)


def _colours(key: str, label: str, values: xr.DataArray, ids: np.ndarray, most: int) -> Colours:
    every = max(1, -(-values.sizes["time"] * len(ids) // most))
    rows = values.isel(time=slice(None, None, every))
    if COMPARTMENT in rows.dims:
        rows = per_neuron(rows)
    kind = str(rows.dims[1])
    (shown,) = in_readable_unit([xr.DataArray(_of_drawn(rows, kind, ids), attrs=rows.attrs)])
    scale = ColourScale.of(shown.values, centre=0.0 if key in SIGNED else None)
    return Colours(
        key,
        kind,
        label,
        unit_text(str(shown.attrs["units"])),
        rows["time"].values.astype(float),
        shown.values,
        scale.shown,
        scale.part,
        every,
    )


def _of_drawn(rows: xr.DataArray, kind: str, ids: np.ndarray) -> np.ndarray:
    """The columns of the things that are drawn, shape (times, things); NaN for those that were not reported."""
    reported = rows[kind].values
    order = np.argsort(reported)
    place = np.searchsorted(reported[order], ids)
    known = place < len(reported)
    known[known] = reported[order[place[known]]] == ids[known]
    numbers = np.full((rows.sizes["time"], len(ids)), np.nan, dtype="f4")
    numbers[:, known] = rows.isel({kind: order[place[known]]}).values
    return numbers
