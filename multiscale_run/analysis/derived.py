"""What follows from the values of reports: means per neuron and layer, rates, the energy budget, who is alive."""

from __future__ import annotations

from collections.abc import Hashable, Sequence

import numpy as np
import xarray as xr

from multiscale_run.analysis.sites import COMPARTMENT, NEURON
from multiscale_run.run_record import Event

MILLISECONDS = 1e-3
READ_ELEMENTS = 2**23
"""Most numbers of a report that are read at once: bounds the memory."""
NOT_RECORDED = "not recorded"
"""Reason of an exclusion in results without a record of events."""


def per_neuron(values: xr.DataArray) -> xr.DataArray:
    """The plain mean over each neuron's reported compartments: dimensions time and neuron.

    Compartments count alike, whatever their size. Values per neuron are returned as they are; for means by volume
    see the reports of the metabolism, or report ``get_var`` with a weight.
    """
    if COMPARTMENT not in values.dims:
        return values
    if (np.diff(values[NEURON].values) < 0).any():  # as other programs may write them
        values = values[:, np.argsort(values[NEURON].values, kind="stable")]
    ids, first, counts = np.unique(values[NEURON], return_index=True, return_counts=True)
    rows = max(1, READ_ELEMENTS // values.sizes[COMPARTMENT])
    blocks = (values[start : start + rows].values.astype(float) for start in range(0, values.sizes["time"], rows))
    parts = [np.add.reduceat(block, first, axis=1) for block in blocks]
    sums = np.concatenate([np.empty((0, len(ids))), *parts])
    kept = {
        str(name): (NEURON, c.values[first], c.attrs) for name, c in values.coords.items() if _is_of_neuron(name, c)
    }
    coordinates = {"time": values["time"], **kept, NEURON: ids}
    return xr.DataArray(sums / counts, coordinates, ("time", NEURON), values.name, values.attrs)


def per_layer(values: xr.DataArray) -> xr.DataArray:
    """The mean over the neurons of each layer, excluded ones left out: dimensions time and layer."""
    with xr.set_options(keep_attrs=True):
        return per_neuron(values).groupby("layer").mean()


def firing_rates(spikes: xr.Dataset, neurons: xr.Dataset, bin_ms: float = 20.0) -> xr.DataArray:
    """Firing rate of each neuron in bins of time, Hz: dimensions time (middle of a bin, ms) and neuron.

    Args:
        spikes: as :meth:`Results.spikes` gives them.
        neurons: as :meth:`Results.neurons` gives them.
        bin_ms: width of the bins; the last one that is not complete is left out, unless it is the only one.
    """
    stop = float(spikes.attrs["stop_ms"])
    bins = max(1, int(stop / bin_ms + 1e-9))
    edges = bin_ms * np.arange(bins + 1) if stop >= bin_ms else np.array([0.0, max(stop, 1e-9)])
    size = neurons.sizes[NEURON]
    counts, _, _ = np.histogram2d(spikes["time"], spikes["neuron"], [edges, np.arange(size + 1)])
    seconds = np.diff(edges)[:, None] * MILLISECONDS
    coordinates = {"time": ("time", (edges[:-1] + edges[1:]) / 2, {"units": "ms"}), NEURON: neurons[NEURON]}
    coordinates |= {name: neurons[name] for name in ("layer", "mtype") if name in neurons}
    attributes = {"units": "Hz", "long_name": "firing rate"}
    return xr.DataArray(counts / seconds, coordinates, ("time", NEURON), "firing_rate", attributes)


def energy(before: xr.DataArray, after: xr.DataArray) -> xr.Dataset:
    """What happened to the ATP of each neuron between two exchanges.

    Both sides change the ATP that they agreed on, and both changes count: new = neuron + metabolism - previous. So what
    the metabolism made is its value before the exchange minus the previous agreement, and what the neuron used is
    that value minus the new agreement. Both are changes of free ATP, after the adenylate kinase has made up for a
    part (docs/energy.md).

    Args:
        before: ATP of the metabolism before each exchange, mM, time and neuron.
        after: ATP after each exchange, mM, time and neuron.

    Returns:
        ``supply`` and ``demand`` (mM/s, means of the window that ends at the time) and ``atp`` (mM, at the time),
        dimensions time and neuron. The first exchange has no window.
    """
    agreed = after.astype(float)
    used = before.astype(float) - agreed
    made = before.astype(float).isel(time=slice(1, None)) - agreed.isel(time=slice(None, -1)).values
    seconds = (after["time"].diff("time")) * MILLISECONDS
    rate = {"units": "mM/s"}
    return xr.Dataset(
        {
            "supply": (made / seconds).assign_attrs(rate, long_name="ATP supplied by the metabolism"),
            "demand": (used.isel(time=slice(1, None)) / seconds).assign_attrs(rate, long_name="ATP used by the neuron"),
            "atp": agreed.isel(time=slice(1, None)).assign_attrs(units="mM", long_name="ATP"),
        }
    )


def alive(
    neurons: xr.Dataset, reached_ms: float, exclusions: Sequence[Event], reports: Sequence[xr.DataArray] = ()
) -> xr.Dataset:
    """Which neurons took part, and why others did not.

    Args:
        neurons: all neurons.
        reached_ms: how far the run came.
        exclusions: what was recorded.
        reports: values per neuron in which NaN stands for an excluded one; used where nothing was recorded.

    Returns:
        ``alive`` (time and neuron) at the start, at each exclusion and at the end; ``excluded_at`` (ms, NaN for those
        alive) and ``reason`` (neuron).
    """
    ids = neurons[NEURON].values
    time, reason = np.full(len(ids), np.nan), np.full(len(ids), "", dtype=object)
    for event in exclusions:
        row = np.flatnonzero(ids == event.neuron)
        time[row], reason[row] = event.time_ms, event.message.partition(": ")[2] or event.message
    if not exclusions:
        for report in reports:
            missing = np.isnan(report.values)
            rows = np.searchsorted(ids, report[NEURON].values[missing.any(axis=0)])
            first = report["time"].values[missing.argmax(axis=0)[missing.any(axis=0)]]
            time[rows], reason[rows] = np.fmin(time[rows], first), NOT_RECORDED
    moments = np.unique(np.concatenate([[0.0], time[np.isfinite(time)], [reached_ms]]))
    taking_part = ~(time[None, :] <= moments[:, None])
    return xr.Dataset(
        {
            "alive": (("time", NEURON), taking_part),
            "excluded_at": (NEURON, time, {"units": "ms"}),
            "reason": (NEURON, reason.astype(str)),
        },
        coords={"time": ("time", moments, {"units": "ms"}), NEURON: ids},
    )


def _is_of_neuron(name: Hashable, coordinate: xr.DataArray) -> bool:
    return COMPARTMENT in coordinate.dims and name not in ("section", "segment", NEURON)
