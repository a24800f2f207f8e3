"""Results as labelled arrays, against what libsonata and h5py read from the same files."""

from __future__ import annotations

import errno
import fcntl
import os
import time
from pathlib import Path

import h5py
import libsonata
import numpy as np
import pytest

from mpi_coupling.failure import UserError
from multiscale_run.analysis import NoData, Results, sections, summarise
from multiscale_run.analysis.errors import Unreadable
from multiscale_run.analysis.figures import Picture
from multiscale_run.analysis.report_file import PATIENCE_SECONDS
from multiscale_run.config import load_config
from multiscale_run.view.page import write_page
from multiscale_run.watching import look


def test_values_are_those_that_libsonata_reads(folder, rows):
    folder.compartments("nai", rows)
    array = Results(folder.path)["nai"]
    reader = libsonata.ElementReportReader(str(folder.results / "nai.h5"))["neurons"]
    frame = reader.get()
    np.testing.assert_array_equal(array.values, frame.data)
    np.testing.assert_allclose(array["time"], frame.times)
    assert np.array_equal(np.stack([array["neuron"], array["section"]], axis=1), np.asarray(frame.ids))
    assert array.attrs["units"] == reader.data_units == "mM"
    assert array["time"].attrs["units"] == reader.time_units == "ms"
    assert array["segment"].values[:8].tolist() == [0, 0, 1, 0] * 2


def test_neurons_bring_layer_type_and_place(folder, rows):
    array = Results(folder.compartments("nai", rows).path)["nai"]
    circuit = libsonata.CircuitConfig.from_file(str(folder.path / "circuit_config.json"))
    nodes = circuit.node_population("neurons")
    for name in ("mtype", "x", "y", "z"):
        expected = np.repeat(np.asarray(nodes.get_attribute(name, nodes.select_all())), 4)
        assert np.array_equal(array[name].values, expected)
    assert set(array["layer"].values) == {3, 5}
    assert array["x"].attrs["units"] == "um"


@pytest.mark.parametrize(
    "key",
    [
        (slice(2, 5), slice(None)),
        (slice(None, None, -3), slice(7, 30, 4)),
        (3, 5),
        ([8, 1, 1], slice(None)),
        ([9, 0], [39, 3, 3]),
        (slice(None), np.arange(40) % 3 == 1),
        (-1, slice(-4, None)),
    ],
)
def test_any_part_can_be_read_alone(folder, rows, key):
    lazy = Results(folder.compartments("nai", rows).path)["nai"]
    assert not lazy.variable._in_memory, "nothing is read before it is used"
    part = lazy[key]
    assert not part.variable._in_memory
    expected = rows.astype("f4")[key[0]]
    expected = expected[..., key[1]] if np.ndim(key[0]) or isinstance(key[0], slice) else expected[key[1]]
    np.testing.assert_array_equal(part.values, expected)
    assert not lazy.variable._in_memory


def test_an_unfinished_run_ends_with_its_last_step(folder, rows):
    results = Results(folder.compartments("nai", rows[:4]).per_node("ina", rows[:3, :10]).path)
    assert results["nai"].sizes["time"] == 4 and results["nai"].attrs["planned_rows"] == 10
    assert np.isfinite(results["nai"].values).all()
    assert float(results["nai"]["time"][-1]) == 300.0
    state = results.state
    assert (state.state, state.reached_ms, state.planned_ms) == ("unfinished", 300.0, 1000.0)
    assert str(state) == "unfinished at 300 of 1000 ms"


def test_the_end_of_files_without_our_attribute_is_found(folder, rows):
    """Other programs leave NaN, or a file that is full."""
    for written in (0, 1, 6, 10):
        folder.compartments("nai", rows[:written])
        with h5py.File(folder.results / "nai.h5", "r+") as file:
            del file["report/neurons/data"].attrs["last_written_step"]
        assert Results(folder.path)["nai"].sizes["time"] == written


def test_pointers_without_the_last_one_are_read(folder, rows):
    """Early writers of the format gave one pointer per node."""
    folder.compartments("nai", rows)
    with h5py.File(folder.results / "nai.h5", "r+") as file:
        pointers = file["report/neurons/mapping/index_pointers"][:-1]
        del file["report/neurons/mapping/index_pointers"]
        file["report/neurons/mapping/index_pointers"] = pointers
    assert Results(folder.path)["nai"]["neuron"].values.tolist() == np.repeat(np.arange(10), 4).tolist()


def test_a_file_of_two_populations_gives_two_reports(folder, rows):
    folder.per_node("nai", rows[:, :10])
    with h5py.File(folder.results / "nai.h5", "r+") as file:
        file.copy("report/neurons", "report/strangers")
    results = Results(folder.path)
    assert list(results) == ["nai/neurons", "nai/strangers"]
    assert results["nai/strangers"].dims == ("time", "site")
    assert results.quantity("sodium").dims == ("time", "neuron")


