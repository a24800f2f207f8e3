"""Sensors: files, lead fields against formulas and The Virtual Brain's, and EEG, SEEG and ECOG of whole simulations."""

from __future__ import annotations

import bz2
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from mpi_coupling import UserError
from mpi_coupling.settings.problems import ConfigError
from tvb_nest import building, sensing
from tvb_nest.brain_connectome import connectome_of
from tvb_nest.checkup import checkup
from tvb_nest.connectome import load_connectome
from tvb_nest.parameters import Parameters, parameters_of, write_parameters
from tvb_nest.results import Results
from tvb_nest.tvb_data_files import MAPPINGS, PROJECTIONS, SENSORS, tvb_data_file
from tvb_nest.tvb_side.monitors import Projection
from tvb_nest.tvb_side.sensors import Sensors, by_distance, in_a_sphere, of_dipoles, of_surface, read_sensors

pytest.importorskip("tvb_data")
library = pytest.importorskip("tvb.simulator.monitors")

STEPS = 60
ON_THE_AXIS = Sensors(("near", "far"), np.array([[0.0, 0.0, 2.0], [0.0, 0.0, -4.0]]))
CENTRES, UPWARDS = np.zeros((1, 3)), np.array([[0.0, 0.0, 1.0]])


@pytest.fixture
def make(tmp_path: Path) -> Callable[..., Parameters]:
    """Parameters of a brain of connectivity_76 alone, first order, with other values at some places."""

    def parameters(own: dict | None = None, **sections: dict) -> Parameters:
        document: dict[str, dict] = {
            "param_co_simulation": {"nb_MPI_nest": 0},
            "param_nest_topology": {"nb_region": 76},
            "param_tvb_model": {"order": 1},
            "param_tvb_nest": {"connectome": "connectivity_76", "normalise_weights": True} | (own or {}),
        }
        for section, values in sections.items():
            document[section] = document.get(section, {}) | values
        return parameters_of(document, tmp_path / "parameter.json")

    return parameters


def monitors_of(parameters: Parameters) -> tuple[dict[str, Any], Any]:
    connectome = connectome_of(parameters)
    brain = building.make_brain(parameters, connectome, parameters.spiking)
    return building.make_monitors(parameters, brain), brain


def positions(name: str) -> Sensors:
    path = tvb_data_file(SENSORS, name)
    assert path is not None
    return read_sensors(path)


# files


@pytest.mark.parametrize(
    ("text", "labels"),
    [
        ("Fp1 1 2 3\nCz\t4 5 6\n", ("Fp1", "Cz")),
        ("# x y z\n1,2,3\n\n4,5,6  # second\n", ("1", "2")),
        ("7 1 2 3\n9 4 5 6\n", ("7", "9")),
        ("M1 1 2 3 0 0 1\nM2 4 5 6 0 1 0\n", ("M1", "M2")),
    ],
)
@pytest.mark.parametrize("packed", [False, True])
def test_sensor_files(tmp_path: Path, text: str, labels: tuple, packed: bool) -> None:
    path = tmp_path / ("s.txt.bz2" if packed else "s.txt")
    path.write_bytes(bz2.compress(text.encode()) if packed else text.encode())
    sensors = read_sensors(path)
    assert sensors.labels == labels
    assert sensors.positions.tolist() == [[1, 2, 3], [4, 5, 6]]


def test_sensors_of_tvb_data() -> None:
    from tvb.datatypes.sensors import SensorsInternal

    theirs = SensorsInternal.from_file("seeg_588.txt")
    ours = positions("seeg_588")
    assert ours.labels == tuple(theirs.labels) and np.array_equal(ours.positions, theirs.locations)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("A 1 2 3\nB 1 x 3\n", "line 2: '1 x 3' is no position: write `label x y z`, in mm"),
        ("A 1 2\n", "line 1: 'A 1 2' is no position"),
        ("A 1 2 nan\n", "is no position"),
        ("A 1 2 3\nA 1 2 4\n", "several sensors have the label A"),
        ("# nothing\n", "holds no sensors"),
    ],
)
def test_mistakes_in_sensor_files(tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / "s.txt").write_text(text)
    with pytest.raises(UserError, match=message):
        read_sensors(tmp_path / "s.txt")


def test_damaged_files_are_named(tmp_path: Path) -> None:
    (tmp_path / "s.txt.bz2").write_bytes(bz2.compress(b"A 1 2 3\n" * 1000)[:-5])
    with pytest.raises(UserError, match=r"s\.txt\.bz2: cannot be read: Compressed data ended"):
        read_sensors(tmp_path / "s.txt.bz2")
    (tmp_path / "gain.npy").touch()
    with pytest.raises(UserError, match=r"gain\.npy: holds no gain matrix"):
        of_surface(tmp_path / "gain.npy", tmp_path / "mapping.txt", 1)


