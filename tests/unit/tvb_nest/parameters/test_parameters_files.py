"""Parameter files: read, written, moved; what is wrong with them, all at once and in these words."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from mpi_coupling.settings.problems import ConfigError
from tvb_nest.parameters import parameters_of, read_parameters, write_parameters


def values(document, place=()):
    for key, value in document.items():
        if isinstance(value, dict):
            yield from values(value, (*place, key))
        else:
            yield (*place, key), value


def test_a_file_of_the_original_keeps_all_its_values(original):
    before = json.loads(original.read_text())
    parameters = read_parameters(original)
    write_parameters(parameters)
    after = dict(values(json.loads(original.read_text())))
    kept = dict(values(before))
    assert {place: after[place] for place in kept} == kept
    assert all(type(after[place]) is type(value) for place, value in kept.items())


def test_round_trip_is_exact(original):
    write_parameters(read_parameters(original))
    first = original.read_bytes()
    write_parameters(read_parameters(original.parent))
    assert original.read_bytes() == first
    assert b'"param_tvb_nest": {\n  "compat": "corrected",' in first


def test_what_the_original_needs_is_written(make):
    parameters = make({"begin": 10.0, "end": 250.0})
    write_parameters(parameters)
    content = json.loads(parameters.file.read_text())
    assert content["result_path"] == f"{parameters.folder}/"
    assert (content["begin"], content["end"]) == (10.0, 250.0)
    assert content["param_tvb_model"]["Q_i"] == 3.5 and content["param_co_simulation"]["co-simulation"] is False


def test_numbers_survive(make):
    value = 0.1 + 0.2
    parameters = make({"param_nest_background": {"rate_ex": value}})
    write_parameters(parameters)
    assert read_parameters(parameters.file).resolved.param_nest_background.rate_ex == value


def test_both_spellings_of_co_simulation(make):
    settings = {"id_region_nest": [1]}
    underscore = make({"param_co_simulation": settings | {"co_simulation": True}})
    hyphen = make({"param_co_simulation": settings | {"co-simulation": True}})
    assert underscore.resolved == hyphen.resolved
    assert underscore.given["param_co_simulation"]["co-simulation"] is True
    with pytest.raises(ConfigError, match=r'co_simulation = false: is not a key .* did you mean "co-simulation"'):
        make({"param_co_simulation": settings | {"co-simulation": True, "co_simulation": False}})


def test_paths_start_at_the_folder_of_the_file(make, tmp_path):
    parameters = make({"param_nest_connection": {"path_weight": "data/weights.npy", "path_distance": "data/d.npy"}})
    assert parameters.connectome == tmp_path / "data"
    assert parameters.result_folder == tmp_path
    assert make({"result_path": "results"}).result_folder == tmp_path / "results"


def test_connectome(make, tmp_path):
    assert make().connectome == "connectivity_76"
    assert make({"param_tvb_nest": {"connectome": "connectivity_96"}}).connectome == "connectivity_96"
    assert make({"param_tvb_nest": {"connectome": "./mine"}}).connectome == tmp_path / "mine"
    (tmp_path / "here").mkdir()
    assert make({"param_tvb_nest": {"connectome": "here"}}).connectome == tmp_path / "here"
    apart = make({"param_nest_connection": {"path_weight": "a/weights.npy", "path_distance": "b/distance.npy"}})
    with pytest.raises(ConfigError, match=r"path_distance = .*: must be in the folder of path_weight"):
        _ = apart.connectome


def test_changes_carry_links_and_paths_to_another_folder(make, tmp_path):
    document = {"param_nest_connection": {"path_weight": "w.npy", "g": 5.0}, "param_tvb_model": {"Q_i": 5.0}}
    other = make(document).changed({("param_nest_connection", "g"): 7.0}, tmp_path / "deep/er/parameter.json")
    assert other.resolved.param_tvb_model.Q_i == 7.0
    assert other.resolved.param_nest_connection.path_weight == str(tmp_path / "w.npy")


def test_notes_name_given_keys_that_change_nothing(original):
    start = "Not used: start the job yourself, with `mpirun` or `srun` before `tvb-nest run`."
    notes = [str(note) for note in read_parameters(original).notes]
    assert notes == [
        "param_nest_connection.path_homogeneous: Not used: the connections are made anew from the seed.",
        "param_TR_nest_to_tvb.init: Not used: the first window follows from TVB's initial history.",
        f"param_co_simulation.cluster: {start}",
        f"param_co_simulation.mpi: {start}",
        "param_co_simulation.translation_thread: Not used: param_tvb_nest.transform_ranks says how many ranks "
        "translate.",
    ]


def test_all_that_is_wrong_at_once(make):
    with pytest.raises(ConfigError) as caught:
        make(
            {
                "param_nest_connection": {"weight_local": "strong", "g": 5, "velocty": 3.0},
                "param_nest_topolgy": {},
                "param_nest_background": {"record_spike_list": {"a": [0, "last"]}},
                "param_tvb_model": {"Q_i": 7.0, "N_tot": 5, "g_L": None, "order": 3},
                "param_TR_nest_to_tvb": {"nb_neurons": 2},
                "param_co_simulation": {
                    "co-simulation": True,
                    "id_region_nest": [1, 2, -1, 2],
                    "synchronization": 0.35,
                },
                "begin": 2000.0,
            }
        )
    p = "parameter.json: "
    neurons = "param_nest_topology.nb_neuron_by_region"
    part = "param_nest_topology.percentage_inhibitory"
    assert str(caught.value).splitlines() == [
        f'{p}param_nest_connection.weight_local = "strong": must be a number',
        f'{p}param_nest_connection.velocty = 3.0: is not a key of this section; did you mean "velocity"?',
        f'{p}param_nest_background.record_spike_list.a[1] = "last": must be a whole number',
        f"{p}param_tvb_model.order = 3: must be one of 1, 2",
        f"{p}param_tvb_model.g_L = null: must be a number",
        f'{p}param_nest_topolgy = {{}}: is not a key of this section; did you mean "param_nest_topology"?',
        f"{p}param_tvb_model.N_tot = 5: is linked to {neurons} = 10000; remove it, or change that key",
        # Q_i depends on weight_local, which is wrong by itself
        f"{p}param_TR_nest_to_tvb.nb_neurons = 2: is linked to {neurons} * (1 - {part}) = 8000.0 "
        f"({neurons} = 10000, {part} = 0.2); remove it, or change what it is linked to",
        f"{p}param_co_simulation.id_region_nest[2] = -1: must be a region from 0 to 9; "
        "param_nest_topology.nb_region is 10",
        f"{p}param_co_simulation.id_region_nest[3] = 2: is named twice; keep one of them",
        f"{p}param_co_simulation.synchronization = 0.35: must be a multiple of param_nest.sim_resolution = 0.1 ms; "
        "null has the longest window computed",
        f"{p}begin = 2000.0: must be before end = 1000 ms",
    ]


@pytest.mark.parametrize(
    ("document", "message"),
    [
        (
            {"param_tvb_model": {"Q_i": 4.0}},
            "param_tvb_model.Q_i = 4.0: is linked to param_nest_connection.weight_local * param_nest_connection.g = "
            "3.5 (param_nest_connection.weight_local = 1.0, param_nest_connection.g = 3.5); remove it, or change what "
            "it is linked to",
        ),
        (
            {"param_co_simulation": {"co-simulation": True}},
            "param_co_simulation.id_region_nest = []: is empty, but co-simulation needs at least one region that NEST "
            "simulates",
        ),
        (
            {"param_co_simulation": {"co-simulation": True, "id_region_nest": [0], "nb_MPI_nest": 0}},
            "param_co_simulation.nb_MPI_nest = 0: must be >= 1: co-simulation needs NEST",
        ),
        (
            {
                "param_co_simulation": {"co-simulation": True, "id_region_nest": [0, 1]},
                "param_nest_topology": {"nb_region": 2},
            },
            "param_co_simulation.id_region_nest = [0, 1]: names all regions; leave at least one to TVB, or set "
            "co-simulation to false",
        ),
        (
            {"param_co_simulation": {"record_MPI": True}},
            "param_record_MPI.save_step = 0: must be >= 1 when param_co_simulation.record_MPI is true",
        ),
        (
            {"param_tvb_integrator": {"mu": [0.7]}},
            "param_tvb_integrator.mu = [0.7]: must have 7 values, one per state variable (E, I, C_ee, C_ei, C_ii, W_e, "
            "W_i), has 1",
        ),
        (
            {"param_tvb_integrator": {"mu": [0.7]}, "param_tvb_model": {"order": 1}},
            "param_tvb_integrator.mu = [0.7]: must have 7 values or 4 values, one per state variable (E, I, W_e, W_i), "
            "has 1",
        ),
        ({"param_tvb_model": {"P_e": [1.0]}}, "param_tvb_model.P_e = [1.0]: must have 10 values, has 1"),
        (
            {"param_nest_topology": {"nb_neuron_by_region": 4, "percentage_inhibitory": 0.9}},
            "param_nest_topology.percentage_inhibitory = 0.9: leaves 0 of 4 neurons excitatory; both kinds are needed",
        ),
        (
            {"param_nest_topology": {"nb_neuron_by_region": 100, "nb_region": 10}},
            "param_nest_background.record_spike_list.pop_2_ex = [1000, 1799]: must be a first and a last (not "
            "included) neuron, 0 <= first < last <= 1000 neurons",
        ),
        (
            {"param_tvb_monitor": {"ECOG": True}},
            "param_tvb_monitor.parameter_ECOG.path: is missing: name the file of the sensors' positions, or set ECOG "
            "to false",
        ),
        (
            {"param_tvb_monitor": {"Bold": True, "parameter_Bold": {"variables_of_interest": [0, 7]}}},
            "param_tvb_monitor.parameter_Bold.variables_of_interest[1] = 7: must be a state variable from 0 to 6",
        ),
        (
            {"param_tvb_nest": {"tvb_model": "JansenRit"}},
            'param_tvb_nest.brain = "compiled": must be "reference": only the mean field is compiled, not '
            "param_tvb_nest.tvb_model",
        ),
        ({"param_nest": {"master_seed": 2}}, "param_nest.master_seed = 2: must be >= 3"),
        ({"end": float("inf")}, "end = Infinity: must be a finite number"),
        ({"param_nest": 3}, "param_nest = 3: must be an object {...}"),
    ],
)
def test_one_thing_wrong(make, document, message):
    with pytest.raises(ConfigError) as caught:
        make(document)
    assert f"parameter.json: {message}" in str(caught.value).splitlines()


def test_a_window_beyond_the_delays_is_refused(make):
    settings = {"co-simulation": True, "id_region_nest": [1], "synchronization": 3.6}
    with pytest.raises(ConfigError) as caught:
        make({"param_co_simulation": settings}).with_window(35)
    assert str(caught.value) == (
        "parameter.json: param_co_simulation.synchronization = 3.6: must be <= 3.5 ms, the shortest delay between a "
        "spiking region and another; null has it computed"
    )


def test_files_that_cannot_be_read(tmp_path):
    with pytest.raises(ConfigError, match=r"no such file; name a parameter.json or its folder"):
        read_parameters(tmp_path)
    with pytest.raises(ConfigError, match=r"/nowhere: no such folder or file; name a parameter.json or its folder"):
        read_parameters(tmp_path / "nowhere")
    file = tmp_path / "parameter.json"
    file.write_text('{"param_nest": {"master_seed": 1, "master_seed": 2}}')
    with pytest.raises(ConfigError, match=r"param_nest.master_seed: is given twice"):
        read_parameters(file)
    file.write_text('{"param_nest": ')
    with pytest.raises(ConfigError, match="line 1, column 16: not valid JSON"):
        read_parameters(file)


def test_given_content_is_not_changed():
    document = {"param_tvb_model": {"Q_i": 3.5}, "param_co_simulation": {"co_simulation": False}}
    before = json.dumps(document)
    parameters_of(document, Path("parameter.json")).changed({("param_nest_connection", "g"): 4.0})
    assert json.dumps(document) == before
