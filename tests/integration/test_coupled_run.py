"""The coupled run of the tiny circuit with the real engines: results, invariance, energy balance, failure."""

import json
import re
from collections import Counter

import libsonata
import numpy as np
import pytest

from mpi_coupling.world import UserError
from multiscale_run.metabolism.julia import julia_health

ATP_BAND = (0.25, 2.5)
"""mM; where the neuron's ATP must stay (the original's check)."""


def total_mean(folder, name):
    """Mean over all elements of a report at each time."""
    times, data = folder.report(name)
    return times, data.mean(axis=1)


def test_results_are_complete_and_readable(tiny, tools):
    folder = tiny(tools["duration"](200.0)).computed(ranks=2)
    assert (folder.results / ".SUCCESS").exists()
    assert (folder.results / "profile.json").exists()
    expected = {"v", "ina", "ik", "nai", "ki", "ko", "cai", "atpi", "adpi"}
    expected |= {"steps_potassium_after_sync", "bloodflow_flow_after_sync", "metabolism_atp_before_sync"}
    assert expected <= {path.stem for path in folder.results.glob("*.h5")}
    for path in folder.results.glob("*.h5"):
        if path.stem == "out":
            continue
        (population,) = (file := libsonata.ElementReportReader(str(path))).get_population_names()
        simulator = path.stem.partition("_")[0]
        assert population == {"steps": "tetrahedra", "bloodflow": "vasculature"}.get(simulator, "neurons")
        reader = file[population]
        assert np.isfinite(reader.get().data).all(), path.name
        assert reader.data_units, path.name
    assert len(libsonata.SpikeReader(str(folder.results / "out.h5"))["neurons"].get()) > 0


@pytest.mark.parametrize("ranks", [2, 3, 4])
def test_results_do_not_depend_on_the_number_of_ranks(tiny, tools, ranks):
    short = tools["duration"](200.0)
    alone = tiny(short, name="alone").computed()
    together = tiny(short, name="together").computed(ranks=ranks)
    np.testing.assert_array_equal(alone.spikes(), together.spikes())
    for path in alone.results.glob("*.h5"):
        if path.stem != "out":
            one, many = alone.report(path.stem)[1], together.report(path.stem)[1]
            np.testing.assert_allclose(many, one, rtol=1e-6, atol=1e-12, err_msg=path.name)


def test_the_timeline_shows_every_phase_of_every_rank(tiny, tools):
    folder = tiny(tools["duration"](200.0))
    done = tools["launch"]("compute", "--profile", folder.path, ranks=2)
    assert done.returncode == 0, done.stdout
    events = json.loads((folder.results / "timeline.json").read_text())["traceEvents"]
    phases = json.loads((folder.results / "profile.json").read_text())["phases"]
    for rank in (0, 1):
        found = Counter(event["cat"] for event in events if event["ph"] == "X" and event["pid"] == rank)
        assert {"neurodamus", "steps", "bloodflow", "metabolism", "coupling", "reports"} <= set(found)
        assert all(found[path] <= phases[path]["calls"]["maximum"] for path in found)


def test_more_ranks_than_neurons(tiny, tools):
    folder = tiny(tools["duration"](100.0)).computed(ranks=11)
    assert np.isfinite(folder.report("v")[1]).all()


def test_neurons_do_not_depend_on_how_the_run_is_cut(tiny, tools):
    """Without an exchange, stopping NEURON every 1 ms or every 50 ms changes nothing."""

    def alone(period):
        def change(settings):
            settings["multiscale_run"]["with_metabolism"] = False
            settings["multiscale_run"]["ndts"] = period

        return change

    fine = tiny(tools["duration"](100.0), alone(40), name="fine").computed()
    coarse = tiny(tools["duration"](100.0), alone(2000), name="coarse").computed()
    for name in ("v", "nai", "atpi"):
        np.testing.assert_array_equal(fine.report(name)[1], coarse.report(name)[1])


def test_finer_exchange_converges(tiny, tools):
    """Operator splitting: the difference between window lengths is small and shrinks with them."""
    final = {}
    for ndts in (4000, 2000, 1000):
        folder = tiny(tools["duration"](400.0), tools["metabolism"](ndts=ndts), name=f"w{ndts}").computed()
        final[ndts] = folder.report("metabolism_atp_after_sync")[1][-1]
    coarse, fine = np.abs(final[4000] - final[2000]).max(), np.abs(final[2000] - final[1000]).max()
    assert coarse < 0.01 * final[1000].min()
    assert fine < coarse


@pytest.mark.slow
def test_rest_for_five_seconds(tiny, tools):
    """The original dies after 300 ms because ATP runs out; at rest ours stays where it is."""
    folder = tiny(tools["quiet"], tools["duration"](5000.0)).computed(ranks=2)
    assert len(folder.spikes()) == 0
    for name, tolerance in (("atpi", 0.02), ("ko", 0.05), ("nai", 0.05)):
        _, mean = total_mean(folder, name)
        assert np.abs(mean / mean[0] - 1).max() < tolerance, name


@pytest.mark.slow
def test_activity_costs_atp_which_recovers(tiny, tools):
    """Stimulated for 2 s: ATP dips, never leaves its band, and comes back when the stimulus ends."""

    def stimulus(settings):
        for block in settings["inputs"].values():
            block["duration"] = 2000.0 - block["delay"]

    folder = tiny(tools["duration"](8000.0), stimulus).computed(ranks=2)
    spikes = folder.spikes()
    firing = np.bincount(spikes[:, 1].astype(int), minlength=10) / 2.0
    assert 5.0 <= firing.mean() <= 20.0
    times, atp = folder.report("metabolism_atp_after_sync")
    assert atp.min() > ATP_BAND[0] and atp.max() < ATP_BAND[1]
    mean = atp.mean(axis=1)
    lowest = mean[times <= 2100].min()
    assert lowest < mean[0] - 0.003
    assert mean[-1] > lowest + 0.25 * (mean[0] - lowest)


