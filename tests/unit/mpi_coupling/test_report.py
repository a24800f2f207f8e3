"""Reports and spikes: what is written can be read by others, at any moment and whatever happens to the writer."""

from __future__ import annotations

import errno
import os
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path
from typing import Any

import h5py
import libsonata
import numpy as np
import pytest

from mpi_coupling import CompartmentReport, SpikeWriter, UserError, World
from mpi_coupling._sonata_file import METADATA_BYTES
from mpi_coupling.report import _stored_bytes

REPOSITORY = Path(__file__).parents[3]
TIMES = {"start_ms": 0.0, "stop_ms": 1.0, "step_ms": 0.1, "unit": "mV"}
NODE_IDS, COUNTS, SECTIONS = [7, 2, 5], [2, 3, 1], [0, 1, 0, 0, 4, 0]


def new_report(world: World, path: Path, **options: Any) -> CompartmentReport:
    """A report of ten rows of three nodes with six elements."""
    return CompartmentReport(world, path, "neurons", NODE_IDS, COUNTS, SECTIONS, **{**TIMES, **options})


def row(step: int) -> np.ndarray:
    """Values that tell step, node and element: 100 * step + 10 * node + number of the element within it."""
    return 100.0 * step + np.array([70, 71, 20, 21, 22, 50])


def append_rows(report: CompartmentReport, steps: range) -> None:
    for step in steps:
        report.append(row(step))
    report.flush()