# lead fields


def test_by_distance() -> None:
    assert by_distance(ON_THE_AXIS, CENTRES).tolist() == [[0.5], [0.25]]


def test_a_dipole_on_its_axis_and_across() -> None:
    """1 / (4 pi sigma r^2) before it, the negative behind it, nothing beside it."""
    sigma = 0.3
    gain = of_dipoles(ON_THE_AXIS, CENTRES, UPWARDS, sigma)
    np.testing.assert_allclose(gain[:, 0], np.array([1 / 4, -1 / 16]) / (4 * np.pi * sigma), rtol=1e-14)
    assert of_dipoles(Sensors(("beside",), np.array([[3.0, 0.0, 0.0]])), CENTRES, UPWARDS)[0, 0] == 0.0


def test_a_sensor_inside_a_source_is_refused() -> None:
    inside = Sensors(("A", "B"), np.array([[1.0, 0, 0], [0.0, 0, 0]]))
    for field in (lambda: by_distance(inside, CENTRES), lambda: of_dipoles(inside, CENTRES, UPWARDS)):
        with pytest.raises(UserError, match="sensor B is at the centre of region 0: its signal is infinite"):
            field()
    with pytest.raises(UserError, match="sensor B is at 0 0 0: it has no direction"):
        in_a_sphere(inside, np.eye(3), np.eye(3))


@pytest.mark.parametrize(
    ("kind", "sensors", "field"), [("EEG", "eeg_brainstorm_65", in_a_sphere), ("iEEG", "seeg_588", of_dipoles)]
)
def test_dipoles_are_those_of_the_library(kind: str, sensors: str, field: Callable) -> None:
    connectome, read = load_connectome("connectivity_76", 4.0), positions(sensors)
    theirs = SimpleNamespace(sensors=SimpleNamespace(locations=read.positions), sigma=0.7)
    expected = getattr(library, kind).analytic(theirs, connectome.centres, connectome.orientations)
    np.testing.assert_allclose(
        field(read, connectome.centres, connectome.orientations, 0.7), expected, rtol=1e-12, atol=1e-16
    )


def test_surfaces_that_do_not_fit(tmp_path: Path) -> None:
    projection, mapping = tvb_data_file(PROJECTIONS, "projection_eeg_65_surface_16k"), tmp_path / "mapping.txt"
    assert projection is not None
    mapping.write_text("0 1 2")
    with pytest.raises(UserError, match="has 3 regions, the connectome 76"):
        of_surface(projection, mapping, 76)
    with pytest.raises(UserError, match=r"is for 16384 vertices, but .* for 3"):
        of_surface(projection, mapping, 3)
    mapping.write_text("0 one 2")
    with pytest.raises(UserError, match="must hold the number of the region of each vertex"):
        of_surface(projection, mapping, 3)
    with pytest.raises(UserError, match="holds no gain matrix"):
        of_surface(mapping, mapping, 3)


def test_matlab_projection() -> None:
    """The .mat file of tvb-data, as the library reads it."""
    from tvb.datatypes.projections import ProjectionSurfaceEEG

    projection, mapping = (
        tvb_data_file(PROJECTIONS, "projection_eeg_62_surface_16k"),
        tvb_data_file(MAPPINGS, "regionMapping_16k_76"),
    )
    assert projection is not None and mapping is not None
    theirs = ProjectionSurfaceEEG.from_file(projection.name).projection_data
    regions = np.loadtxt(mapping).astype(int)
    expected = np.array([[row[regions == region].sum() for region in range(76)] for row in theirs[:3]])
    np.testing.assert_allclose(of_surface(projection, mapping, 76)[:3], expected, rtol=1e-9, atol=1e-9)


# a whole simulation


WONG_WANG = {
    "brain": "reference",
    "tvb_model": "ReducedWongWang",
    "tvb_coupling_parameters": {"a": 0.3},
    "tvb_integrator": "HeunStochastic",
    "tvb_noise": {"S": 1e-5},
}


def library_eeg(reference: str | None, usable: np.ndarray) -> Any:
    """The library's EEG of tvb-data, without noise and without the electrodes that have no gain."""
    monitor = library.EEG.from_file(period=1.0)
    monitor.obsnoise, monitor.reference = None, reference
    monitor.sensors.labels, monitor.sensors.locations = (
        monitor.sensors.labels[usable],
        monitor.sensors.locations[usable],
    )
    monitor.projection.projection_data = monitor.projection.projection_data[usable]
    return monitor


