"""Figures: sizes, units and what is drawn; the geometry of planes through tetrahedra."""

from __future__ import annotations

import shutil

import numpy as np
import pytest
import xarray as xr
from matplotlib.collections import LineCollection, PolyCollection
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure

from mpi_coupling.profile import PhaseSummary, ProfileSummary, Spread
from multiscale_run.analysis import Results, figures, sections
from multiscale_run.analysis.figures import style
from multiscale_run.analysis.tables import Note
from multiscale_run.geometry import cubic_mesh


def area(polygons, axis):
    """Of polygons in a plane perpendicular to an axis (shoelace formula)."""
    h, v = np.delete(polygons, axis, axis=2).transpose(2, 0, 1)
    return 0.5 * np.abs((h * np.roll(v, -1, axis=1) - np.roll(h, -1, axis=1) * v).sum(axis=1))


@pytest.mark.parametrize("axis", [0, 1, 2])
@pytest.mark.parametrize("share", [0.001, 0.25, 0.3, 0.5, 0.77])
def test_a_plane_through_a_box_of_tetrahedra_has_the_area_of_the_box(axis, share):
    """Also where the plane goes through vertices and along faces."""
    size = np.array([40.0, 60.0, 20.0])
    mesh = cubic_mesh(np.zeros(3), size, 10.0)
    cut, polygons = figures.cross_section(mesh.corners, axis, share * size[axis])
    assert area(polygons, axis).sum() == pytest.approx(np.delete(size, axis).prod(), rel=1e-6)
    np.testing.assert_allclose(polygons[:, :, axis], share * size[axis], atol=1e-6)
    assert len(np.unique(cut)) == len(cut)
    for number, polygon in zip(cut[:20], polygons[:20], strict=True):
        low, high = mesh.corners[number].min(axis=0), mesh.corners[number].max(axis=0)
        assert ((polygon >= low - 1e-6) & (polygon <= high + 1e-6)).all()


def test_a_plane_beside_the_mesh_cuts_nothing():
    mesh = cubic_mesh(np.zeros(3), np.full(3, 20.0), 10.0)
    cut, polygons = figures.cross_section(mesh.corners, 2, 100.0)
    assert len(cut) == 0 and polygons.shape == (0, 4, 3)


def test_slices_show_the_values_of_the_tetrahedra_that_are_cut():
    mesh = cubic_mesh(np.zeros(3), np.full(3, 40.0), 10.0)
    corners = xr.DataArray(mesh.corners, dims=("tetrahedron", "corner", "axis"))
    values = xr.DataArray(mesh.barycentres[:, 2], dims="tetrahedron", attrs={"units": "mM", "symbol": "K"})
    figure = figures.slices(values, xr.Dataset({"corners": corners}), through=(15.0, 15.0, 15.0))
    drawn = [c for ax in figure.axes[:3] for c in ax.collections if isinstance(c, PolyCollection)]
    cut, _ = figures.cross_section(mesh.corners, 2, 15.0)
    np.testing.assert_array_equal(drawn[0].get_array(), mesh.barycentres[cut, 2])
    assert figure.axes[0].get_xlabel() == "x (µm)" and figure.axes[3].get_ylabel() == "K (mM)"


@pytest.fixture
def results(folder, rows):
    folder.compartments("nai", rows).per_node("soma_v", rows[:, :10], unit="mV").spikes([3.0, 500.0], [4, 2])
    for name in ("after", "before"):
        folder.per_node(f"metabolism_atp_{name}_sync", 1.4 + rows[:, :10] / 1000)
    size = Results(folder.path).sites.vessels.sizes["vessel"]
    table = np.linspace(1, 2, 2 * size).reshape(2, size)
    folder.per_node("bloodflow_radius_after_sync", table, "vasculature", unit="um")
    return Results(folder.path)


DRAWINGS = {
    "time series": lambda r, **o: figures.time_series([{"one": r["nai"]}, {"one": r["nai"], "two": r["nai"]}], **o),
    "traces": lambda r, **o: figures.traces({"one": r.soma_potential()}, **o),
    "raster": lambda r, **o: figures.raster({"one": (r.spikes(), r.neurons())}, **o),
    "rasters": lambda r, **o: figures.raster({n: (r.spikes(), r.neurons()) for n in ("one", "two")}, **o),
    "energy": lambda r, **o: figures.energy_budget({"one": r.energy()}, **o),
    "energies": lambda r, **o: figures.energy_budget({"one": r.energy(), "two": r.energy()}, **o),
    "alive": lambda r, **o: figures.living_neurons({"one": r.alive()}, **o),
}


