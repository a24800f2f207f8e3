"""What ``tvb-nest init`` writes."""

from __future__ import annotations

import numpy as np
import pytest

from mpi_coupling.failure import UserError
from mpi_coupling.settings.problems import ABSENT, value_at
from tvb_nest.examples import NAMES, load_example
from tvb_nest.parameters import Mode, keys, read_parameters
from tvb_nest.setup_folder import write_example

PAPER = {
    "asynchronous": {
        ("b_e",): 10.0, ("Q_i",): 10.0, ("K_ext_e",): 115, ("p_connect",): 0.05, ("tau_w_e",): 500.0, "shared": 0.01,
        "poisson": True, "rate": 2.0, "mu": 0.7, "nsig": 0.2, ("E_L_e",): -64.5, ("E_L_i",): -65.0, "V_reset": -64.5,
    },
    "regular-burst": {
        ("b_e",): 50.0, ("Q_i",): 10.0, ("K_ext_e",): 90, ("p_connect",): 0.005, ("tau_w_e",): 150.0, "shared": 0.01,
        "poisson": False, "rate": 0.0, "mu": 1.0, "nsig": 1.0, ("E_L_e",): -74.0, ("E_L_i",): -75.0, "V_reset": -47.5,
    },
    "up-down": {
        ("b_e",): 100.0, ("Q_i",): 5.0, ("K_ext_e",): 300, ("p_connect",): 0.05, ("tau_w_e",): 500.0, "shared": 0.1,
        "poisson": False, "rate": 0.0, "mu": 0.3, "nsig": 0.2, ("E_L_e",): -64.5, ("E_L_i",): -65.0, "V_reset": -64.5,
    },
}  # fmt: skip
"""Values of the paper's files; keys in brackets are those of the mean field."""


@pytest.mark.parametrize("name", NAMES)
def test_every_example_can_be_read_again(name, tmp_path):
    written = write_example(tmp_path, name)
    parameters = read_parameters(tmp_path)
    assert parameters.resolved == written.resolved
    assert parameters.mode == Mode.CO_SIMULATION and len(parameters.spiking) == 2 and parameters.window is None
    assert parameters.notes == ()
    assert load_example(name).title in (tmp_path / "README.md").read_text()


def test_the_file_holds_every_key_that_may_be_changed_and_no_other(tmp_path):
    given = write_example(tmp_path, "two-regions").given
    linked = {info.name for info in keys() if info.linked}
    held = {info.name for info in keys() if value_at(given, info.path) is not ABSENT}
    assert not held & linked
    assert {"param_nest_topology.param_neuron_inhibitory.tau_w", "param_tvb_monitor.Raw", "end"} <= held


def test_two_regions_is_small(tmp_path):
    parameters = write_example(tmp_path, "two-regions")
    resolved = parameters.resolved
    assert parameters.spiking == (9, 47)  # rHC and lHC of connectivity_76
    assert parameters.connectome == "connectivity_76"
    assert resolved.param_nest_topology.nb_region == 76
    assert resolved.param_nest_topology.nb_neuron_by_region == 200
    assert resolved.end == 1000.0
    assert set(resolved.param_nest_background.record_spike_list.values()) == {
        (0, 160),
        (160, 200),
        (200, 360),
        (360, 400),
    }


@pytest.mark.parametrize("name", PAPER)
def test_paper_cases_have_the_papers_values(name, tmp_path):
    resolved = write_example(tmp_path, name).resolved
    model, background = resolved.param_tvb_model, resolved.param_nest_background
    found = {key: getattr(model, key[0]) for key in PAPER[name] if isinstance(key, tuple)} | {
        "shared": resolved.param_TR_tvb_to_nest.percentage_shared,
        "poisson": background.poisson,
        "rate": background.rate_ex,
        "mu": resolved.param_tvb_integrator.mu[0],
        "nsig": resolved.param_tvb_integrator.nsig[0],
        "V_reset": resolved.param_nest_topology.param_neuron_excitatory.V_reset,
    }
    assert found == PAPER[name]
    assert (model.order, model.T, model.N_tot, resolved.end) == (2, 20.0, 10_000, 10_000.0)
    assert background.multimeter_list["W_pop_1_in"] == (["w"], 8000, 8010) and len(background.multimeter_list) == 4


def test_slips_of_the_original_are_corrected_unless_asked_for(tmp_path):
    ours = write_example(tmp_path / "ours", "up-down").resolved
    theirs = write_example(tmp_path / "theirs", "up-down", compat="upstream").resolved
    assert (ours.param_tvb_nest.compat, theirs.param_tvb_nest.compat) == ("corrected", "upstream")
    assert ours.param_tvb_model.P_e[8] == pytest.approx(0.001265, rel=1e-3) and theirs.param_tvb_model.P_e[8] == -0.0012
    assert ours.param_tvb_model.P_i[9] == pytest.approx(-0.01536, rel=1e-3)
    assert theirs.param_tvb_model.P_i[9] == -0.00153
    # all others agree to the digits that the original kept
    rounded = zip(ours.param_tvb_model.P_e[:8], theirs.param_tvb_model.P_e[:8], strict=True)
    assert all(abs(one - other) < 2e-3 for one, other in rounded)


def test_a_brain_of_ones_own(tmp_path):
    square = np.ones((5, 5))
    source = tmp_path / "brain"
    source.mkdir()
    np.save(source / "weights.npy", square)
    np.save(source / "distance.npy", square)
    parameters = write_example(tmp_path / "simulation", "asynchronous", connectome=str(source), regions=[4, 1])
    assert parameters.connectome == source
    assert parameters.spiking == (4, 1) and parameters.resolved.param_tvb_connection.nb_region == 5
    with pytest.raises(UserError, match=r"id_region_nest\[0\] = 9: must be a region from 0 to 4"):
        write_example(tmp_path / "other", "asynchronous", connectome=str(source))
    assert not (tmp_path / "other").exists()


def test_what_is_there_stays(tmp_path):
    write_example(tmp_path, "two-regions")
    with pytest.raises(UserError, match=r"parameter.json exists; name another folder, or use --force"):
        write_example(tmp_path, "up-down")
    assert read_parameters(tmp_path).resolved.end == 1000.0
    assert write_example(tmp_path, "up-down", force=True).resolved.end == 10_000.0
    (tmp_path / "file").write_text("")
    with pytest.raises(UserError, match="is a file; name a folder"):
        write_example(tmp_path / "file", "up-down")