def test_vessels_and_tetrahedra(folder, rows):
    vessels = Results(folder.per_node("any", rows).path).sites.vessels
    size = vessels.sizes["vessel"]
    folder.per_node("bloodflow_radius_after_sync", np.ones((2, size)), "vasculature", unit="um")
    radius = Results(folder.path).quantity("vessel_radius")
    assert radius.dims == ("time", "vessel") and radius.attrs["long_name"] == "radius of vessels"
    circuit = libsonata.CircuitConfig.from_file(str(folder.path / "circuit_config.json"))
    nodes = circuit.node_population("vasculature")
    ends = [np.asarray(nodes.get_attribute(f"{end}_x", nodes.select_all())) for end in ("start", "end")]
    np.testing.assert_allclose(radius["x"], np.mean(ends, axis=0), rtol=1e-6)
    folder.per_node("steps_potassium_after_sync", rows, "tetrahedra")
    potassium = Results(folder.path).quantity("extracellular_potassium")
    assert potassium.dims == ("time", "tetrahedron"), "without a mesh there are values, but no places"
    assert "x" not in potassium.coords


def test_spikes_are_those_that_libsonata_reads(folder):
    folder.spikes([3.5, 1.25, 900.0], [4, 2, 9]).per_node("ina", np.zeros((10, 10)))
    spikes = Results(folder.path).spikes()
    read = np.array(libsonata.SpikeReader(str(folder.results / "out.h5"))["neurons"].get())
    np.testing.assert_array_equal(np.stack([spikes["neuron"], spikes["time"]], axis=1), read)
    assert spikes.attrs["stop_ms"] == 900.0
    assert "out" not in Results(folder.path), "spikes are no report"


def test_quantities_are_found_by_what_the_configuration_asks_for(folder, rows):
    """The original's file names and numbers of slots: 22 is ATP, 98 sodium."""

    def reports(settings):
        asked = {"src_get_func": "get_vm_idx", "src_get_kwargs": {"idx": 22}, "unit": "mM", "when": "after_sync"}
        settings["multiscale_run"]["reports"]["metabolism"] = {"metab": asked | {"file_name": "metab_atpi.h5"}}

    results = Results(folder.configure(reports).per_node("metab_atpi", rows[:, :10]).path)
    assert results.quantity("atp_after_exchange").name == "metab_atpi"
    assert results.sources["metab_atpi"].variable == "atp_c_n"


def test_what_is_missing_is_explained(folder, rows):
    folder.configure(lambda settings: settings["multiscale_run"].update(with_bloodflow=False))
    results = Results(folder.compartments("nai", rows[:0]).path)
    for ask, message in (
        (
            lambda: results.quantity("vessel_radius"),
            r"bloodflow took no part \(multiscale_run.with_bloodflow is false\)",
        ),
        (lambda: results.quantity("glucose"), "add glc_c_n after_sync to multiscale_run.reports.metabolism"),
        (lambda: results.quantity("sodium"), "sodium in neurons: the run has not written any yet"),
        (lambda: results.report("nei"), r"there is no report 'nei'; there are: nai"),
        (results.spikes, "there is no file of spikes"),
        (lambda: results.profile, "a run writes it when it ends; this one is unfinished"),
    ):
        with pytest.raises(NoData, match=message):
            ask()


def test_a_file_that_the_reader_has_open_is_read_too(folder, rows):
    folder.compartments("nai", rows)
    with h5py.File(folder.results / "nai.h5"):
        np.testing.assert_array_equal(Results(folder.path)["nai"].values, rows.astype("f4"))


def test_no_results(folder):
    with pytest.raises(UserError, match=r"no results in .*RESULTS; run: multiscale-run compute"):
        Results(folder.path)


def asked(folder):
    """Everything that reads results."""
    config = load_config(folder.path)
    return (lambda: Results(folder.path), lambda: look(config), lambda: write_page(config), lambda: summarise(config))


@pytest.mark.parametrize("place", ["RESULTS", "scratch/RESULTS"])
def test_a_file_in_place_of_the_folder_is_named(folder, place):
    folder.results.rmdir()
    obstacle = folder.path / place.split("/")[0]
    obstacle.write_text("a file")
    folder.configure(lambda settings: settings["output"].update(output_dir=place))
    message = rf"{obstacle} is a file, not a folder; remove it or change output\.output_dir$"
    for ask in asked(folder):
        with pytest.raises(UserError, match=message):
            ask()


def test_a_folder_without_the_right_to_read_it(folder, rows, monkeypatch):
    """The tests may run as root, to whom everything is allowed."""
    folder.compartments("nai", rows)
    allowed = os.access
    monkeypatch.setattr(os, "access", lambda path, mode: Path(path) != folder.results and allowed(path, mode))
    for ask in asked(folder):
        with pytest.raises(UserError, match=r"RESULTS cannot be read: Permission denied$"):
            ask()


GARBAGE = b"\x89HDF\r\n\x1a\n" + b"x" * 500