@pytest.mark.parametrize("name", DRAWINGS)
@pytest.mark.parametrize("width", [figures.COLUMN_MM, figures.PAGE_MM])
def test_figures_have_their_width_and_legible_letters(results, name, width):
    figure = DRAWINGS[name](results, width_mm=width)
    assert isinstance(figure, Figure)
    assert figure.get_figwidth() * 25.4 == pytest.approx(width)
    figure.draw_without_rendering()
    shown = [text for ax in figure.axes for text in ax.findobj(lambda t: hasattr(t, "get_fontsize")) if text.get_text()]
    assert min(text.get_fontsize() for text in shown) >= 7
    labels = [label for ax in figure.axes for label in (ax.get_xlabel(), ax.get_ylabel()) if label]
    assert any("time (ms)" in label for label in labels)
    png, metadata = figure._repr_png_()
    assert png.startswith(b"\x89PNG") and metadata["width"] > 300


def test_vessels_are_coloured_by_their_values(results):
    radius = results.quantity("vessel_radius").isel(time=-1)
    figure = figures.vessel_graph(radius, results.sites.vessels)
    lines = next(c for c in figure.axes[0].collections if isinstance(c, LineCollection))
    assert sorted(lines.get_array()) == sorted(radius.values)
    start = results.sites.vessels[["start_x", "start_y"]].isel(vessel=-1).to_array().values
    last = np.argmax(lines.get_array())
    np.testing.assert_allclose(lines.get_segments()[last][0], start)
    assert figure.axes[-1].get_ylabel() == "radius (µm)"


def test_drawing_leaves_the_callers_settings_alone(results):
    import matplotlib

    matplotlib.rcParams["font.size"] = 13
    try:
        figures.raster({"one": (results.spikes(), results.neurons())})
        assert matplotlib.rcParams["font.size"] == 13
    finally:
        matplotlib.rcdefaults()


def test_a_long_trace_keeps_its_peaks():
    times = np.arange(100_000) * 0.1
    values = np.sin(times / 300)
    values[54_321] = 9.0
    values[12_345] = -9.0
    short_times, short = style.thinned(times, values, most=1000)
    assert len(short) <= 1000 and short.max() == 9.0 and short.min() == -9.0
    assert (np.diff(short_times) >= 0).all()
    np.testing.assert_array_equal(style.thinned(times[:900], values[:900], most=1000)[1], values[:900])


@pytest.mark.parametrize(("value", "unit", "shown"), [(140.0, "mM", 140.0), (0.06, "µM", 60.0), (5e-5, "nM", 50.0)])
def test_small_concentrations_are_shown_in_smaller_units(value, unit, shown):
    given = xr.DataArray([value, np.nan], attrs={"units": "mM"})
    (readable,) = style.in_readable_unit([given])
    assert readable.attrs["units"] == unit and float(readable[0]) == pytest.approx(shown)
    volts = xr.DataArray([1e-5], attrs={"units": "mV"})
    assert style.in_readable_unit([volts])[0] is volts


def test_ranges_of_colours():
    values = np.concatenate([np.linspace(0, 1, 1000), [1e6, np.nan]])
    low, high = style.colour_range(values)
    assert low >= 0 and high < 1.01, "one extreme value does not wash out the others"
    low, high = style.colour_range([-1.0, 3.0], centre=0)
    assert low == -high and high == pytest.approx(3.0, rel=0.01)
    low, high = style.colour_range([2.0, 2.0])
    assert low < high


def luminance(colour):
    """Relative luminance of a colour (WCAG 2.1)."""
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in to_rgb(colour)]
    return float(np.dot([0.2126, 0.7152, 0.0722], linear))


def assert_both_are_seen(below, above):
    """The one that is drawn later leaves the other visible under it, between its dashes and on both sides."""
    assert above.get_linewidth() <= 0.6 * below.get_linewidth()
    assert below.get_linestyle() in ("-", "solid") and above.get_linestyle() not in ("-", "solid")
    assert luminance(below.get_color()) > 1.5 * luminance(above.get_color()), "also without colours"


LAID_OVER = {
    "V": (lambda r: figures.traces({n: r.soma_potential() for n in ("one", "two")}), 0),
    "means": (lambda r: figures.time_series([{n: r.quantity("sodium") for n in ("one", "two")}]), 0),
    "ATP": (lambda r: figures.energy_budget({n: r.energy() for n in ("one", "two")}), 1),
    "alive": (lambda r: figures.living_neurons({n: r.alive() for n in ("one", "two")}), 0),
}