def run_python(script: str, *arguments: object) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(script), *map(str, arguments)],
        env={**os.environ, "PYTHONPATH": str(REPOSITORY)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def test_libsonata_reads_what_was_appended(world: World, tmp_path: Path) -> None:
    with new_report(world, tmp_path / "RESULTS" / "v.h5") as report:
        append_rows(report, range(4))
        append_rows(report, range(4, 10))
    population = libsonata.ElementReportReader(str(report.path))["neurons"]
    assert population.sorted
    assert population.times == (0.0, 1.0, 0.1)
    assert (population.time_units, population.data_units) == ("ms", "mV")
    assert list(population.get_node_ids()) == [2, 5, 7]
    frames = population.get()
    np.testing.assert_array_equal(frames.ids, [[2, 0], [2, 0], [2, 4], [5, 0], [7, 0], [7, 1]])
    np.testing.assert_array_equal(
        frames.data, [100.0 * step + np.array([20, 21, 22, 50, 70, 71]) for step in range(10)]
    )
    np.testing.assert_allclose(frames.times, 0.1 * np.arange(10))
    one = population.get(node_ids=[7], tstart=0.35, tstop=0.55)
    np.testing.assert_array_equal(one.data, [[470, 471], [570, 571]])


def test_per_node_report_is_a_soma_report(world: World, tmp_path: Path) -> None:
    report = CompartmentReport.per_node(world, tmp_path / "atp.h5", "neurons", [3, 1], **{**TIMES, "unit": "mM"})
    report.append([0.3, 0.1])
    report.close()
    population = libsonata.SomaReportReader(str(report.path))["neurons"]
    assert list(population.get_node_ids()) == [1, 3]
    np.testing.assert_array_equal(population.get(tstop=0.05).data, np.array([[0.1, 0.3]], "f4"))


def test_file_has_its_final_size_from_the_start(world: World, tmp_path: Path) -> None:
    elements = 5000
    report = CompartmentReport.per_node(world, tmp_path / "v.h5", "neurons", np.arange(elements), **TIMES)
    assert report.path.stat().st_blocks * 512 >= 10 * elements * 4
    before = report.path.stat().st_size
    report.append(np.zeros(elements))
    report.flush()
    assert report.path.stat().st_size == before
    with h5py.File(report.path) as file:
        data = file["report/neurons/data"]
        assert data.shape == (10, elements)
        assert data.chunks is not None and np.prod(data.chunks) * 4 <= 2**18
        assert (file.attrs["magic"], list(file.attrs["version"])) == (0x0A7A, [0, 1])


@pytest.mark.parametrize("shape", [(1, 1), (1000, 3), (3, 1025), (65, 4097), (2000, 2500)])
def test_room_is_taken_for_the_whole_file_and_little_more(shape: tuple[int, int], world: World, tmp_path: Path) -> None:
    n_steps, n_elements = shape
    times = {"start_ms": 0.0, "stop_ms": float(n_steps), "step_ms": 1.0, "unit": "mV"}
    report = CompartmentReport.per_node(world, tmp_path / "v.h5", "neurons", np.arange(n_elements), **times)
    size = report.path.stat().st_size
    needed = _stored_bytes(n_steps, n_elements, 4) + 20 * n_elements + METADATA_BYTES
    assert size <= needed
    assert needed - METADATA_BYTES <= 1.1 * 4 * n_steps * n_elements + 20 * n_elements + 1000


def test_rows_that_were_not_written_are_nan(world: World, tmp_path: Path) -> None:
    report = new_report(world, tmp_path / "v.h5")
    with h5py.File(report.path) as file:
        assert file["report/neurons/data"].attrs["last_written_step"] == -1
    append_rows(report, range(3))
    report.append(row(3))  # not flushed
    with h5py.File(report.path) as file:
        data = file["report/neurons/data"]
        assert data.attrs["last_written_step"] == 2
        assert np.isfinite(data[:3]).all()
        assert np.isnan(data[3:]).all()


def test_a_reader_with_the_file_open_does_not_stop_the_writer(world: World, tmp_path: Path) -> None:
    report = new_report(world, tmp_path / "v.h5")
    reader = run_python(
        """
        import sys, h5py
        with h5py.File(sys.argv[1]) as file:
            print("open", flush=True)
            sys.stdin.read()
        """,
        report.path,
    )
    with reader:
        assert reader.stdout is not None and reader.stdout.readline() == "open\n"
        append_rows(report, range(2))
        reader.kill()
    assert libsonata.ElementReportReader(str(report.path))["neurons"].get(tstop=0.15).data.shape == (2, 6)


def test_writer_killed_between_flushes_leaves_every_flushed_row(tmp_path: Path) -> None:
    path = tmp_path / "v.h5"
    writer = run_python(
        """
        import sys, time
        from mpi_coupling import CompartmentReport, SpikeWriter, World
        world = World.start()
        spikes = SpikeWriter(world, sys.argv[1] + ".spikes")
        times = dict(start_ms=0, stop_ms=1, step_ms=0.1, unit="mV")
        report = CompartmentReport.per_node(world, sys.argv[1], "neurons", range(3), **times)
        for step in range(4):
            report.append([step] * 3)
            report.flush()
            spikes.append("neurons", [step * 0.1], [step])
            spikes.flush()
        report.append([9] * 3)
        print("flushed", flush=True)
        time.sleep(60)
        """,
        path,
    )
    with writer:
        assert writer.stdout is not None and writer.stdout.readline() == "flushed\n"
        os.kill(writer.pid, signal.SIGKILL)
    frames = libsonata.ElementReportReader(str(path))["neurons"].get()
    np.testing.assert_array_equal(frames.data[:4], np.repeat(np.arange(4), 3).reshape(4, 3))
    assert np.isnan(frames.data[4:]).all()
    with h5py.File(path) as file:
        assert file["report/neurons/data"].attrs["last_written_step"] == 3
    assert len(libsonata.SpikeReader(f"{path}.spikes")["neurons"].get()) == 4


ALWAYS_FLUSHING = """
    import sys
    import numpy as np
    from mpi_coupling import CompartmentReport, SpikeWriter, World

    world = World.start()
    times = dict(start_ms=0, stop_ms=1000, step_ms=0.1, unit="mV")
    report = CompartmentReport.per_node(world, sys.argv[1] + "/v.h5", "neurons", range(500), **times)
    spikes = SpikeWriter(world, sys.argv[1] + "/out.h5", ["neurons"])
    print("running", flush=True)
    for step in range(10_000):
        report.append(np.full(500, step))
        report.flush()
        spikes.append("neurons", np.full(300, step), np.arange(300))
        spikes.flush()
"""


@pytest.mark.parametrize("seconds", [0.03, 0.07, 0.11, 0.15, 0.19])
def test_writer_killed_in_a_flush_leaves_good_files(tmp_path: Path, seconds: float) -> None:
    writer = run_python(ALWAYS_FLUSHING, tmp_path)
    with writer:
        assert writer.stdout is not None and writer.stdout.readline() == "running\n"
        time.sleep(seconds)
        os.kill(writer.pid, signal.SIGKILL)
    with h5py.File(tmp_path / "v.h5") as file:
        n_rows = file["report/neurons/data"].attrs["last_written_step"] + 1
        rows = file["report/neurons/data"][:n_rows]
    np.testing.assert_array_equal(rows, np.repeat(np.arange(n_rows), 500).reshape(n_rows, 500))
    spikes = libsonata.SpikeReader(str(tmp_path / "out.h5"))["neurons"].get()
    assert len(spikes) in (300 * n_rows, 300 * max(n_rows - 1, 0), 300 * (n_rows + 1))
    assert [int(at) for _, at in spikes] == [index // 300 for index in range(len(spikes))]


def test_resumed_report_equals_an_uninterrupted_one(world: World, tmp_path: Path) -> None:
    with new_report(world, tmp_path / "whole.h5") as whole:
        append_rows(whole, range(10))
    append_rows(new_report(world, tmp_path / "parts.h5"), range(7))
    with new_report(world, tmp_path / "parts.h5", resume_from_step=5) as resumed:
        with h5py.File(resumed.path) as file:
            assert file["report/neurons/data"].attrs["last_written_step"] == 4
            assert np.isnan(file["report/neurons/data"][5:]).all()
        append_rows(resumed, range(5, 10))
    assert (tmp_path / "parts.h5").read_bytes() == (tmp_path / "whole.h5").read_bytes()


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({"resume_from_step": 4}, "cannot be continued from step 4, its last step is 2"),
        ({"resume_from_step": 1, "stop_ms": 2.0}, "mapping/time is not that of this run"),
    ],
)
def test_report_that_does_not_fit_is_not_resumed(
    world: World, tmp_path: Path, options: dict[str, Any], text: str
) -> None:
    append_rows(new_report(world, tmp_path / "v.h5"), range(3))
    with pytest.raises(UserError, match=text):
        new_report(world, tmp_path / "v.h5", **options)