def test_without_supply_atp_falls_and_the_check_stops_the_run(tiny, tools):
    """The check can fail: with metabolism off nothing makes ATP."""

    def no_supply(settings):
        section = settings["multiscale_run"]
        section["with_metabolism"] = False
        section["ndts"] = 4000
        section["neurodamus"] = {
            "checks": {"atpi": {"name": "atpi", "kwargs": {"lb": 1.37}, "response": "abort_simulation"}}
        }

    folder = tiny(tools["duration"](2000.0), no_supply)
    done = folder.compute(ranks=2)
    assert done.returncode == 3
    assert done.stdout.count("the run is stopped, as configured, by check 'atpi', neuron") == 1
    assert "(must be > 1.37)" in done.stdout
    assert not (folder.results / ".SUCCESS").exists()
    _, atp = total_mean(folder, "atpi")
    written = np.isfinite(atp)
    assert 0 < written.sum() < len(atp), "finished steps are kept, the others are NaN"
    assert atp[written][-1] < atp[0]


def test_excluded_neurons_are_masked_and_named(tiny, tools):
    duration = tools["duration"](400.0)
    sodium = tiny(duration, name="all").computed(ranks=2).report("metabolism_nai_after_sync")[1]
    bound = float(np.median(sodium[-1]))
    expected = np.flatnonzero((sodium >= bound).any(axis=0))
    check = {"name": "nai", "kwargs": {"hb": bound}, "response": "exclude_neuron"}

    folder = tiny(duration, tools["metabolism"](checks={"vm": {"na_c_n": check}}), name="some")
    done = folder.compute(ranks=2)
    assert done.returncode == 0, done.stdout
    atp = folder.report("metabolism_atp_after_sync")[1]
    before_the_last_row = np.flatnonzero((sodium[:-1] >= bound).any(axis=0))
    np.testing.assert_array_equal(np.flatnonzero(np.isnan(atp[-1])), before_the_last_row)
    assert 0 < len(expected) < atp.shape[1]
    assert not np.isnan(atp[0]).any()
    named = re.findall(r"neuron (\d+) is excluded at \d+ ms: nai = [\d.]+ \(must be < ", done.stdout)
    assert sorted(map(int, named)) == expected.tolist()


def test_a_run_may_end_between_two_exchanges(tiny, tools):
    """165 ms with an exchange every 25 ms: the last step is short and has no row of its own."""

    def watch(settings):
        field = {"src_get_func": "get_var", "src_get_kwargs": {"var": "atpi", "weight": "volume"}}
        report = field | {"unit": "mM", "file_name": "neuron_atp.h5", "when": "after_sync"}
        settings["multiscale_run"]["reports"]["neurodamus"] = {"neuron_atp": report}

    folder = tiny(tools["duration"](165.0), watch).computed(ranks=2)
    assert len(folder.report("neuron_atp")[1]) == 7
    assert len(folder.report("v")[1]) == 165
    assert np.isfinite(folder.report("v")[1]).all()


def test_the_last_exchange_is_checked_too(tiny, tools):
    check = {"name": "nai", "kwargs": {"heb": 10.0001}, "response": "abort_simulation"}
    folder = tiny(tools["duration"](100.0), tools["metabolism"](checks={"vm": {"na_c_n": check}}))
    done = folder.compute(ranks=2)
    assert done.returncode == 3, done.stdout
    assert done.stdout.count("at 100 ms the run is stopped, as configured, by check 'nai'") == 1
    assert np.isfinite(folder.report("v")[1]).all(), "what led there is kept"
    assert not (folder.results / ".SUCCESS").exists()


def test_a_misspelt_variable_names_its_connection(tiny, tools):
    def misspell(settings):
        settings["multiscale_run"]["connections"]["after_metabolism_advance"][3]["src_set_kwargs"] = {"var": "adpii"}

    done = tiny(tools["duration"](100.0), misspell).compute(ranks=2)
    assert done.returncode == 2
    assert (
        done.stdout.count("multiscale_run.connections.after_metabolism_advance[3]: no neuron has a variable 'adpii'")
        == 1
    )


@pytest.mark.parametrize("engine", ["scipy", "julia"])
def test_engines_agree_in_the_coupled_run(tiny, tools, engine):
    if engine == "julia":
        try:
            julia_health()
        except UserError as error:
            pytest.skip(f"NO JULIA, THE JULIA ENGINE IS NOT TESTED: {error}")
    short = tools["duration"](200.0)
    native = tiny(short, name="native").computed().report("metabolism_atp_after_sync")[1]
    other = tiny(short, tools["metabolism"](engine=engine), name=engine).computed()
    np.testing.assert_allclose(other.report("metabolism_atp_after_sync")[1], native, rtol=1e-4)


def test_variants_start_from_a_state_that_keeps_its_atp(tiny, tools):
    # the published aged network comes to no rest; its tables hold the state it was relaxed to
    for variant, start in (("young", "steady"), ("corrected", "steady"), ("aged", "tables")):
        changes = tools["metabolism"](variant=variant, initial_state=start)
        folder = tiny(tools["quiet"], tools["duration"](300.0), changes, name=variant).computed()
        atp = folder.report("metabolism_atp_after_sync")[1]
        np.testing.assert_allclose(atp, atp[:1].repeat(len(atp), axis=0), rtol=0.002, err_msg=variant)
