"""Defaults and links, key by key, against the original's."""

from __future__ import annotations

import json

import pytest

from tvb_nest.parameters import Mode, ParameterSet, keys, link_table, of_state_variables, parameters_of

EXCITATORY = {
    "C_m": 200.0, "t_ref": 5.0, "V_reset": -64.5, "E_L": -64.5, "g_L": 10.0, "I_e": 0.0, "a": 0.0, "b": 1.0,
    "Delta_T": 2.0, "tau_w": 500.0, "V_th": -50.0, "E_ex": 0.0, "tau_syn_ex": 5.0, "E_in": -80.0, "tau_syn_in": 5.0,
}  # fmt: skip

INHIBITORY = {"V_reset": -65.0, "E_L": -65.0, "b": 0.0, "Delta_T": 0.5, "tau_w": 1.0}

DEFAULTS = {
    "param_nest": {
        "sim_resolution": 0.1, "master_seed": 46, "total_num_virtual_procs": 16, "overwrite_files": True,
        "print_time": True, "verbosity": 20,
    },
    "param_nest_topology": {
        "nb_region": 10, "nb_neuron_by_region": 10000, "percentage_inhibitory": 0.2, "neuron_type": "aeif_cond_exp",
        "param_neuron_excitatory": EXCITATORY,
        "param_neuron_inhibitory": EXCITATORY | INHIBITORY,
        "mean_I_ext": 0.0, "sigma_I_ext": 0.0, "sigma_V_0": 0.0, "mean_w_0": 0.0,
    },
    "param_nest_connection": {
        "weight_local": 1.0, "g": 3.5, "p_connect": 0.05, "nb_external_synapse": 400, "velocity": 3.0,
        "weight_global": 1.0,
    },
    "param_nest_background": {
        "poisson": True, "rate_ex": 300.4, "rate_in": 0.2, "weight_poisson": 1.0, "noise": False, "mean_noise": 0.0,
        "sigma_noise": 400.0, "weight_noise": 1.0, "stimulus": False, "stimulus_amplitude": 0.0, "stimulus_start": 0.0,
        "stimulus_duration": 0.0, "stimulus_target": 0, "multimeter": True,
        "multimeter_list": {
            "pop_1_ex_VM": [["V_m"], 0, 10], "pop1_ex_W": [["w"], 0, 10], "pop_1_in_VM": [["V_m"], 800, 810],
            "pop1_in_W": [["w"], 800, 810],
        },
        "record_spike": True,
        "record_spike_list": {
            "pop_1_ex": [0, 799], "pop_2_ex": [1000, 1799], "pop_1_in": [800, 999], "pop_2_in": [1800, 1999],
        },
    },
    "param_tvb_model": {
        "order": 2, "T": 20.0,
        "P_e": [-0.05059317, 0.0036078, 0.01794401, 0.00467008, 0.00098553, 0.0082953, -0.00985289, -0.02600252,
                -0.00274499, -0.01051463],
        "P_i": [-0.0596722865, 0.00715675508, 0.00428252163, 0.00925089702, 1.16632197e-06, -0.010065931,
                0.00389257235, 0.000445787751, 0.00420050937, 0.00437359879],
        "initial_condition": {
            "E": [0.1, 0.001], "I": [0.0, 0.0], "C_ee": [0.0, 0.0], "C_ei": [0.0, 0.0], "C_ii": [0.0, 0.0],
            "W_e": [0.0, 0.0], "W_i": [0.0, 0.0],
        },
        "g_L": 10.0, "C_m": 200.0, "E_L_e": -64.5, "E_L_i": -65.0, "b_e": 1.0, "b_i": 0.0, "a_e": 0.0, "a_i": 0.0,
        "tau_w_e": 500.0, "tau_w_i": 1.0, "E_e": 0.0, "E_i": -80.0, "Q_e": 1.0, "Q_i": 3.5, "tau_e": 5.0, "tau_i": 5.0,
        "N_tot": 10000, "p_connect": 0.05, "p_connect_e": 0.05, "p_connect_i": 0.05, "g": 0.2, "K_ext_e": 400,
    },
    "param_tvb_connection": {"nb_region": 10, "velocity": 3.0},
    "param_tvb_coupling": {"a": 1.0},
    "param_tvb_integrator": {
        "sim_resolution": 0.1, "seed": 45, "seed_init": 44, "tau_OU": 20.0, "mu": [0.7, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0],
        "nsig": [0.05, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0], "weights": [0.01, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0],
    },
    "param_tvb_monitor": {
        "save_time": 20.0, "Raw": True, "TemporalAverage": False,
        "parameter_TemporalAverage": {"variables_of_interest": [0, 1, 2, 3], "period": 1.0}, "Bold": False,
        "parameter_Bold": {"variables_of_interest": [0], "period": 2000.0}, "SEEG": False,
        "parameter_SEEG": {"scaling_projection": 1.0}, "ECOG": False,
        "parameter_ECOG": {"scaling": 1.0, "sigma_noise": 0.0},
    },
    "param_TR_nest_to_tvb": {
        "resolution": 0.1, "nb_neurons": 8000.0, "synch": 0.0, "width": 20.0, "level_log": 1, "scaling": 1.0,
        "save_hist": False, "save_hist_count": 10, "save_rate": False, "save_rate_count": 10,
    },
    "param_TR_tvb_to_nest": {
        "percentage_shared": 0.5, "function_select": 2, "level_log": 1, "seed": 43, "nb_synapses": 400,
        "save_spike": False, "save_spike_count": 10, "save_rate": False, "save_rate_count": 10,
    },
    "param_record_MPI": {"save_step": 0, "resolution": 0.1, "synch": 0.0, "level_log": 1},
    "param_co_simulation": {
        "co-simulation": False, "nb_MPI_nest": 1, "record_MPI": False, "id_region_nest": [], "synchronization": 0.0,
        "level_log": 1,
    },
    "param_tvb_nest": {
        "compat": "corrected", "normalise_weights": False, "brain": "compiled", "tvb_model_parameters": {},
        "tvb_initial_condition": {}, "tvb_coupling": "Linear", "tvb_coupling_parameters": {},
        "tvb_integrator": "HeunDeterministic", "tvb_noise": {}, "tvb_noise_correlation": 0.0,
        "tvb_proxy": {"offset": 0.0},
        "parameter_sensors": {"lead_field": "distance", "conductivity": 1.0}, "EEG": False,
        "parameter_EEG": {
            "sensors": "eeg_brainstorm_65", "lead_field": "projection", "projection": "projection_eeg_65_surface_16k",
            "region_mapping": "regionMapping_16k_76", "scaling": 1.0, "sigma_noise": 0.0,
        },
        "exchange": "memory", "transform_ranks": 0, "network_parameters": {}, "neuron_parameters_excitatory": {},
        "neuron_parameters_inhibitory": {},
    },
    "begin": 0.0,
    "end": 1000.0,
}  # fmt: skip