def test_resume_without_a_file(world: World, tmp_path: Path) -> None:
    with pytest.raises(UserError, match=rf"v\.h5: cannot be written \({os.strerror(errno.ENOENT)}\)"):
        new_report(world, tmp_path / "v.h5", resume_from_step=0)


def test_wrong_rows_are_refused(world: World, tmp_path: Path) -> None:
    report = new_report(world, tmp_path / "v.h5")
    with pytest.raises(ValueError, match=r"shape \(2,\) was given, expected \(6,\)"):
        report.append([1.0, 2.0])
    append_rows(report, range(10))
    with pytest.raises(ValueError, match=r"all 10 rows, up to 1\.0 ms, were given already"):
        report.append(row(10))


@pytest.mark.parametrize(
    ("nodes", "counts", "elements", "text"),
    [
        ([1, 2], [1], [0], "2 nodes with 1 counts"),
        ([1, 2], [1, 1], [0], "do not describe 1 elements"),
        ([1, 1], [1, 1], [0, 0], "node 1 is reported twice"),
    ],
)
def test_wrong_elements_are_refused(
    world: World, tmp_path: Path, nodes: list[int], counts: list[int], elements: list[int], text: str
) -> None:
    with pytest.raises(ValueError, match=text):
        CompartmentReport(world, tmp_path / "v.h5", "neurons", nodes, counts, elements, **TIMES)


def test_report_without_rows_or_elements(world: World, tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"from 0\.0 to 0\.0 ms every 0\.1 ms has no rows"):
        new_report(world, tmp_path / "v.h5", stop_ms=0.0)
    with CompartmentReport.per_node(world, tmp_path / "empty.h5", "neurons", [], **TIMES) as report:
        report.append([])
    with h5py.File(report.path) as file:
        assert file["report/neurons/data"].shape == (10, 0)
        assert file["report/neurons/data"].attrs["last_written_step"] == 0