def test_a_damaged_report_is_named_and_the_others_are_read(folder, rows):
    folder.compartments("nai", rows).compartments("cai", rows).spikes([3.5], [4])
    (folder.results / "atpi.h5").write_bytes(GARBAGE)
    (folder.results / "ki.h5").write_bytes((folder.results / "cai.h5").read_bytes()[:3000])
    with h5py.File(folder.results / "cai.h5", "r+") as file:
        del file["report/neurons/mapping/time"]
        file["report/neurons/mapping/time"] = [0.0]
    results = Results(folder.path)
    assert list(results) == ["nai"] and results.state.reached_ms == 900.0
    for key, name in (("atp", "atpi"), ("potassium", "ki"), ("calcium", "cai")):
        with pytest.raises(Unreadable, match=rf"RESULTS/{name}\.h5 cannot be read: .+; compute it again$"):
            results.quantity(key)
    with pytest.raises(Unreadable, match=r"ki\.h5 cannot be read: .*truncated file"):
        results.report("ki")
    assert [reason.split("/")[-1].split()[0] for reason in results.unreadable] == ["atpi.h5", "cai.h5", "ki.h5"]


def test_a_report_without_the_right_to_read_it_is_not_called_damaged(folder, rows, monkeypatch):
    def refuse(path, *_, **__):
        raise PermissionError(errno.EACCES, f"Unable to synchronously open file '{path}'")

    results = Results(folder.compartments("nai", rows).path)
    monkeypatch.setattr(h5py, "File", refuse)
    began = time.monotonic()
    with pytest.raises(
        Unreadable, match=r"nai\.h5 cannot be read: Permission denied; ask its owner for the right"
    ) as e:
        results.quantity("sodium")
    assert "compute it again" not in str(e.value)
    assert time.monotonic() - began < PATIENCE_SECONDS, "waiting does not help"


def test_numbers_that_cannot_be_read_cost_only_their_report(folder, rows):
    """The head of the file is whole."""
    folder.compartments("nai", rows).compartments("cai", rows)
    with h5py.File(folder.results / "cai.h5", "r+") as file:
        data = file["report/neurons/data"]
        attributes = dict(data.attrs)
        del file["report/neurons/data"]
        packed = file.create_dataset("report/neurons/data", data=rows, dtype="f4", chunks=True, compression="gzip")
        packed.attrs.update(attributes)
        place = packed.id.get_chunk_info(0)
    with (folder.results / "cai.h5").open("r+b") as file:
        file.seek(place.byte_offset)
        file.write(b"x" * place.size)
    summary = summarise(load_config(folder.path))
    assert [report.name for report in summary.reports] == ["nai"]
    (reason,) = summary.unreadable
    assert "cai.h5 cannot be read: " in reason
    assert [label for label, _ in summary.highlights] == ["sodium in neurons"]


@pytest.mark.parametrize("text", ["", "{", "[]", '{"ranks": 2}', '{"phases": 3}', '{"phases": {"a": {"seconds": {}}}}'])
def test_a_damaged_profile_is_named(folder, rows, text):
    folder.compartments("nai", rows)
    (folder.results / "profile.json").write_text(text)
    results = Results(folder.path)
    with pytest.raises(Unreadable, match=r"profile\.json cannot be read: it holds no profile of a run"):
        results.profile  # noqa: B018
    assert [reason.split("/")[-1].split()[0] for reason in results.unreadable] == ["profile.json"]


def test_spikes_that_cannot_be_read(folder, rows):
    folder.compartments("nai", rows)
    (folder.results / "out.h5").write_bytes(GARBAGE)
    summary = summarise(load_config(folder.path))
    assert summary.spikes is None and [r.name for r in summary.reports] == ["nai"]
    assert "out.h5 cannot be read" in summary.unreadable[0]


def test_sections_show_the_rest_and_say_what_is_missing(folder, rows):
    folder.compartments("nai", rows)
    (folder.results / "atpi.h5").write_bytes(GARBAGE)
    (folder.results / "profile.json").write_bytes(b"\xff\xfe")
    (folder.results / "run.json").write_text("{}")
    results = Results(folder.path)
    shown = sections.concentrations(results).items
    assert isinstance(shown[0], Picture) and "RESULTS/atpi.h5 cannot be read: " in str(shown[-1])
    (note,) = sections.profile(results).items
    assert "profile.json cannot be read" in str(note)
    told = "\n".join(map(str, sections.summary(results).items))
    for name in ("atpi.h5", "profile.json", "run.json"):
        assert f"{name} cannot be read" in told


def test_a_run_that_holds_its_lock_is_running(folder, rows):
    folder.compartments("nai", rows[:2])
    with (folder.results / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        assert Results(folder.path).state.state == "running"
    assert Results(folder.path).state.state == "unfinished"
    (folder.results / ".SUCCESS").touch()
    assert str(Results(folder.path).state) == "finished: 1000 ms"