def test_defaults_are_the_originals(make):
    assert make().resolved.document() == DEFAULTS


def test_every_key_is_described_and_physical_ones_have_a_unit():
    infos = list(keys())
    assert [info.name for info in infos if not info.description.endswith(".")] == []
    units = {info.name: info.unit for info in infos}
    assert units["param_nest_topology.param_neuron_excitatory.b"] == "pA"
    assert units["param_nest_topology.param_neuron_inhibitory.g_L"] == "nS"
    assert units["param_nest_connection.velocity"] == "m/s"
    assert units["param_nest_background.rate_ex"] == "Hz"
    assert units["param_tvb_model.initial_condition.E"] == "kHz"
    assert units["param_co_simulation.synchronization"] == units["end"] == "ms"


LINKED = {
    "param_nest_background.weight_poisson": 2.0,
    "param_tvb_connection.path_distance": "d.npy",
    "param_tvb_connection.path_weight": "w.npy",
    "param_tvb_connection.nb_region": 7,
    "param_tvb_connection.velocity": 4.0,
    "param_tvb_coupling.a": 0.5,
    "param_tvb_integrator.sim_resolution": 0.2,
    "param_tvb_integrator.seed": 99,
    "param_tvb_integrator.seed_init": 98,
    "param_tvb_model.g_L": 11.0,
    "param_tvb_model.C_m": 210.0,
    "param_tvb_model.E_L_e": -60.0,
    "param_tvb_model.E_L_i": -61.0,
    "param_tvb_model.b_e": 12.0,
    "param_tvb_model.b_i": 13.0,
    "param_tvb_model.a_e": 14.0,
    "param_tvb_model.a_i": 15.0,
    "param_tvb_model.tau_w_e": 160.0,
    "param_tvb_model.tau_w_i": 17.0,
    "param_tvb_model.E_e": 1.0,
    "param_tvb_model.E_i": -79.0,
    "param_tvb_model.Q_e": 2.0,
    "param_tvb_model.Q_i": 12.0,
    "param_tvb_model.tau_e": 4.5,
    "param_tvb_model.tau_i": 5.5,
    "param_tvb_model.N_tot": 1000,
    "param_tvb_model.p_connect": 0.1,
    "param_tvb_model.p_connect_e": 0.1,
    "param_tvb_model.p_connect_i": 0.1,
    "param_tvb_model.g": 0.3,
    "param_tvb_model.K_ext_e": 90,
    "param_tvb_monitor.parameter_TemporalAverage.period": 2.0,
    "param_tvb_monitor.parameter_Bold.period": 4000.0,
    "param_TR_nest_to_tvb.resolution": 0.2,
    "param_TR_nest_to_tvb.nb_neurons": 700.0,
    "param_TR_nest_to_tvb.synch": 3.0,
    "param_TR_nest_to_tvb.width": 15.0,
    "param_TR_nest_to_tvb.level_log": 3,
    "param_TR_tvb_to_nest.seed": 97,
    "param_TR_tvb_to_nest.nb_synapses": 90,
    "param_TR_tvb_to_nest.level_log": 3,
    "param_record_MPI.resolution": 0.2,
    "param_record_MPI.synch": 3.0,
    "param_record_MPI.level_log": 3,
}
"""All linked keys when their sources are those of ``sources``, each different from its default."""