def library_dipoles(kind: str, sensors: str, connectome: Any) -> Any:
    """Its EEG or iEEG of dipoles: its analytic formula is not reached in this version, and is put in by hand."""
    from tvb.datatypes.region_mapping import RegionMapping

    monitor = getattr(library, kind)(period=1.0)
    monitor.obsnoise = None
    monitor.sensors = type(monitor).sensors.field_type.from_file(str(tvb_data_file(SENSORS, sensors)))
    monitor.region_mapping = RegionMapping(array_data=np.arange(76))
    monitor._gain = monitor.analytic(connectome.centres, connectome.orientations)
    return monitor


def simulated_by_the_library(parameters: Parameters, monitor: Any) -> np.ndarray:
    """Samples of its own simulator with this monitor, shape (samples, sensors)."""
    from tvb_nest.tvb_models import _simulator

    simulator = _simulator(parameters, connectome_of(parameters))
    simulator.connectivity.orientations = connectome_of(parameters).orientations.copy()
    simulator.connectivity.cortical = connectome_of(parameters).cortical.copy()
    simulator.current_step = (
        0  # it counts a given past, here constant, from its beginning; periods would begin elsewhere
    )
    simulator.monitors = [monitor]
    simulator._configure_monitors()
    return np.array([sample[0][1][0, :, 0] for sample in simulator(n_steps=np.int64(STEPS))])


@pytest.mark.parametrize("reference", [None, "average", "Cz"])
def test_eeg_is_that_of_the_library(make: Callable, reference: str | None) -> None:
    parameters = make(WONG_WANG | {"EEG": True, "parameter_EEG": {} if reference is None else {"reference": reference}})
    monitors, brain = monitors_of(parameters)
    ours = monitors["EEG"].record(brain.run(STEPS)).values[:, 0]
    gain = np.load(tvb_data_file(PROJECTIONS, "projection_eeg_65_surface_16k"))
    theirs = simulated_by_the_library(parameters, library_eeg(reference, np.isfinite(gain).all(axis=1)))
    assert ours.shape == theirs.shape == (6, 63)
    assert np.abs(ours - theirs).max() <= 1e-10 * np.abs(theirs).max()
    assert "IO1" not in monitors["EEG"].labels and "Cz" in monitors["EEG"].labels


@pytest.mark.parametrize(
    ("name", "kind", "sensors"), [("EEG", "EEG", "eeg_brainstorm_65"), ("SEEG", "iEEG", "seeg_588")]
)
def test_dipole_sensors_are_those_of_the_library(make: Callable, name: str, kind: str, sensors: str) -> None:
    own = WONG_WANG | {"EEG": name == "EEG", "parameter_EEG": {"lead_field": "sphere"}}
    seeg = {"SEEG": name == "SEEG", "parameter_SEEG": {"path": sensors}}
    parameters = make(own | {"parameter_sensors": {"lead_field": "dipole"}}, param_tvb_monitor=seeg)
    monitors, brain = monitors_of(parameters)
    ours = monitors[name].record(brain.run(STEPS)).values[:, 0]
    theirs = simulated_by_the_library(parameters, library_dipoles(kind, sensors, connectome_of(parameters)))
    assert np.abs(ours - theirs).max() <= 1e-10 * np.abs(theirs).max() and ours.shape == theirs.shape


def test_seeg_and_ecog_of_the_original(make: Callable) -> None:
    """scaling / distance times the mean rate of ten steps; ECOG with noise of its own."""
    settings = {
        "SEEG": True,
        "parameter_SEEG": {"path": "seeg_39", "scaling_projection": 100.0},
        "ECOG": True,
        "parameter_ECOG": {"path": "seeg_39", "scaling": 1000.0, "sigma_noise": 0.5},
    }
    parameters = make(param_tvb_monitor=settings)
    monitors, brain = monitors_of(parameters)
    assert list(monitors) == ["Raw", "SEEG", "ECOG"]
    states = brain.run(2000)
    seeg, ecog = (monitors[name].record(states) for name in ("SEEG", "ECOG"))
    away = positions("seeg_39").positions[:, None] - connectome_of(parameters).centres
    means = states[:, 0].reshape(200, 10, 76).mean(axis=1)
    np.testing.assert_allclose(seeg.values[:, 0], means @ (100.0 / np.linalg.norm(away, axis=2)).T, rtol=1e-10)
    np.testing.assert_allclose(seeg.times, np.arange(200) + 0.5)
    noise = ecog.values[:, 0] - 10.0 * seeg.values[:, 0]
    assert noise.std() == pytest.approx(0.5, rel=0.02) and abs(noise.mean()) < 0.02


