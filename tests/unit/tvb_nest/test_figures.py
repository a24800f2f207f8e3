"""The figure of a run: which region has which colour and name, and how a run that is not finished is shown."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from matplotlib.colors import to_hex

from mpi_coupling.failure import UserError
from tvb_nest.cli.post_processing import command
from tvb_nest.figure_regions import HUES, UNKNOWN, RegionStyle
from tvb_nest.figures import Summary, draw_summary
from tvb_nest.parameters import Parameters, write_parameters
from tvb_nest.recording import RESOLVED
from tvb_nest.results import Results
from tvb_nest.setup_folder import write_example

END, SAMPLES, REGIONS = 100.0, 20, 76
POPULATIONS = {"pop_1_ex": 1, "pop_1_in": 161, "pop_2_ex": 201, "pop_2_in": 361}
"""Label -> first neuron in the files."""


def write_spikes(folder: Path, label: str, *times: float) -> None:
    number = 405 + list(POPULATIONS).index(label)
    rows = "".join(f"{POPULATIONS[label]}\t{time:.3f}\n" for time in times)
    (folder / "nest" / f"{label}-{number}-0.dat").write_text(f"# NEST\n# 2\nsender\ttime_ms\n{rows}")


@pytest.fixture
def parameters(tmp_path: Path) -> Parameters:
    example = write_example(tmp_path / "brain", "two-regions", regions=[])
    return example.changed({("end",): END, ("param_co_simulation", "id_region_nest"): [9, 47]})


@pytest.fixture
def results(parameters: Parameters) -> Results:
    """Of a finished run: a sample of 2 Hz in all regions each 4 ms, one outlier, and a spike of each population."""
    folder = parameters.result_folder
    write_parameters(parameters.changed({}, folder / RESOLVED), resolved=True)
    for name in ("nest", "tvb"):
        (folder / name).mkdir()
    samples = np.empty((1, SAMPLES, 2), dtype=object)
    for k in range(SAMPLES):
        samples[0, k] = [4.0 * (k + 1), np.full((1, REGIONS, 1), 2e-3)]
    samples[0, 3, 1][0, 20] = 1.0
    np.save(folder / "tvb" / "step_0.npy", samples, allow_pickle=True)
    (folder / "tvb" / "names.json").write_text(json.dumps({"variables": ["E"], "rate": "E", "sensors": {}}))
    for label in POPULATIONS:
        write_spikes(folder, label, 50.0, 98.0)
    (folder / ".SUCCESS").touch()
    return Results(folder)


def unfinished(results: Results) -> Results:
    (results.folder / ".SUCCESS").unlink()
    return Results(results.folder)


def legend(ax) -> list[str]:
    return [text.get_text() for text in ax.get_legend().get_texts()]


def test_a_region_has_one_hue_and_its_name_in_all_panels(results: Results) -> None:
    raster, rates, brain, bar = Summary(results).figure().axes
    assert legend(raster) == [
        f"{label}: region {name}"
        for label, name in zip(POPULATIONS, ("9, rHC", "9, rHC", "47, lHC", "47, lHC"), strict=True)
    ]
    first, light, second, other_light = (to_hex(line.get_color()).upper() for line in raster.lines)
    assert (first, second) == HUES[:2] and len({first, light, second, other_light}) == 4
    drawn = {line.get_label(): to_hex(line.get_color()).upper() for line in rates.lines}
    assert (drawn["region 9, rHC (NEST)"], drawn["region 47, lHC (NEST)"]) == (first, second)
    assert legend(rates)[:2] == ["40 of 74 other regions", "mean of other regions"]
    named = {text.get_text(): to_hex(text.get_color()).upper() for text in brain.get_yticklabels()}
    assert (named["9, rHC"], named["47, lHC"]) == (first, second)
    assert brain.get_ylabel() == "region of the brain" and bar.get_ylabel() == "excitatory rate (Hz)"
    assert raster.get_xlim() == rates.get_xlim() == brain.get_xlim() == (0, END)


@pytest.mark.parametrize("outlier", [True, False])
def test_the_colour_bar_has_an_arrow_where_it_is_cut(results: Results, outlier: bool) -> None:
    if not outlier:
        samples = np.load(results.folder / "tvb" / "step_0.npy", allow_pickle=True)
        samples[0, 3, 1][0, 20] = 2e-3
        np.save(results.folder / "tvb" / "step_0.npy", samples, allow_pickle=True)
    image = Summary(results).figure().axes[2].images[0]
    assert image.get_clim()[0] == 0 and image.colorbar.extend == ("max" if outlier else "neither")


def test_colours_of_recordings(parameters: Parameters) -> None:
    lists = {"all": [0, 400], "half": [40, 80], "border": [159, 160], "inside": [360, 400]}
    style = RegionStyle(parameters.changed({("param_nest_background", "record_spike_list"): lists}))
    assert style.of_recording("all") == (UNKNOWN, "all"), "neurons of two regions"
    assert style.of_recording("half") == (HUES[0], "half: region 9, rHC")
    assert style.of_recording("border")[0] == HUES[0], "the last excitatory neuron"
    assert style.of_recording("inside") == ("#ECB78C", "inside: region 47, lHC"), "45 % of the hue, 55 % white"
    own = style.parameters.changed({("param_tvb_nest", "network_file"): "network.py"})
    assert RegionStyle(own).of_recording("half") == (UNKNOWN, "half")


def test_without_the_connectome_regions_are_numbers(parameters: Parameters) -> None:
    style = RegionStyle(parameters.changed({("param_tvb_nest", "connectome"): "./gone"}))
    assert style.number_and_name(9) == "9"


def test_a_finished_run_has_no_grey_areas_and_nothing_to_say(results: Results, tmp_path: Path) -> None:
    assert draw_summary(results, tmp_path / "figure.png") == []
    assert (tmp_path / "figure.png").stat().st_size > 10_000
    figure = Summary(results).figure()
    assert not figure.axes[0].collections and not figure.axes[1].patches and figure.get_suptitle() == ""


def test_of_an_unfinished_run_it_is_seen_what_is_not_on_disk_yet(results: Results) -> None:
    write_spikes(results.folder, "pop_1_ex", 20.0, 95.0)
    write_spikes(results.folder, "pop_1_in", 20.0, 70.0)
    write_spikes(results.folder, "pop_2_ex", 94.0)
    write_spikes(results.folder, "pop_2_in")
    summary = Summary(unfinished(results))
    figure = summary.figure()
    areas = [area.get_datalim(figure.axes[0].transData).extents.tolist() for area in figure.axes[0].collections]
    assert areas[1] == [70, 160.5, 95, 200.5] and areas[3] == [0, 360.5, 95, 400.5]
    assert [patch.get_x() for patch in figure.axes[1].patches] == [80], "samples until 80 ms, spikes until 95 ms"
    assert (
        figure.axes[0].get_xlim() == (0, 95)
        and figure.get_suptitle() == "not finished: 95 of 100 ms on disk; grey: not yet"
    )
    assert list(summary.left_out()) == ["the run is not finished: 95 of 100 ms on disk; grey areas are not on disk yet"]


def test_files_that_were_cut_are_read_as_far_as_they_are_whole(results: Results) -> None:
    nest = results.folder / "nest"
    with (nest / "pop_1_ex-405-0.dat").open("a") as file:
        file.write("7\t9")
    (nest / "pop_1_in-406-0.dat").write_text("# NEST\nsender\tti")
    (nest / "pop_2_ex-407-0.dat").write_text("")
    assert results.recording("pop_1_ex")["time_ms"].tolist() == [50.0, 98.0]
    for label in ("pop_1_in", "pop_2_ex"):
        assert len(results.recording(label)["time_ms"]) == len(results.recording(label)["sender"]) == 0


@pytest.fixture
def post_processing(results: Results) -> Callable[..., str]:
    def run(*options: object, code: int = 0) -> str:
        done = CliRunner().invoke(command, [str(results.folder), *map(str, options)])
        if code:
            assert isinstance(done.exception, UserError), done.output
            return str(done.exception)
        assert done.exit_code == 0, done.output
        return done.output

    return run


def test_what_is_missing_is_said(results: Results, post_processing: Callable[..., str]) -> None:
    for path in (results.folder / "tvb").iterdir():
        path.unlink()
    (results.folder / "tvb").rmdir()
    (results.folder / "tvb").write_text("")
    assert post_processing().splitlines() == [
        f"note: {results.folder}/tvb: has no file of the brain; its rates are left out",
        f"drawn: {results.folder}/figures/summary.png",
    ]
    (results.folder / "nest").rename(results.folder / "elsewhere")
    (results.folder / "tvb").unlink()
    (results.folder / "tvb").mkdir()
    message = post_processing(code=2)
    assert "nothing to draw" in message and "nest: has no recording of spikes" in message


def test_where_the_figure_goes(results: Results, post_processing: Callable[..., str], tmp_path: Path) -> None:
    (results.folder / "figures").write_text("")
    assert post_processing(code=2) == (
        f"{results.folder}/figures: is a file, not a folder; name another place for the figure: --output FILE"
    )
    assert f"there is no folder {tmp_path}/no; make it" in post_processing("-o", tmp_path / "no" / "x.png", code=2)
    assert not (tmp_path / "no").exists()
    assert "no format has this ending" in post_processing("-o", tmp_path / "x.nothing", code=2)
    assert post_processing("-o", tmp_path / "x.svg") == f"drawn: {tmp_path}/x.svg\n"