@pytest.fixture
def sources() -> dict:
    excitatory = {"g_L": 11.0, "C_m": 210.0, "E_L": -60.0, "b": 12.0, "a": 14.0, "tau_w": 160.0, "E_ex": 1.0}
    excitatory |= {"E_in": -79.0, "tau_syn_ex": 4.5, "tau_syn_in": 5.5}
    return {
        "param_nest": {"sim_resolution": 0.2, "master_seed": 100},
        "param_nest_topology": {
            "nb_region": 7,
            "nb_neuron_by_region": 1000,
            "percentage_inhibitory": 0.3,
            "param_neuron_excitatory": excitatory,
            "param_neuron_inhibitory": {"E_L": -61.0, "b": 13.0, "a": 15.0, "tau_w": 17.0, "tau_syn_ex": 9.0},
        },
        "param_nest_connection": {
            "weight_local": 2.0,
            "g": 6.0,
            "p_connect": 0.1,
            "nb_external_synapse": 90,
            "velocity": 4.0,
            "weight_global": 0.5,
            "path_weight": "w.npy",
            "path_distance": "d.npy",
        },
        "param_tvb_model": {"T": 15.0},
        "param_co_simulation": {"synchronization": 3.0, "level_log": 3},
    }


def value_of(parameters: ParameterSet, name: str):
    for part in name.split("."):
        parameters = getattr(parameters, part)
    return parameters


def test_every_linked_key_follows_its_source(make, sources):
    resolved = make(sources).resolved
    found = {link.target: value_of(resolved, link.target) for link in link_table()}
    paths = {name for name, value in LINKED.items() if isinstance(value, str)}
    assert {name: found.pop(name) for name in paths} == {name: LINKED[name] for name in paths}
    assert found == pytest.approx({name: value for name, value in LINKED.items() if name not in paths}, rel=1e-12)
    assert {info.name for info in keys() if info.linked} == set(LINKED)
    assert resolved.param_tvb_model.Q_e == resolved.param_nest_connection.weight_local


def test_linked_values_that_agree_are_accepted(make, sources):
    complete = make(sources)
    again = parameters_of(complete.resolved.document(), complete.file)
    assert again.resolved == complete.resolved


@pytest.mark.parametrize(
    ("settings", "mode", "spiking"),
    [
        ({"co-simulation": True, "id_region_nest": [4, 2]}, Mode.CO_SIMULATION, (4, 2)),
        ({"nb_MPI_nest": 0, "record_MPI": True}, Mode.TVB, ()),
        ({}, Mode.NEST, tuple(range(10))),
    ],
)
def test_mode_follows_the_originals_rules(make, settings, mode, spiking):
    parameters = make({"param_co_simulation": settings})
    assert (parameters.mode, parameters.spiking) == (mode, spiking)


def test_nest_alone_with_saved_rates(make):
    document = {"param_co_simulation": {"record_MPI": True}, "param_record_MPI": {"save_step": 10}}
    assert make(document).mode == Mode.NEST_SAVED_RATES


@pytest.mark.parametrize("given", [None, 0.0])
def test_window_is_computed(make, given):
    settings = {"co-simulation": True, "id_region_nest": [1], "synchronization": given}
    parameters = make({"param_co_simulation": settings})
    assert parameters.window is None
    known = parameters.with_window(35)
    assert known.window == 35
    assert known.resolved.param_co_simulation.synchronization == 3.5  # not 3.5000000000000004
    assert known.resolved.param_TR_nest_to_tvb.synch == known.resolved.param_record_MPI.synch == 3.5


def test_a_shorter_window_is_kept(make):
    settings = {"co-simulation": True, "id_region_nest": [1], "synchronization": 2.0}
    document = {"param_co_simulation": settings, "param_TR_nest_to_tvb": {"synch": 2.0}}
    assert make(document).with_window(35).window == 20


def test_steps(make):
    assert make({"end": 200.0}).steps == 2000


@pytest.mark.parametrize(
    ("values", "order", "expected"),
    [
        ([1, 2, 3, 4, 5, 6, 7], 2, [1, 2, 3, 4, 5, 6, 7]),
        ([1, 2, 3, 4, 5, 6, 7], 1, [1, 2, 6, 7]),
        ([1, 2, 3, 4], 1, [1, 2, 3, 4]),
    ],
)
def test_values_of_state_variables(values, order, expected):
    assert of_state_variables(values, order) == expected


def test_schema_accepts_a_resolved_file_and_names_links(make):
    import jsonschema

    from tvb_nest.parameters import schema

    description = schema()
    jsonschema.validate(json.loads(json.dumps(make().resolved.document())), description)
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate({"param_nest": {"sim_resolution": "fast"}}, description)
    field = description["$defs"]["TvbModel"]["properties"]["Q_i"]
    assert field["description"] == (
        "Inhibitory weight. Linked to param_nest_connection.weight_local * param_nest_connection.g."
    )
    assert field["unit"] == "nS" and "default" not in field