def test_noise_is_referenced_and_does_not_depend_on_pieces() -> None:
    gain, data = np.zeros((3, 5)), np.zeros((40, 2, 5))
    noisy = [Projection(0.1, 1.0, (2, 5), gain, reference=2, noise=1.0, seed=[3, 4]) for _ in range(2)]
    whole = noisy[0].record(data).values
    first = noisy[1].record(data[:23]).values
    restored = Projection(0.1, 1.0, (2, 5), gain, reference=2, noise=1.0)
    restored.restore(noisy[1].state())
    assert np.array_equal(np.concatenate([first, restored.record(data[23:]).values]), whole)
    assert (whole[:, :, 2] == 0).all() and (whole[:, :, :2] != 0).all()


@pytest.mark.parametrize(
    "own", [{}, WONG_WANG | {"tvb_model": "ReducedWongWangExcInh", "tvb_noise": {}, "tvb_proxy": {"scale": 0.1}}]
)
def test_what_is_not_known_of_proxies_does_not_matter(make: Callable, own: dict) -> None:
    """Of NEST's regions only the rate is known, and sensors see it."""
    parameters = make(
        own | {"EEG": True},
        param_co_simulation={"co-simulation": True, "id_region_nest": [9, 47], "nb_MPI_nest": 1},
        param_nest_topology={"nb_region": 76, "nb_neuron_by_region": 5000},
    )
    monitors, brain = monitors_of(parameters)
    states = brain.run(20)
    rates = np.full((20, 2), 0.02)
    brain.supply(rates)
    brain.fill(states, rates)
    assert np.isnan(states[:, :, 9]).any()
    eeg = monitors["EEG"].record(states).values
    _, gain = sensing.lead_field(parameters, connectome_of(parameters), "EEG")
    np.testing.assert_allclose(
        eeg[:, 0], states[:, brain.rate_variable].reshape(2, 10, 76).mean(axis=1) @ gain.T, rtol=1e-9
    )


def test_eeg_sees_cortical_regions_only(make: Callable, tmp_path: Path) -> None:
    np.save(tmp_path / "cortical.npy", np.arange(76) != 5)
    for lead_field in ("projection", "sphere"):
        own = {"EEG": True, "parameter_EEG": {"lead_field": lead_field}}
        parameters = make(own, param_tvb_connection={"path_cortical": "cortical.npy"})
        _, gain = sensing.lead_field(parameters, connectome_of(parameters), "EEG")
        assert (np.flatnonzero(~gain.any(axis=0)) == [5]).all()


def test_orientations_outwards(make: Callable) -> None:
    """connectivity_66 has none; asked for they point from the middle of the brain to the region."""
    own = {"connectome": "connectivity_66", "parameter_sensors": {"lead_field": "dipole"}}
    sections = {
        "param_nest_topology": {"nb_region": 66},
        "param_tvb_monitor": {"SEEG": True, "parameter_SEEG": {"path": "seeg_588"}},
    }
    parameters = make(own, param_tvb_connection={"orientation": True}, **sections)
    connectome = connectome_of(parameters)
    _, gain = sensing.lead_field(parameters, connectome, "SEEG")
    away = connectome.centres - connectome.centres.mean(axis=0)
    unit = away / np.linalg.norm(away, axis=1, keepdims=True)
    np.testing.assert_allclose(gain, of_dipoles(positions("seeg_588"), connectome.centres, unit), rtol=1e-12)
    with pytest.raises(ConfigError, match=r"param_tvb_connection\.orientation: the connectome has no orientations"):
        sensing.lead_field(make(own, **sections), connectome, "SEEG")