@pytest.mark.parametrize("name", LAID_OVER)
def test_equal_runs_are_both_seen(results, name):
    draw, place = LAID_OVER[name]
    lines = {line.get_label(): line for line in draw(results).axes[place].lines}
    one, two = lines["one"], lines["two"]
    np.testing.assert_array_equal(one.get_ydata(), two.get_ydata())
    assert_both_are_seen(one, two)


def test_equal_rates_are_both_seen(results):
    both = {name: (results.spikes(), results.neurons()) for name in ("one", "two")}
    one, two = (p for p in figures.raster(both).axes[-1].patches)
    assert two.get_linewidth() < one.get_linewidth() and two.get_linestyle() != one.get_linestyle()
    steps = figures.energy_budget({name: results.energy() for name in ("one", "two")}).axes[0].patches
    for below, above in zip(steps[:2], steps[2:], strict=True):
        assert above.get_linewidth() < below.get_linewidth() and above.get_linestyle() != below.get_linestyle()
        assert luminance(below.get_edgecolor()[:3]) > 1.5 * luminance(above.get_edgecolor()[:3])


def test_a_run_keeps_its_style_where_the_other_has_no_data(results):
    nai = results.quantity("sodium")
    figure = figures.time_series([{"two": nai}, {"one": nai, "two": nai}])
    alone, both = ({line.get_label(): line for line in ax.lines} for ax in figure.axes)
    assert alone["two"].get_color() == both["two"].get_color() and "layer 3" not in alone
    assert {text.get_text() for text in figure.legends[0].get_texts()} == {"one", "two"}


def test_maps_that_share_a_scale_have_the_same_bar(results):
    vessels = results.sites.vessels
    size = vessels.sizes["vessel"]
    up, both = (
        xr.DataArray(np.linspace(low, 2.0, size), {"vessel": vessels["vessel"]}, attrs={"units": "%"})
        for low in (0.1, -3.0)
    )
    scale = figures.ColourScale.of(up.values, both.values, centre=0)
    drawn = [figures.vessel_graph(values, vessels, centre=0, scale=scale) for values in (up, both)]
    bars = [figure.axes[-1].get_ylim() for figure in drawn]
    assert bars[0] == bars[1] and bars[0][0] == -bars[0][1]
    clims = [next(c for c in f.axes[0].collections if isinstance(c, LineCollection)).get_clim() for f in drawn]
    assert clims[0] == clims[1] == bars[0]
    assert figures.ColourScale.of(up.values, centre=0).shown[0] == 0.0, "no half of a bar without values"


def test_panels_of_the_energy_budget_have_one_time_axis(results):
    rates, atp, _ = figures.energy_budget({"one": results.energy()}).axes
    assert rates.get_xlim() == atp.get_xlim() and rates.get_xticks().tolist() == atp.get_xticks().tolist()
    assert [text.get_text() for text in atp.get_legend().get_texts()] == ["mean of neurons"]


@pytest.mark.parametrize(("ranks", "whiskers"), [(1, 0), (2, 1)])
def test_only_several_ranks_have_a_fastest_and_a_slowest(ranks, whiskers):
    seconds = Spread(1.0, 1.5, 2.0)
    summary = ProfileSummary(ranks, seconds, {"metabolism": PhaseSummary(seconds, seconds, seconds)}, seconds, seconds)
    assert len(figures.profile_bars({"one": summary}).axes[0].lines) == whiskers


def notes(parts):
    return [str(item) for item in parts.items if isinstance(item, Note)]


def test_words_of_a_report_and_of_one_that_compares(results, tmp_path):
    folder = shutil.copytree(results.config.folder, tmp_path / "other")
    (alone,) = notes(sections.living_neurons(results))
    assert alone == "All 10 neurons took part as far as the run came; none was excluded."
    both = notes(sections.living_neurons(results, Results(folder)))
    assert both == [f"{name}: {alone}" for name in ("simulation", "other")]


@pytest.mark.parametrize(("highest", "said"), [(3.1, ["Colours end at 3.0"]), (3.0, [])])
def test_the_report_says_where_the_colours_of_potassium_end(folder, highest, said):
    mesh = cubic_mesh(np.zeros(3), np.full(3, 40.0), 10.0)
    values = np.append(np.full(len(mesh.corners) - 1, 3.0), highest)
    folder.per_node("steps_potassium_after_sync", values[None], "tetrahedra")
    results = Results(folder.path)
    results.sites.__dict__["mesh"] = mesh  # as if it had been made
    told = [note for note in notes(sections.extracellular_potassium(results)) if "arrow" in note]
    assert [note[: len("Colours end at 3.0")] for note in told] == said
