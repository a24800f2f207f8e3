"""What follows from reports: means, rates, the energy budget and exclusions, against sums by hand."""

from __future__ import annotations

import numpy as np
import pytest
import xarray as xr

from multiscale_run.analysis import NoData, Results, derived
from multiscale_run.run_record import Event


@pytest.fixture
def neurons(folder, rows):
    return Results(folder.compartments("nai", rows).path).neurons()


@pytest.mark.parametrize("elements_at_once", [1, 100, 2**23])
def test_means_per_neuron_and_layer(folder, rows, neurons, monkeypatch, elements_at_once):
    monkeypatch.setattr(derived, "READ_ELEMENTS", elements_at_once)
    values = Results(folder.path)["nai"]
    mean = derived.per_neuron(values)
    np.testing.assert_allclose(mean.values, rows.astype("f4").reshape(10, 10, 4).mean(axis=2), rtol=1e-6)
    assert mean["mtype"].values.tolist() == neurons["mtype"].values.tolist()
    layers = neurons["layer"].values
    by_layer = derived.per_layer(values)
    for layer in by_layer["layer"].values:
        np.testing.assert_allclose(by_layer.sel(layer=layer), mean.values[:, layers == layer].mean(axis=1))
    assert by_layer.attrs["units"] == "mM"


def test_columns_may_be_in_any_order(folder, rows):
    values = Results(folder.compartments("nai", rows).path)["nai"]
    shuffled = values[:, np.random.default_rng(1).permutation(values.sizes["compartment"])]
    np.testing.assert_allclose(derived.per_neuron(shuffled), derived.per_neuron(values), rtol=1e-12)
    assert (derived.per_neuron(shuffled)["layer"] == derived.per_neuron(values)["layer"]).all()


def test_an_excluded_neuron_is_no_part_of_its_layers_mean(folder, rows):
    table = rows[:, :10].copy()
    table[4:, 1] = np.nan
    values = Results(folder.per_node("metabolism_nai_after_sync", table).path)["metabolism_nai_after_sync"]
    layer = int(values["layer"][1])
    others = [k for k in np.flatnonzero(values["layer"] == layer) if k != 1]
    mean = derived.per_layer(values).sel(layer=layer)
    np.testing.assert_allclose(mean[5], table[5, others].mean(), rtol=1e-6)


def test_firing_rates(neurons):
    spikes = xr.Dataset({"time": ("spike", [5.0, 25.0, 26.0, 99.0]), "neuron": ("spike", [0, 0, 3, 9])})
    rates = derived.firing_rates(spikes.assign_attrs(stop_ms=100.0), neurons, bin_ms=20.0)
    assert rates.shape == (5, 10) and rates["time"].values.tolist() == [10, 30, 50, 70, 90]
    expected = np.zeros((5, 10))
    expected[[0, 1, 1, 4], [0, 0, 3, 9]] = 1 / 0.02
    np.testing.assert_allclose(rates.values, expected)
    whole = derived.firing_rates(spikes.assign_attrs(stop_ms=15.0), neurons, bin_ms=20.0)
    assert whole.shape == (1, 10) and float(whole[0, 0]) == pytest.approx(1 / 0.015)


def test_energy_budget_of_a_known_exchange(folder):
    """Each window of 0.1 s the metabolism makes 0.003 mM, the neuron uses 0.001 mM times its number."""
    used, made = 0.001 * np.arange(10), 0.003
    agreed = 1.4 + np.arange(5)[:, None] * (made - used)
    before = np.vstack([agreed[:1], agreed[:-1] + made])
    folder.per_node("metabolism_atp_after_sync", agreed, dtype="f8")
    folder.per_node("metabolism_atp_before_sync", before, dtype="f8")
    budget = Results(folder.path).energy()
    assert budget["supply"].shape == budget["demand"].shape == (4, 10)
    np.testing.assert_allclose(budget["supply"], np.full((4, 10), made / 0.1), atol=1e-5)  # files are read in 4 bytes
    np.testing.assert_allclose(budget["demand"], np.tile(used / 0.1, (4, 1)), atol=1e-5)
    change = (budget["supply"] - budget["demand"]) * 0.1
    np.testing.assert_allclose(change[1:], budget["atp"].diff("time"), atol=1e-6)
    assert budget["supply"].attrs["units"] == "mM/s"


def test_no_energy_budget_before_the_second_exchange(folder):
    for name in ("metabolism_atp_after_sync", "metabolism_atp_before_sync"):
        folder.per_node(name, np.ones((1, 10)))
    with pytest.raises(NoData, match="has not come to its second exchange"):
        Results(folder.path).energy()


def test_no_energy_budget_where_atp_is_not_merged(folder):
    def sets(settings):
        for connection in settings["multiscale_run"]["connections"]["after_metabolism_advance"]:
            if connection["action"] == "merge":
                connection |= {"action": "set", "dest_set_kwargs": {"idxs": [22]}}
                del connection["dest_get_func"], connection["dest_get_kwargs"]

    for name in ("metabolism_atp_after_sync", "metabolism_atp_before_sync"):
        folder.per_node(name, np.ones((3, 10)))
    with pytest.raises(NoData, match="only action 'merge' tells use from supply"):
        Results(folder.configure(sets).path).energy()


def test_exclusions_that_were_recorded(neurons):
    events = [
        Event("exclusion", "neuron 3 is excluded at 200 ms: nai = 31 (must be < 30)", 200.0, 3),
        Event("exclusion", "neuron 7 is excluded at 500 ms: the step became too small; ATP", 500.0, 7),
    ]
    found = derived.alive(neurons, 800.0, events)
    assert found["time"].values.tolist() == [0, 200, 500, 800]
    assert found["alive"].sum("neuron").values.tolist() == [10, 9, 8, 8]
    assert str(found["reason"][3].item()) == "nai = 31 (must be < 30)"
    assert float(found["excluded_at"][7]) == 500.0 and np.isnan(found["excluded_at"][0])


def test_exclusions_without_a_record_are_seen_in_the_reports(folder, rows):
    table = rows[:, :10].copy()
    table[6:, 2] = np.nan
    found = Results(folder.per_node("metabolism_nai_after_sync", table).path).alive()
    assert found["alive"].sum("neuron").values.tolist() == [10, 9, 9]
    assert float(found["excluded_at"][2]) == 600.0 and str(found["reason"][2].item()) == "not recorded"
