"""What the tables and figures of the report's sections are made of."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from typing import Any

import numpy as np
import xarray as xr

from mpi_coupling.failure import UserError
from mpi_coupling.profile import MEBIBYTE
from multiscale_run.analysis.derived import firing_rates
from multiscale_run.analysis.errors import NoData
from multiscale_run.analysis.results import Results
from multiscale_run.analysis.tables import Note, Table
from multiscale_run.run_record import Event

MOST_ROWS = 20
"""Rows of a table of events; the rest is counted."""
MOVED_PERCENT = 0.01
"""By how much the radius of a vessel that counts as one that moved has changed."""
SINGLE_PRECISION = float(np.finfo("f4").eps)
"""Relative differences below it are the rounding of reports."""

SHOWN_SETTINGS = {
    "run.tstop": "end of the run (ms)",
    "run.dt": "time step (ms)",
    "run.random_seed": "random seed",
    "multiscale_run.metabolism.variant": "variant of the metabolic network",
    "multiscale_run.metabolism.engine": "metabolism engine",
    "multiscale_run.steps.solver": "extracellular solver",
    "multiscale_run.steps.extracellular_volume_fraction": "extracellular volume fraction",
    "multiscale_run.bloodflow.solver": "blood flow solver",
    "multiscale_run.bloodflow.boundary": "boundary of blood flow",
}
"""Keys of the configuration that the report shows, in words."""


def facts(results: Results) -> dict[str, object]:
    """The run in a few lines."""
    lines: dict[str, object] = {"folder": str(results.config.folder), "state": str(results.state)}
    neurons = results.neurons()
    lines["neurons"] = neurons.sizes["neuron"]
    with suppress(NoData):
        spikes = results.spikes()
        lines["spikes"] = spikes.sizes["spike"]
        seconds = max(spikes.attrs["stop_ms"] / 1000, 1e-9)
        lines["mean rate (Hz)"] = spikes.sizes["spike"] / neurons.sizes["neuron"] / seconds
    lines["excluded neurons"] = int(np.isfinite(results.alive()["excluded_at"]).sum())
    lines["warnings"] = len(results.warnings)
    if results.description:
        d = results.description
        lines |= {"started": d.started, "machine": d.machine, "ranks": d.ranks, "resumed from (ms)": d.resumed_from_ms}
    with suppress(NoData):
        p = results.profile
        lines |= {"wall time (s)": p.seconds.maximum, "most memory of a rank (MiB)": p.peak_bytes.maximum / MEBIBYTE}
    return {key: value for key, value in lines.items() if value is not None}


def flat(settings: Mapping[str, Any], place: str = "") -> dict[str, object]:
    """The leaves of a configuration by their key path."""
    found: dict[str, object] = {}
    for key, value in settings.items():
        path = f"{place}.{key}" if place else str(key)
        found |= flat(value, path) if isinstance(value, Mapping) and value else {path: value}
    return found


def periods(runs: Mapping[str, Results]) -> list[list[object]]:
    """Biological time between two turns of each simulator, by run; empty where it takes no part."""
    each = [{n: ticks * r.config.run.dt for n, ticks in r.config.periods().items()} for r in runs.values()]
    names = dict.fromkeys(name for found in each for name in found)
    return [[name, *(found.get(name) for found in each)] for name in names]


def rates(name: str, spikes: xr.Dataset, neurons: xr.Dataset) -> Iterator[list[object]]:
    """Firing rates of a run by layer."""
    stop = float(spikes.attrs["stop_ms"])
    per_neuron = firing_rates(spikes, neurons, max(stop, 1e-9)).isel(time=0)
    for layer, group in per_neuron.groupby("layer"):
        members = np.isin(spikes["neuron"].values, group["neuron"].values)
        values = group.values
        yield [
            name,
            int(layer),
            len(values),
            int(members.sum()),
            *map(float, (values.mean(), values.min(), values.max())),
        ]


def on_mesh(results: Results) -> tuple[xr.DataArray, xr.Dataset]:
    """Extracellular potassium and the tetrahedra that it is of.

    Raises:
        NoData: the mesh is another than the one that was simulated.
    """
    values, tetrahedra = results.quantity("extracellular_potassium"), results.sites.tetrahedra
    reported, present = values.sizes["tetrahedron"], tetrahedra.sizes["tetrahedron"]
    if reported != present:
        raise NoData(f"the mesh has {present} tetrahedra, the report {reported}: it was made anew; compute again")
    return values, tetrahedra


def radius_over_rest(results: Results) -> xr.DataArray:
    """Change of the radii since rest, percent: time and vessel."""
    radius = results.quantity("vessel_radius")
    rest: Any = radius.isel(time=0)
    with suppress(UserError):
        rest = results.sites.vessels["radius_at_rest"].sel(vessel=radius["vessel"])
    return _change(radius / rest, "radius")


def flow_over_rest(results: Results) -> xr.DataArray:
    """Change of the flow since rest, percent: time and vessel; NaN where no blood flows."""
    try:
        return _change(results.quantity("relative_flow"), "flow")
    except NoData:
        flow = abs(results.quantity("blood_flow"))
        rest = flow.isel(time=0)
        return _change(flow / rest.where(rest > 0), "flow")


def moved(values: xr.DataArray) -> xr.DataArray:
    """The vessels of which a value changed."""
    return values[:, (abs(values) > MOVED_PERCENT).any("time").values]


def long_table(columns: Sequence[str], rows: Sequence[Sequence[object]], caption: str) -> Iterator[Any]:
    """A table of which the first rows are shown; nothing for none."""
    if rows:
        yield Table(columns, rows[:MOST_ROWS], caption)
    if len(rows) > MOST_ROWS:
        yield Note(f"and {len(rows) - MOST_ROWS} more.")


def when(event: Event) -> object:
    """The time of an event for a table."""
    return "while building" if event.time_ms is None else event.time_ms


def note(reason: str) -> Iterable[Any]:
    """A note for a reason that is not empty."""
    return [Note(f"No data: {reason}.")] if reason else []


def _change(ratio: xr.DataArray, name: str) -> xr.DataArray:
    attributes = {
        "units": "%",
        "symbol": f"{name}, change\nsince rest",
        "long_name": f"{name.capitalize()}, change since rest",
    }
    change = ratio - 1
    return (100 * change.where(~(abs(change) < SINGLE_PRECISION), 0.0)).assign_attrs(attributes)
