"""The sections of the report: each takes the results of a run, and of one to compare it with, and shows something.

A section of which there is no data says why, so that the report of any run can be made.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import numpy as np
import xarray as xr

from mpi_coupling.profile import MEBIBYTE
from multiscale_run.analysis import figures
from multiscale_run.analysis import section_rows as rows_of
from multiscale_run.analysis.errors import NoData
from multiscale_run.analysis.figures import PAGE_MM, Picture
from multiscale_run.analysis.figures.style import ColourScale
from multiscale_run.analysis.results import Results
from multiscale_run.analysis.runs import Runs
from multiscale_run.analysis.tables import Note, Parts, Table

CONCENTRATIONS = ("sodium", "potassium", "potassium_outside", "calcium", "atp", "adp")
METABOLITES = ("glucose", "lactate", "phosphocreatine", "oxygen_capillary", "inflow", "adp_after_exchange")


def section(fill: Callable[[Runs], Iterable[Any]]) -> Callable[..., Parts]:
    """Makes a section of a function that shows things of runs, or raises NoData."""

    @functools.wraps(fill)
    def shown(results: Results, other: Results | None = None) -> Parts:
        try:
            items = list(fill(Runs(results, other)))
        except NoData as error:
            return Parts([Note(f"No data: {error}.")])
        for item in items:
            if isinstance(item, Picture):
                item.description = (fill.__doc__ or "").partition("\n")[0]
        return Parts.of(items)

    return shown


@section
def summary(runs: Runs) -> Iterable[Any]:
    """How far each run came, on what, and what it cost."""
    yield _side_by_side("", {name: rows_of.facts(results) for name, results in runs.items()})
    versions = {name: results.description.versions for name, results in runs.items() if results.description}
    if versions:
        yield _side_by_side("package", versions, "Versions")
    yield from (Note(f"{reason}.") for results in runs.values() for reason in results.unreadable)


@section
def configuration(runs: Runs) -> Iterable[Any]:
    """Settings of the run; of two, where they differ."""
    settings = {name: rows_of.flat(results.configuration) for name, results in runs.items()}
    shown = rows_of.SHOWN_SETTINGS
    chosen = {name: {shown[key]: found[key] for key in shown if key in found} for name, found in settings.items()}
    yield _side_by_side("setting", chosen)
    yield Table(["simulator", *runs], rows_of.periods(runs), "Biological time between two turns (ms)")
    if len(settings) > 1:
        one, two = settings.values()
        rows = [
            [key, one.get(key), two.get(key)] for key in dict.fromkeys([*one, *two]) if one.get(key) != two.get(key)
        ]
        yield Table(["key", *runs], rows, "Differences") if rows else Note("The configurations are the same.")


@section
def activity(runs: Runs) -> Iterable[Any]:
    """Spikes of every neuron and the mean rate over time."""
    activity = runs.need(lambda results: (results.spikes(), results.neurons()))
    yield figures.raster(activity.found, width_mm=PAGE_MM)
    rows = [row for name, (spikes, neurons) in activity.found.items() for row in rows_of.rates(name, spikes, neurons)]
    yield Table(["run", "layer", "neurons", "spikes", "mean rate (Hz)", "lowest", "highest"], rows, "Firing rates")
    yield from rows_of.note(activity.reason)


@section
def potentials(runs: Runs) -> Iterable[Any]:
    """The membrane potential at the soma of some neurons."""
    found = runs.need(lambda results: results.soma_potential())
    yield figures.traces(found.found, width_mm=PAGE_MM)
    yield from rows_of.note(found.reason)


@section
def concentrations(runs: Runs) -> Iterable[Any]:
    """Ions, ATP and ADP: thin lines are neurons, means over their segments; thick ones are means of neurons."""
    yield from _time_series(runs, CONCENTRATIONS)


@section
def metabolites(runs: Runs) -> Iterable[Any]:
    """The metabolism of every neuron after each exchange."""
    yield from _time_series(runs, METABOLITES)


@section
def other_simulators(runs: Runs) -> Iterable[Any]:
    """What simulators of other packages reported."""
    keys = dict.fromkeys(key for results in runs.values() for key in results.of_others)
    if keys:
        yield from _time_series(runs, keys)
    else:
        yield Note("None reported anything.")


@section
def extracellular_potassium(runs: Runs) -> Iterable[Any]:
    """Planes through the tissue at the highest potassium of the run."""
    found = runs.need(rows_of.on_mesh)
    peaks = {name: values.isel(time=_highest(values)).load() for name, (values, _) in found.found.items()}
    scale = ColourScale.of(*(peak.values for peak in peaks.values()))
    for name, peak in peaks.items():
        where = f"at {float(peak['time']):g} ms, through the highest value of the run, {float(peak.max()):.4g} mM"
        yield Note(f"{_subject('Planes', runs, name)} {where}.")
        yield figures.slices(peak, found.found[name][1], scale=scale)
    if scale.highest > scale.high:
        yield Note(f"Colours end at {scale.high:.4g} mM (arrow): the few higher values have the last one.")
    yield from rows_of.note(found.reason)


@section
def vessels(runs: Runs) -> Iterable[Any]:
    """Radius and flow of vessels, their change since rest."""
    radius, flow = runs.need(rows_of.radius_over_rest), runs.ask(rows_of.flow_over_rest)
    held = {name: rows_of.moved(values) for name, values in radius.found.items()}
    panels = [{name: values for name, values in panel.items() if values.size} for panel in (held, flow.found)]
    if any(panels):
        yield figures.time_series([panel for panel in panels if panel], width_mm=PAGE_MM, panel_height_mm=40)
    for name, values in held.items():
        number, whole = values.sizes["vessel"], radius.found[name].sizes["vessel"]
        yield Note(
            f"{_subject('Of', runs, name)} {whole} vessel segments {number} changed their radius; only these are shown."
        )
    places = runs.ask(lambda results: results.sites.vessels)
    for answers in (radius, flow):
        last = {name: values.isel(time=-1) for name, values in answers.found.items() if name in places.found}
        scale = ColourScale.of([0.0], *(values.values for values in last.values()), centre=0)
        for name, values in last.items():
            yield Note(f"{_subject(values.attrs['long_name'], runs, name)}, at {float(values['time']):g} ms.")
            yield figures.vessel_graph(values, places.found[name], centre=0, scale=scale)
        yield from rows_of.note(answers.reason)


@section
def living_neurons(runs: Runs) -> Iterable[Any]:
    """How many neurons take part over time."""
    alive = {name: results.alive() for name, results in runs.items()}
    rows = []
    for name, found in alive.items():
        out = found.isel(neuron=np.flatnonzero(np.isfinite(found["excluded_at"].values)))
        rows += zip(
            [name] * out.sizes["neuron"],
            *(out[c].values.tolist() for c in ("neuron", "excluded_at", "reason")),
            strict=True,
        )
    if rows:
        yield figures.living_neurons(alive, width_mm=PAGE_MM)
    yield from rows_of.long_table(["run", "neuron", "excluded at (ms)", "reason"], rows, "Excluded neurons")
    if not rows:
        for name, found in alive.items():
            all_neurons = _subject(f"All {found.sizes['neuron']} neurons", runs, name)
            yield Note(f"{all_neurons} took part as far as the run came; none was excluded.")


@section
def energy(runs: Runs) -> Iterable[Any]:
    """ATP that neurons used and metabolism supplied, window by window; bands hold all neurons."""
    budgets = runs.need(lambda results: results.energy())
    yield figures.energy_budget(budgets.found, width_mm=PAGE_MM)
    rows = [
        [name, *(float(b[side].mean()) for side in ("demand", "supply")), float(b["atp"].min()), float(b["atp"].max())]
        for name, b in budgets.found.items()
    ]
    yield Table(
        ["run", "used (mM/s)", "supplied (mM/s)", "lowest ATP (mM)", "highest ATP (mM)"], rows, "Means over the run"
    )
    yield from rows_of.note(budgets.reason)


@section
def profile(runs: Runs) -> Iterable[Any]:
    """Wall time of each phase, mean over the ranks."""
    found = runs.need(lambda results: results.profile)
    yield figures.profile_bars(found.found, width_mm=PAGE_MM)
    if any(p.ranks > 1 for p in found.found.values()):
        yield Note("Bars are means over the ranks; black lines go from the fastest to the slowest rank.")
    rows = [
        [
            name,
            p.ranks,
            p.seconds.maximum,
            *(getattr(p.peak_bytes, each) / MEBIBYTE for each in ("minimum", "mean", "maximum")),
        ]
        for name, p in found.found.items()
    ]
    columns = ["run", "ranks", "wall time (s)", "least (MiB)", "mean (MiB)", "most (MiB)"]
    yield Table(columns, rows, "Wall time, and the peak of the memory of a rank")
    yield from rows_of.note(found.reason)


@section
def warnings(runs: Runs) -> Iterable[Any]:
    """What the runs warned of."""
    rows = [[name, rows_of.when(event), event.message] for name, results in runs.items() for event in results.warnings]
    yield from rows_of.long_table(["run", "when (ms)", "warning"], rows, "Warnings")
    silent = [name for name, results in runs.items() if results.description is None]
    if silent:
        yield Note(f"No record of warnings: {', '.join(silent)} was computed by another program or an earlier version.")
    elif not rows:
        yield Note("None.")


def _time_series(runs: Runs, keys: Iterable[str]) -> Iterable[Any]:
    """Some quantities of neurons over time, and why others are missing."""
    answers = [runs.ask(lambda results, key=key: results.quantity(key)) for key in keys]
    reasons = list(dict.fromkeys(answer.reason for answer in answers if answer.reason))
    panels = [answer.found for answer in answers if answer.found]
    if not panels:
        raise NoData("; ".join(reasons))
    yield figures.time_series(panels, width_mm=PAGE_MM)
    yield from rows_of.note("; ".join(reasons))


def _highest(values: xr.DataArray) -> int:
    """The row with the highest value of all."""
    return int(np.argmax(values.max("tetrahedron").values))


def _side_by_side(heading: str, values: Mapping[str, Mapping[str, object]], caption: str = "") -> Table:
    """A table with a column for each run."""
    keys = dict.fromkeys(key for found in values.values() for key in found)
    return Table([heading, *values], [[key, *(found.get(key) for found in values.values())] for key in keys], caption)


def _subject(what: str, runs: Runs, name: str) -> str:
    """What a sentence is about, with the run's name where there are several."""
    return f"{name}: {what}" if len(runs) > 1 else what
