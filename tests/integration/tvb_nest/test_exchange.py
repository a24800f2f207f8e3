"""Rates and spikes into NEST and spikes out of it, window by window."""

import json

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

DT = 0.1
SIX_SIGMA = 6


def steps_of(found, region):
    return np.rint(found["times"][found["regions"] == region] / DT).astype(int)


@pytest.mark.parametrize("threads", [1, 2])
def test_rates_take_effect_at_their_step(scenario, threads):
    """A spike of step s reaches a parrot, which repeats it, one step later; nowhere else is a spike.

    In the first step of a simulation NEST's generators are silent.
    """
    found = scenario("rate_profile", threads=threads, windows=[1, 2, 27, 30])
    profile = found["profile"]
    for column, region in enumerate((4, 9)):
        heard = np.bincount(steps_of(found, region), minlength=62)[2:62]
        rates = profile[:-1, column]  # what is drawn in the last step arrives after the end
        rates[0] = 0
        assert_array_equal(heard[:59][rates == 0], 0)
        expected = rates * 1e-3 * DT * 500
        assert_allclose(heard[:59], expected, atol=SIX_SIGMA * np.sqrt(expected.max()))
        assert_allclose(heard.sum(), expected.sum(), atol=SIX_SIGMA * np.sqrt(expected.sum()))


@pytest.mark.parametrize("weight_poisson", [1.0, 2.0], ids=["with the rates", "on its own"])
def test_background_adds_to_the_rates(scenario, weight_poisson):
    found = scenario("background", rate=200.0, rate_ex=300.0, weight_poisson=weight_poisson)
    expected = 500.0 * 1e-3 * 1000 * DT * 500
    assert_allclose(len(found["times"]), expected, atol=SIX_SIGMA * np.sqrt(expected))


@pytest.mark.parametrize("threads", [1, 2])
def test_windows_do_not_change_a_bit(scenario, threads, tmp_path):
    """Neither spikes nor files; with the shortest delay of a step and of 5 steps. The last window may be any."""
    runs = {}
    for delay_local in (None, 0.5):
        for windows in ([423], [20] * 21 + [3], [35] * 12 + [1, 2] if delay_local is None else [35] * 12 + [3]):
            folder = tmp_path / f"{delay_local} {len(windows)}"
            found = scenario("windows", threads=threads, windows=windows, folder=str(folder), delay_local=delay_local)
            files = {file.name: file.read_text() for file in sorted(folder.iterdir())}
            runs.setdefault(delay_local, []).append((found, files))
    for (whole, whole_files), *others in runs.values():
        assert len(whole["times"]) > 50
        assert sum(len(text.splitlines()) for text in whole_files.values()) > 800
        for found, files in others:
            assert files == whole_files
            for key in whole:
                assert_array_equal(found[key], whole[key])


@pytest.mark.parametrize("threads", [1, 2])
def test_given_spikes_arrive_one_by_one(scenario, threads):
    """Every spike, repeated ones too, after a delay of 4 steps; the same with any number of threads."""
    found = scenario("spikes_in", threads=threads)
    sent = found["sent_steps"] + 4 <= 500
    assert sent.sum() > 1000
    assert_array_equal(np.rint(found["times"] / DT), found["sent_steps"][sent] + 4)
    assert_array_equal(found["neurons"], found["sent_neurons"][sent])
    assert_array_equal(found["regions"], found["sent_regions"][sent])


def test_threads_give_the_same_activity(scenario, tmp_path):
    """Not the same spikes, NEST draws per thread, but as many."""
    one, two = (scenario("windows", threads=n, windows=[20] * 40, folder=str(tmp_path / str(n))) for n in (1, 2))
    for region in (0, 2):
        sizes = [np.sum(found["regions"] == region) for found in (one, two)]
        assert min(sizes) > 50
        assert abs(sizes[0] - sizes[1]) < SIX_SIGMA * np.sqrt(sum(sizes))


def test_populations_are_told_apart(scenario):
    found = scenario("by_population")
    assert_array_equal(found["None"], np.arange(10))
    assert_array_equal(found["excitatory"], np.arange(8))
    assert_array_equal(found["inhibitory"], [8, 9])


def test_wrong_input_is_refused(scenario, tmp_path):
    errors = json.loads(str(scenario("wrong_input", folder=str(tmp_path))["errors"]))
    expected = {
        "not prepared": "RuntimeError: prepare() the network",
        "no rates": "RuntimeError: there are input rates up to step 0 only, not up to 10",
        "rates too short": "RuntimeError: there are input rates up to step 10 only, not up to 11",
        "inside a slice": "UserError: a window ended at 0.7 ms, but only the last one may be no multiple of NEST's "
        "shortest delay, 0.5 ms: choose another window or delay_local",
        "other window": "ValueError: input for the window from step 20, but the network is at step 0",
        "negative": "UserError: the brain's input to region 3 is -2.0 Hz at 0.2 ms",
        "not a number": "UserError: the brain's input to region 3 is nan Hz at 0.1 ms",
        "shape": "ValueError: rates have shape (10, 2), not (steps, 1)",
        "kind": "ValueError: the network's external_input is 'rates', not 'spikes'",
        "second network": "RuntimeError: NEST has one kernel per process",
        "regions": "ValueError: spikes for 2 regions, but 1 are spiking",
        "off grid": "ValueError: spike times must be multiples of dt = 0.1 ms",
        "neuron": "ValueError: spikes must be later than 0.0 ms and into neurons 0 to 9",
        "past": "ValueError: spikes must be later than 0.0 ms",
        "model": "UserError: neuron_type: NEST has no model 'aeif_cnd'; did you mean aeif_cond_",
        "parameter": "UserError: excitatory parameters: model aeif_cond_exp has no parameter 'tau_W'; did you mean ",
        "value": "UserError: excitatory parameters: NEST refuses them: ",
        "adaptation": "UserError: mean_w_0: model parrot_neuron has no w; set to 0",
        "recording": "UserError: recording x: neurons 5 to 11 do not lie in the network's 0 to 10",
        "variable": "UserError: recording x: the neurons have no 'v'; choose from ['",
        "target": "UserError: stimulus: target 5 is not a spiking region; these are [0, 2]",
        "not recorded": "ValueError: the spikes of population 'third' of region 3 are not recorded",
        "own nodes": f"UserError: own model {tmp_path}/own.py: population 'excitatory' is a list, not what nest.Create",
        "own resolution": f"UserError: own model {tmp_path}/own.py: kernel() set the resolution to 0.2 ms; leave it at",
        "own setting": "UserError: kernel settings {'resolution': 0.1, ",
        "own device": "UserError: own model: device 'dc' is a dc_generator; return spike_recorder and multimeter only",
        "population": "UserError: region 0 has no population 'exc', only ['excitatory', 'inhibitory']",
    }
    assert set(errors) == set(expected)
    for name, start in expected.items():
        assert errors[name].startswith(start), errors[name]
