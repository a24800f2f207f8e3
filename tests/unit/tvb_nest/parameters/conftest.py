"""Parameter files of tests."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from tvb_nest.parameters import Parameters, parameters_of


@pytest.fixture
def make(tmp_path: Path) -> Callable[..., Parameters]:
    """``make({section: {key: value}})``: parameters of a file in a temporary folder that need not exist."""
    return lambda document=None: parameters_of(document or {}, tmp_path / "parameter.json")


@pytest.fixture
def original(tmp_path: Path) -> Path:
    """A file as the original writes it: a section on a line, linked keys with their values, keys of all versions."""
    sections = {
        "param_nest": {"sim_resolution": 0.1, "master_seed": 46, "total_num_virtual_procs": 6},
        "param_nest_topology": {
            "param_neuron_excitatory": {"E_L": -64.5, "b": 10.0, "tau_w": 500.0},
            "param_neuron_inhibitory": {"E_L": -65.0},
            "nb_region": 104,
            "nb_neuron_by_region": 1000,
            "percentage_inhibitory": 0.2,
        },
        "param_nest_connection": {
            "weight_local": 1.0,
            "g": 10.0,
            "nb_external_synapse": 115,
            "path_homogeneous": "/data/connection_homogeneous_",
            "path_weight": "/data/weights.npy",
            "path_distance": "/data/distance.npy",
            "velocity": 3.0,
        },
        "param_nest_background": {
            "rate_ex": 2.0,
            "rate_in": 0.0,
            "weight_poisson": 1.0,
            "multimeter_list": {"VM_pop_1_ex": [["V_m"], 0, 10]},
            "record_spike_list": {"pop_1_ex": [0, 800], "pop_2_in": [1800, 1999]},
        },
        "param_tvb_model": {
            "order": 2,
            "E_L_e": -64.5,
            "b_e": 10.0,
            "Q_i": 10.0,
            "N_tot": 1000,
            "g": 0.2,
            "K_ext_e": 115,
        },
        "param_tvb_connection": {
            "path_cortical": "/data/cortical.npy",
            "orientation": True,
            "path_weight": "/data/weights.npy",
            "nb_region": 104,
        },
        "param_tvb_coupling": {"a": 1.0},
        "param_tvb_integrator": {"sim_resolution": 0.1, "seed": 45, "seed_init": 44},
        "param_tvb_monitor": {
            "parameter_TemporalAverage": {"variables_of_interest": [0, 1, 2, 3], "period": 1.0},
            "parameter_Bold": {"variables_of_interest": [0], "period": 2000.0},
            "SEEG": False,
            "parameter_SEEG": {"path": "/data/sensors.txt", "scaling_projection": 100.0},
            "ECOG": True,
            "parameter_ECOG": {"path": "/data/sensors.txt", "scaling": 1000.0},
        },
        "param_TR_nest_to_tvb": {
            "scaling": 1.0,
            "init": "./init_spikes.npy",
            "nb_neurons": 800.0,
            "synch": 2.0,
            "width": 20.0,
        },
        "param_TR_tvb_to_nest": {"percentage_shared": 0.01, "seed": 43, "nb_synapses": 115, "save_spike": True},
        "param_co_simulation": {
            "co-simulation": True,
            "nb_MPI_nest": 6,
            "id_region_nest": [26, 78],
            "synchronization": 2.0,
            "cluster": False,
            "mpi": ["mpirun"],
            "translation_thread": 3,
        },
    }
    lines = [f'"{name}" : {json.dumps(content)},' for name, content in sections.items()]
    file = tmp_path / "parameter.json"
    file.write_text("\n".join(["{", *lines, '"result_path":"/results/case/",', '"begin":0.0,', '"end":10000.0', "}"]))
    return file