def test_names_of_tvb_data_hold_in_other_folders(make: Callable, tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("A 1 2 3\n")
    parameters = make(param_tvb_monitor={"parameter_SEEG": {"path": "seeg_39"}, "parameter_ECOG": {"path": "mine.txt"}})
    monitor = parameters.changed({}, tmp_path / "elsewhere" / "parameter.json").resolved.param_tvb_monitor
    assert monitor.parameter_SEEG.path == "seeg_39"
    assert monitor.parameter_ECOG.path == str(tmp_path / "mine.txt")


def test_a_run_and_its_results(make: Callable) -> None:
    """Through the original's files: labels and times."""
    from mpi_coupling import Groups, Profiler
    from tvb_nest.orchestrator import plan, run

    parameters = make(
        {"EEG": True, "parameter_EEG": {"reference": "average"}}, param_tvb_monitor={"Raw": False, "Bold": False}
    )
    parameters = parameters.changed({("end",): 30.0})
    write_parameters(parameters)
    run(parameters, Groups.join(plan(parameters), one_program=True), Profiler())
    results = Results.of(parameters.folder)
    eeg = results.monitor("EEG")
    assert eeg.dims == ("time", "sensor") and eeg.shape == (30, 63)
    assert eeg.sel(sensor="Cz").notnull().all() and float(np.abs(eeg.mean("sensor")).max()) < 1e-9
    assert np.load(parameters.folder / "tvb" / "step_0.npy", allow_pickle=True).shape == (1, 20, 2)
    with pytest.raises(UserError, match="the monitor SEEG was off; on were: EEG"):
        results.monitor("SEEG")


CO_SIMULATION = {"co-simulation": True, "id_region_nest": [9, 47], "nb_MPI_nest": 1}
SEEG = {"SEEG": True, "parameter_SEEG": {"path": "bad.txt"}}


@pytest.mark.parametrize(
    ("own", "sections", "message"),
    [
        (
            {},
            {"param_tvb_monitor": SEEG},
            'param_tvb_monitor.parameter_SEEG.path = "bad.txt": {folder}/bad.txt, line 1',
        ),
        (
            {"EEG": True, "parameter_EEG": {"sensors": "eeg_brainstorm_66"}},
            {},
            'param_tvb_nest.parameter_EEG.sensors = "eeg_brainstorm_66": no such file: {folder}/eeg_brainstorm_66; '
            "tvb-data has eeg_brainstorm_65, eeg_unitvector_62, meg_151, meg_brainstorm_276, seeg_39, seeg_588; did "
            'you mean "eeg_brainstorm_65"?',
        ),
        (
            {"EEG": True, "parameter_EEG": {"sensors": "eeg_unitvector_62"}},
            {},
            'param_tvb_nest.parameter_EEG.projection = "projection_eeg_65_surface_16k": is for 65 sensors, but '
            "parameter_EEG.sensors names 62",
        ),
        (
            {"EEG": True, "parameter_EEG": {"reference": "cz"}},
            {},
            'param_tvb_nest.parameter_EEG.reference = "cz": is no electrode; did you mean "Cz"?',
        ),
        (
            {"EEG": True, "parameter_sensors": {"variable": "I"}},
            {"param_co_simulation": CO_SIMULATION, "param_nest_topology": {"nb_neuron_by_region": 5000}},
            'param_tvb_nest.parameter_sensors.variable = "I": is not known of the regions that NEST simulates, only E',
        ),
        (
            {"EEG": True, "parameter_sensors": {"variable": "e"}},
            {},
            'param_tvb_nest.parameter_sensors.variable = "e": is no state variable of the brain; did you mean "E"?',
        ),
        (
            {"EEG": True},
            {"param_tvb_connection": {"path_cortical": "bad.txt"}},
            'param_tvb_connection.path_cortical = "bad.txt": cannot be read as .npy',
        ),
        (
            {"EEG": True, "parameter_EEG": {"lead_field": "sphere"}},
            {"param_tvb_connection": {"orientation": False}},
            "param_tvb_connection.orientation = false: dipoles need orientations: set it to true",
        ),
    ],
)
def test_check_finds_mistakes(make: Callable, tmp_path: Path, own: dict, sections: dict, message: str) -> None:
    (tmp_path / "bad.txt").write_text("A 1 x 3\n")
    problems = checkup(make(own, **sections)).problems
    assert len(problems) == 1
    assert str(problems[0]).startswith(f"parameter.json: {message.format(folder=tmp_path)}")


def test_check_says_which_electrodes_are_left_out(make: Callable) -> None:
    health = checkup(make({"EEG": True}))
    assert health.notes == ["EEG: IO1, IO2 are left out: the projection has no finite gain for them"]
    assert health.passed[-1] == "sensors"


def test_a_connectome_without_centres(make: Callable, tmp_path: Path) -> None:
    for name in ("weights", "tract_lengths"):
        np.save(tmp_path / f"{name}.npy", 10.0 * (np.ones((3, 3)) - np.eye(3)))
    (tmp_path / "s.txt").write_text("A 1 2 3\n")
    seeg = {"SEEG": True, "parameter_SEEG": {"path": "s.txt"}}
    parameters = make({"connectome": str(tmp_path)}, param_nest_topology={"nb_region": 3}, param_tvb_monitor=seeg)
    (problem,) = checkup(parameters).problems
    assert "param_tvb_nest.connectome" in str(problem) and "has no centres of the regions" in str(problem)
