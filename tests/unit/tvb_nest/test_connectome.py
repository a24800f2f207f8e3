"""Connectomes are read from every format, checked, and give delays and windows in exact whole steps."""

from __future__ import annotations

import bz2
import zipfile
from pathlib import Path

import numpy as np
import pytest

from mpi_coupling import UserError
from tvb_nest.connectome import Connectome, load_connectome

ALLEN = Path(__file__).parents[4] / "shared" / "data" / "connectomes" / "allen-mouse-104"
WEIGHTS = np.array([[5.0, 1.0, 0.0], [2.0, 5.0, 3.0], [4.0, 0.0, 5.0]])
LENGTHS = np.array([[0.0, 9.2, 6.0], [9.2, 0.0, 20.0], [6.0, 20.0, 0.0]])
CENTRES = np.arange(9.0).reshape(3, 3)
LABELS = ("a", "b", "c")


def make(**changes: object) -> Connectome:
    fields = {"weights": WEIGHTS, "lengths": LENGTHS, "centres": CENTRES, "labels": LABELS, "speed": 4.0}
    return Connectome(**(fields | changes))


def test_self_loops_are_dropped_and_arrays_protected() -> None:
    connectome = make()
    assert np.array_equal(connectome.weights, WEIGHTS - 5 * np.eye(3))
    assert WEIGHTS[0, 0] == 5.0
    with pytest.raises(ValueError, match="read-only"):
        connectome.weights[0, 1] = 1.0


def test_delays_are_rounded_to_the_nearest_step() -> None:
    assert make().delays(0.1).tolist() == [[0, 23, 15], [23, 0, 50], [15, 50, 0]]


@pytest.mark.parametrize(
    ("delay", "dt", "steps"),
    [(2.3, 0.1, 23), (0.3, 0.1, 3), (0.7, 0.1, 7), (1.26, 0.1, 12), (0.1, 0.1, 1), (5.0, 0.025, 200), (2.9, 0.2, 14)],
)
def test_window_is_the_largest_number_of_steps_in_the_delay(delay: float, dt: float, steps: int) -> None:
    connectome = Connectome([[0, 1], [0, 0]], [[0, delay * 3], [delay * 3, 0]], np.zeros((2, 3)), ("a", "b"), 3.0)
    assert connectome.window([0], dt) == steps


def test_window_counts_only_connections_between_spiking_regions_and_others() -> None:
    assert make().window([0], 0.1) == 15  # 0 -> 2
    assert make().window([1], 0.1) == 23
    assert make().window([0, 2], 0.1) == 23  # that of 15 steps joins the two
    assert make().window([0, 2], 0.1, among_spiking=True) == 15


@pytest.mark.parametrize(
    ("spiking", "dt", "message"),
    [
        ([0, 3], 0.1, r"spiking regions \[3\] do not exist: the regions are 0 to 2"),
        ([0, 0], 0.1, "named twice"),
        ([], 0.1, "nothing to exchange"),
        ([0, 1, 2], 0.1, "nothing to exchange"),
        ([0], 1.6, "from a to c is 1.5 ms, below the time step of 1.6 ms"),
        ([0], 0.0, "above 0"),
    ],
)
def test_impossible_windows(spiking: list[int], dt: float, message: str) -> None:
    with pytest.raises(UserError, match=message):
        make().window(spiking, dt)


def test_no_delay_leaves_no_window() -> None:
    with pytest.raises(UserError, match="is 0 ms, below"):
        make(lengths=np.zeros((3, 3))).window([0], 0.1)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"weights": WEIGHTS[:, :2]}, r"weights has shape \(3, 2\), must have \(3, 3\)"),
        ({"lengths": LENGTHS[:2]}, "lengths has shape"),
        ({"centres": CENTRES[:, :2]}, r"centres has shape \(3, 2\), must have \(3, 3\)"),
        ({"weights": np.where(WEIGHTS == 3, np.nan, WEIGHTS)}, r"no finite numbers, first at \(1, 2\)"),
        ({"lengths": -LENGTHS}, "negative"),
        ({"lengths": np.triu(LENGTHS)}, r"lengths\[0, 1\] = 9.2 mm but lengths\[1, 0\] = 0 mm"),
        ({"labels": ("a", "b")}, "2 labels for 3 regions"),
        ({"labels": ("a", "b", "a")}, r"equal labels: \['a'\]"),
        ({"speed": 0.0}, "speed = 0.0 mm/ms"),
        ({"speed": np.inf}, "speed = inf mm/ms"),
    ],
)
def test_wrong_tables_are_refused(changes: dict, message: str) -> None:
    with pytest.raises(UserError, match=message):
        make(**changes)


