"""Importing connectomes, and the one that parameters ask for."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from mpi_coupling.failure import UserError
from mpi_coupling.settings.problems import ConfigError
from tvb_nest.brain_connectome import connectome_of, normalised, with_window_of
from tvb_nest.connectome import load_connectome
from tvb_nest.connectome_import import import_connectome
from tvb_nest.parameters import parameters_of

MOUSE = Path(__file__).parents[4] / "shared" / "data" / "connectomes" / "allen-mouse-104"

WEIGHTS = np.array([[0.0, 0.25, 0.5, 0.0], [1.0, 0.0, 0.25, 0.5], [0.0, 0.25, 0.0, 0.5], [0.0, 0.5, 0.25, 0.0]])
LENGTHS = np.array([[0.0, 10.0, 20.0, 6.0], [10.0, 0.0, 7.0, 9.0], [20.0, 7.0, 0.0, 3.0], [6.0, 9.0, 3.0, 0.0]])
LABELS = ("Left CA1", "Right CA1", "a", "b")


@pytest.fixture
def source(tmp_path) -> Path:
    """Names and shapes of the original's data: positions are columns, columns of weights add up to 1."""
    folder = tmp_path / "data_mouse"
    folder.mkdir()
    np.save(folder / "weights.npy", WEIGHTS)
    np.save(folder / "distance.npy", LENGTHS)
    np.savetxt(folder / "centres.txt", np.arange(12.0).reshape(4, 3).T)
    (folder / "region_labels.txt").write_text("\n".join(LABELS) + "\n")
    return folder


def test_imported_files_are_read_again(source, tmp_path):
    _, remarks = import_connectome(source, tmp_path / "mine", rows_are_sources=True, length_unit=0.1)
    mine = load_connectome(tmp_path / "mine", speed=3.0)
    np.testing.assert_array_equal(mine.weights, WEIGHTS.T)
    np.testing.assert_allclose(mine.lengths, LENGTHS / 10)
    np.testing.assert_allclose(mine.centres, np.arange(12.0).reshape(4, 3) / 10)
    assert mine.labels == LABELS
    assert remarks == []


def test_what_looks_odd_is_said(source, tmp_path):
    weights, lengths = WEIGHTS.copy(), LENGTHS.copy()
    weights[2, 2] = 1.0
    lengths[0, 1] = lengths[1, 0] = 0.0
    np.save(source / "weights.npy", weights)
    np.save(source / "distance.npy", lengths)
    connectome, remarks = import_connectome(source, tmp_path / "mine")
    assert connectome.weights[2, 2] == 0.0
    assert remarks == [
        "some regions are connected with themselves; these weights are left out",
        "2 connections have no length, thus no delay",
        "weights add up to 1 over targets, not over sources: the files may need --transpose",
    ]


def test_nothing_is_written_when_the_source_is_wrong(source, tmp_path):
    np.save(source / "weights.npy", np.ones((3, 3)))
    with pytest.raises(UserError):
        import_connectome(source, tmp_path / "mine")
    assert not (tmp_path / "mine").exists()


@pytest.mark.skipif(not MOUSE.is_dir(), reason="the mouse connectome of the original is not here")
def test_mouse_brain_of_the_original(tmp_path):
    _, remarks = import_connectome(MOUSE, tmp_path / "as_it_is")
    assert len(remarks) == 1 and remarks[0].endswith("the files may need --transpose")
    mouse, remarks = import_connectome(MOUSE, tmp_path / "turned", rows_are_sources=True)
    assert remarks == []
    np.testing.assert_allclose(mouse.weights.sum(axis=1), 1.0)
    assert (mouse.labels[26], mouse.labels[78]) == ("Right_Field_CA1", "Left_Field_CA1")
    # windows of the original's examples
    speed_3 = load_connectome(tmp_path / "turned", speed=3.0)
    assert speed_3.window((26, 78), 0.1) == 20 and speed_3.window((29, 81), 0.1) == 38


def test_normalised_weights():
    weights = np.array([[0.0, 1.0, 3.0], [0.0, 0.0, 0.0], [2.0, 2.0, 0.0]])
    np.testing.assert_array_equal(normalised(weights), [[0, 0.25, 0.75], [0, 0, 0], [0.5, 0.5, 0]])


def settings(folder: Path, regions: int = 4, **co_simulation):
    return parameters_of(
        {
            "param_nest_topology": {"nb_region": regions, "nb_neuron_by_region": 1000},
            "param_nest_connection": {"velocity": 2.0},
            "param_nest_background": {"record_spike": False, "multimeter": False},
            "param_co_simulation": {"co-simulation": True, "id_region_nest": [0]} | co_simulation,
            "param_tvb_nest": {"connectome": folder.name, "normalise_weights": True},
        },
        folder.parent / "parameter.json",
    )


def test_connectome_of_parameters(source):
    connectome = connectome_of(settings(source, regions=3))
    assert connectome.speed == 2.0 and connectome.labels == LABELS[:3]
    np.testing.assert_array_equal(connectome.lengths, LENGTHS[:3, :3])
    np.testing.assert_allclose(connectome.weights, [[0, 1 / 3, 2 / 3], [0.8, 0, 0.2], [0, 1, 0]])


def test_orientations_and_cortical_regions(source, tmp_path):
    """Where a source has them they are imported, and cut to the regions of the simulation."""
    orientations, cortical = np.arange(12.0).reshape(4, 3), np.array([True, True, False, True])
    np.savetxt(source / "average_orientations.txt", orientations)
    np.savetxt(source / "cortical.txt", cortical, fmt="%d")
    assert import_connectome(source, tmp_path / "imported")[0].orientations is not None
    read = load_connectome(tmp_path / "imported", 1.0)
    assert np.array_equal(read.orientations, orientations) and np.array_equal(read.cortical, cortical)
    cut = connectome_of(settings(source, regions=3))
    assert np.array_equal(cut.orientations, orientations[:3]) and cut.cortical.tolist() == [True, True, False]
    np.savetxt(source / "average_orientations.txt", orientations[:2])
    with pytest.raises(UserError, match=r"orientations has shape \(2, 3\), must have \(4, 3\) for 4 regions"):
        load_connectome(source, 1.0)


def test_window_of_parameters(source):
    # 10 mm at 2 mm/ms; the shorter way of 6 mm to the last region has no weight
    parameters = settings(source)
    assert with_window_of(parameters, connectome_of(parameters)).resolved.param_co_simulation.synchronization == 5.0
    too_long = settings(source, synchronization=5.1)
    with pytest.raises(ConfigError, match=r"synchronization = 5.1: must be <= 5 ms"):
        with_window_of(too_long, connectome_of(too_long))
    alone = settings(source, **{"co-simulation": False})
    assert with_window_of(alone, connectome_of(alone)) is alone


def test_connectomes_that_cannot_be_used_name_the_key(source):
    with pytest.raises(ConfigError, match=r"param_nest_topology.nb_region = 5: must be <= 4, the regions of"):
        connectome_of(settings(source, regions=5))
    np.save(source / "weights.npy", np.ones((3, 3)))
    with pytest.raises(ConfigError, match=r'param_tvb_nest.connectome = "data_mouse": connectome .*data_mouse: '):
        connectome_of(settings(source))
