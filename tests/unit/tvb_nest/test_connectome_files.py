"""Connectomes as files, in the forms that TVB and the original use."""

from __future__ import annotations

import bz2
import os
import zipfile
from pathlib import Path

import numpy as np
import pytest

from mpi_coupling.failure import UserError
from tvb_nest.connectome_files import normalised, read_connectome_files, write_connectome_files

MOUSE = Path(os.environ.get("MOUSE_CONNECTOME", "/work/shared/data/connectomes/allen-mouse-104"))

WEIGHTS = np.array([[0.0, 0.25, 0.5, 0.0], [1.0, 0.0, 0.25, 0.5], [0.0, 0.25, 0.0, 0.5], [0.0, 0.5, 0.25, 0.0]])
LENGTHS = np.array([[0.0, 10.0, 20.0, 5.0], [10.0, 0.0, 7.0, 9.0], [20.0, 7.0, 0.0, 3.0], [5.0, 9.0, 3.0, 0.0]])
CENTRES = np.arange(12.0).reshape(4, 3)
LABELS = ("Left CA1", "Right CA1", "a", "b")


@pytest.fixture
def original_folder(tmp_path) -> Path:
    """Names and shapes of the original's data: positions are columns."""
    folder = tmp_path / "data_mouse"
    folder.mkdir()
    np.save(folder / "weights.npy", WEIGHTS)
    np.save(folder / "distance.npy", LENGTHS)
    np.savetxt(folder / "centres.txt", CENTRES.T)
    (folder / "region_labels.txt").write_text("\n".join(LABELS) + "\n")
    return folder


@pytest.fixture
def tvb_zip(tmp_path) -> Path:
    file = tmp_path / "connectivity_4.zip"
    rows = [" ".join(map(str, row)) for row in WEIGHTS]
    centres = [f"r{number} {x} {y} {z}" for number, (x, y, z) in enumerate(CENTRES)]
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("inner/weights.txt.bz2", bz2.compress("\n".join(rows).encode()))
        archive.writestr("inner/tract_lengths.txt", "\n".join(" ".join(map(str, row)) for row in LENGTHS))
        archive.writestr("inner/centres.txt", "\n".join(centres))
    return file


def test_files_of_the_original(original_folder):
    connectome = read_connectome_files(original_folder)
    np.testing.assert_array_equal(connectome.weights, WEIGHTS)
    np.testing.assert_array_equal(connectome.lengths, LENGTHS)
    np.testing.assert_array_equal(connectome.centres, CENTRES)
    assert connectome.labels == LABELS


def test_zip_of_tvb(tvb_zip):
    connectome = read_connectome_files(tvb_zip)
    np.testing.assert_array_equal(connectome.weights, WEIGHTS)
    np.testing.assert_array_equal(connectome.centres, CENTRES)
    assert connectome.labels == ("r0", "r1", "r2", "r3")


def test_written_files_are_read_again(original_folder, tmp_path):
    before = read_connectome_files(original_folder).turned().in_unit(0.1)
    write_connectome_files(before, tmp_path / "mine")
    after = read_connectome_files(tmp_path / "mine")
    np.testing.assert_array_equal(after.weights, WEIGHTS.T)
    np.testing.assert_allclose(after.lengths, LENGTHS / 10)
    np.testing.assert_allclose(after.centres, CENTRES / 10)
    assert after.labels == LABELS


def test_remarks(original_folder):
    connectome = read_connectome_files(original_folder)
    assert list(connectome.remarks()) == [
        "weights add up to 1 over targets, not over sources: the files may need --transpose"
    ]
    assert list(connectome.turned().remarks()) == []
    connectome.weights[2, 2] = 1.0
    connectome.lengths[0, 1] = 0.0
    assert list(connectome.remarks()) == [
        "some regions are connected to themselves; these weights are not used",
        "1 connections have no length, thus no delay",
    ]


def test_normalised_weights():
    weights = np.array([[0.0, 1.0, 3.0], [0.0, 0.0, 0.0], [2.0, 2.0, 0.0]])
    np.testing.assert_array_equal(normalised(weights), [[0, 0.25, 0.75], [0, 0, 0], [0.5, 0.5, 0]])


def test_all_that_is_wrong_is_named(original_folder):
    np.save(original_folder / "weights.npy", -np.ones((3, 3)))
    np.save(original_folder / "distance.npy", np.full((4, 4), np.nan))
    np.savetxt(original_folder / "centres.txt", np.zeros((4, 2)))
    (original_folder / "region_labels.txt").write_text("a\nb\nb\nc\n")
    with pytest.raises(UserError) as caught:
        read_connectome_files(original_folder)
    assert str(caught.value).splitlines() == [
        f"{original_folder}: weights have shape (3, 3), but there are 4 labels",
        f"{original_folder}: weights must not be negative",
        f"{original_folder}: lengths must be finite numbers",
        f"{original_folder}: centres have shape (4, 2), but for 4 labels it must be (4, 3)",
        f"{original_folder}: labels must differ; given twice: b",
    ]


def test_missing_files_are_named(original_folder):
    (original_folder / "weights.npy").unlink()
    (original_folder / "distance.npy").unlink()
    with pytest.raises(UserError) as caught:
        read_connectome_files(original_folder)
    first, second = str(caught.value).splitlines()
    assert first == f"{original_folder}: no file of the weights; looked for weights.npy|.txt|.txt.bz2"
    assert second.startswith(f"{original_folder}: no file of the lengths; looked for tract_lengths.npy|.txt")


def test_files_that_hold_something_else(original_folder, tmp_path):
    (original_folder / "region_labels.txt").unlink()
    with pytest.raises(UserError, match=r"centres.txt: has no names of regions"):
        read_connectome_files(original_folder)
    (original_folder / "weights.npy").write_text("not an array")
    (original_folder / "region_labels.txt").write_text("a\n")
    with pytest.raises(UserError, match=r"weights.npy: cannot be read as numbers"):
        read_connectome_files(original_folder)
    (tmp_path / "text").write_text("")
    with pytest.raises(UserError, match="neither a folder nor a zip"):
        read_connectome_files(tmp_path / "text")


@pytest.mark.skipif(not MOUSE.is_dir(), reason="the mouse connectome of the original is not here")
def test_mouse_brain_of_the_original():
    mouse = read_connectome_files(MOUSE)
    assert mouse.weights.shape == mouse.lengths.shape == (104, 104) and mouse.centres.shape == (104, 3)
    assert len(list(mouse.remarks())) == 1
    turned = mouse.turned()
    np.testing.assert_allclose(turned.weights.sum(axis=1), 1.0)
    np.testing.assert_allclose(
        turned.lengths, np.linalg.norm(mouse.centres[:, None] - mouse.centres, axis=2), atol=1e-6
    )
    assert (mouse.labels[26], mouse.labels[78]) == ("Right_Field_CA1", "Left_Field_CA1")