def write_npy(folder: Path) -> None:
    np.save(folder / "weights.npy", WEIGHTS)
    np.save(folder / "distance.npy", LENGTHS)
    np.savetxt(folder / "centres.txt", CENTRES)
    (folder / "region_labels.txt").write_text("a\nb\nc\n")


def write_txt(folder: Path) -> None:
    np.savetxt(folder / "weights.txt", WEIGHTS)
    (folder / "tract_lengths.txt.bz2").write_bytes(
        bz2.compress("\n".join(" ".join(map(str, x)) for x in LENGTHS).encode())
    )
    rows = [" ".join([label, *map(str, row), "None"]) for label, row in zip(LABELS, CENTRES, strict=True)]
    (folder / "centres.txt").write_text("\n".join(rows))


@pytest.mark.parametrize("write", [write_npy, write_txt])
@pytest.mark.parametrize("packed", [False, True])
def test_formats(write: object, packed: bool, tmp_path: Path) -> None:
    write(tmp_path)
    source = tmp_path
    if packed:
        source = tmp_path / "brain.zip"
        with zipfile.ZipFile(source, "w") as archive:
            for file in tmp_path.glob("*.*"):
                if file != source:
                    archive.write(file, f"inside/{file.name}")
    connectome = load_connectome(source, 4.0)
    assert np.array_equal(connectome.weights, make().weights)
    assert np.array_equal(connectome.lengths, LENGTHS)
    assert np.array_equal(connectome.centres, CENTRES)
    assert connectome.labels == LABELS


def test_orientation_and_unit(tmp_path: Path) -> None:
    write_npy(tmp_path)
    connectome = load_connectome(tmp_path, 4.0, rows_are_sources=True, length_unit=0.1)
    assert np.array_equal(connectome.weights, make().weights.T)
    assert np.allclose(connectome.lengths, 0.1 * LENGTHS)


def test_what_is_missing_is_named(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="has no file weights"):
        load_connectome(tmp_path, 4.0)
    np.save(tmp_path / "weights.npy", WEIGHTS)
    with pytest.raises(UserError, match="has no file tract_lengths or"):
        load_connectome(tmp_path, 4.0)
    (tmp_path / "distance.txt").write_text("1 2 x\n")
    with pytest.raises(UserError, match=r"distance.txt does not hold a table of numbers"):
        load_connectome(tmp_path, 4.0)
    np.save(tmp_path / "distance.npy", LENGTHS[:2])
    with pytest.raises(UserError, match=f"connectome {tmp_path}: lengths has shape"):
        load_connectome(tmp_path, 4.0)
    file = tmp_path / "plain.txt"
    file.write_text("no archive")
    with pytest.raises(UserError, match="neither a folder nor a ZIP file"):
        load_connectome(file, 4.0)


def test_default_labels_and_centres(tmp_path: Path) -> None:
    np.save(tmp_path / "weights.npy", WEIGHTS)
    np.save(tmp_path / "distance.npy", LENGTHS)
    connectome = load_connectome(tmp_path, 4.0)
    assert connectome.labels == ("region_000", "region_001", "region_002")
    assert not connectome.centres.any()


@pytest.mark.parametrize(
    ("name", "n"), [("connectivity_76", 76), ("connectivity_68.zip", 68), ("connectivity_192", 192)]
)
def test_tvb_data_as_the_virtual_brain_reads_it(name: str, n: int) -> None:
    library = pytest.importorskip("tvb.datatypes.connectivity").Connectivity
    ours = load_connectome(name, 3.0)
    theirs = library.from_file(f"{name.removesuffix('.zip')}.zip")
    theirs.speed = np.array([3.0])
    theirs.configure()
    theirs.set_idelays(0.1)
    assert ours.n_regions == n
    assert ours.labels == tuple(theirs.region_labels)
    assert np.array_equal(ours.weights, theirs.weights * (1 - np.eye(n)))
    assert np.array_equal(ours.centres, theirs.centres)
    assert np.array_equal(ours.delays(0.1), theirs.idelays)


def test_unknown_name_lists_the_known() -> None:
    pytest.importorskip("tvb_data")
    with pytest.raises(UserError, match=r"connectivity_7: no such file.*, and tvb-data has only .*connectivity_76"):
        load_connectome("connectivity_7", 3.0)


@pytest.mark.skipif(not ALLEN.is_dir(), reason="the Allen mouse connectome is not here")
def test_allen_mouse() -> None:
    connectome = load_connectome(ALLEN, 3.0, rows_are_sources=True, length_unit=0.1)
    assert connectome.n_regions == 104
    assert connectome.labels[26] == "Right_Field_CA1"
    assert np.allclose(connectome.weights.sum(axis=1), 1.0, atol=0.01)
    assert connectome.window([26, 78], 0.1) == 2