def test_path_below_a_file_is_refused(world: World, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(UserError, match=rf"file/v\.h5: cannot be written \({os.strerror(errno.ENOTDIR)}\)"):
        new_report(world, tmp_path / "file" / "v.h5")


def test_report_larger_than_the_disk_is_refused_at_once(world: World, tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"v\.h5: cannot be written .* has room for the 2.4e\+10 MB that it needs"):
        new_report(world, tmp_path / "v.h5", stop_ms=1e14)
    assert not (tmp_path / "v.h5").exists()


WRITER_ON_A_FULL_DISK = """
    import resource, sys
    from mpi_coupling import CompartmentReport, SpikeWriter, World

    world = World.start()
    # stands for a full disk: from here on no file may grow beyond two megabytes
    resource.setrlimit(resource.RLIMIT_FSIZE, (2_000_000, 2_000_000))
    with world.guard():
        if sys.argv[2] == "report":
            times = dict(start_ms=0, stop_ms=100, step_ms=0.1, unit="mV")
            CompartmentReport.per_node(world, sys.argv[1], "neurons", range(1000), **times)
        else:
            spikes = SpikeWriter(world, sys.argv[1])
            for window in range(1000):
                spikes.append("neurons", [window] * 1000, range(1000))
                spikes.flush()
"""


@pytest.mark.parametrize("kind", ["report", "spikes"])
def test_full_disk_is_an_error_that_names_the_file(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "full.h5"
    writer = run_python(WRITER_ON_A_FULL_DISK, path, kind)
    _, errors = writer.communicate(timeout=60)
    assert writer.returncode == 2, errors
    assert f"Error: {path}: cannot be written ({os.strerror(errno.EFBIG)})" in errors
    assert "Traceback" not in errors
    if kind == "report":
        assert not path.exists()
    else:  # what was written before stays
        assert 50_000 < len(libsonata.SpikeReader(str(path))["neurons"].get()) < 125_000
    assert sorted(tmp_path.iterdir()) == ([path] if path.exists() else [])


def test_spikes_are_sorted_by_time_then_neuron(world: World, tmp_path: Path) -> None:
    with SpikeWriter(world, tmp_path / "out.h5", ["neurons", "silent"]) as spikes:
        spikes.append("neurons", [0.3, 0.1, 0.3], [8, 9, 2])
        spikes.append("neurons", [0.2], [1])
        spikes.flush()
        spikes.append("neurons", [0.5, 0.4], [1, 1])
        spikes.append("thalamus", [0.45], [0])
    reader = libsonata.SpikeReader(str(spikes.path))
    assert sorted(reader.get_population_names()) == ["neurons", "silent", "thalamus"]
    assert reader["neurons"].sorting == "by_time"
    assert reader["neurons"].time_units == "ms"
    assert reader["neurons"].get() == [(9, 0.1), (1, 0.2), (2, 0.3), (8, 0.3), (1, 0.4), (1, 0.5)]
    assert reader["neurons"].get(node_ids=[1], tstart=0.3) == [(1, 0.4), (1, 0.5)]
    assert reader["silent"].get() == []


def test_spikes_of_the_past_are_refused(world: World, tmp_path: Path) -> None:
    spikes = SpikeWriter(world, tmp_path / "out.h5")
    spikes.append("neurons", [2.0], [1])
    spikes.flush()
    spikes.append("neurons", [1.0], [1])
    with pytest.raises(ValueError, match=r"a spike at 1\.0 ms comes after one at 2\.0 ms"):
        spikes.flush()
    with pytest.raises(ValueError, match="do not go with"):
        spikes.append("neurons", [1.0, 2.0], [1])


def test_resumed_spikes_continue_after_the_checkpoint(world: World, tmp_path: Path) -> None:
    with SpikeWriter(world, tmp_path / "out.h5") as spikes:
        spikes.append("neurons", [1.0, 2.0, 3.0], [1, 2, 3])
    with SpikeWriter(world, tmp_path / "out.h5", resume_from_ms=2.0) as spikes:
        spikes.append("neurons", [2.5], [4])
    assert libsonata.SpikeReader(str(spikes.path))["neurons"].get() == [(1, 1.0), (2, 2.0), (4, 2.5)]
