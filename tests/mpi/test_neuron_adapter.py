"""The neuron adapter on two ranks with the real NEURON: reading, writing, windows, masks, calibration."""

import json
from dataclasses import replace

import numpy as np
import pytest

from mpi_coupling.clock import Clock
from mpi_coupling.world import World

pytestmark = pytest.mark.mpi

FARADAY = 96485.33212


@pytest.fixture(scope="module")
def neurons(tmp_path_factory):
    """The tiny circuit, advanced by nothing yet."""
    world = World.start()
    from multiscale_run.config import load_config
    from multiscale_run.setup_folder import CircuitRequest, write_simulation
    from multiscale_run.simulators.neurons import NeuronSimulator

    folder = world.broadcast(tmp_path_factory.mktemp("adapter") / "simulation")
    if world.is_root:
        request = CircuitRequest.from_options("tiny", None, None, 1, None)
        write_simulation(folder, request)
        file = folder / "simulation_config.json"
        settings = json.loads(file.read_text())
        settings["reports"] = {}
        file.write_text(json.dumps(settings))
    world.barrier()
    config = load_config(folder)
    config.output_dir.mkdir(exist_ok=True)
    simulator = NeuronSimulator(config, world, Clock.from_config(config.run.dt, config.run.tstop))
    simulator.config = config
    yield simulator
    simulator.close()


@pytest.fixture
def report_of():
    """Makes a report with the given settings; its recorder is taken off NEURON again at the end."""
    made = []

    def make(simulator, settings):
        from multiscale_run.simulators.neuron_reports import build_reports

        config = simulator.config
        times = {"start_time": 0.0, "end_time": 50.0, "dt": 1.0}
        asked = replace(config, raw={**config.raw, "reports": {"test": times | settings}})
        made.extend(build_reports(simulator, World.start(), asked))
        return made[-1]

    yield make
    made.clear()


@pytest.fixture
def fresh(neurons):
    neurons.alive.mask[:] = True
    neurons.restart()
    return neurons


def test_every_neuron_is_on_one_rank(neurons):
    world = World.start()
    ids = world.comm.allgather(neurons.alive.neuron_ids.tolist())
    assert sorted(i for part in ids for i in part) == list(range(10))
    assert all(part for part in ids)
    assert (np.diff(neurons.segments.owner) >= 0).all()


def test_reading_agrees_with_neuron_segment_by_segment(fresh):
    fresh.advance(40)
    for variable in ("v", "nai", "atpi", "ina"):
        values = fresh.get_var(var=variable, windowed=False).values
        assert values.tolist() == [getattr(segment, variable) for segment in fresh.segments.segments]


def test_written_values_reach_living_neurons_only(fresh):
    fresh.alive.mask[0] = False
    before = fresh.get_var(var="atpi").values
    fresh.set_var(np.full(len(fresh.alive.mask), 1.1), var="atpi")
    after = fresh.get_var(var="atpi").values
    first = fresh.segments.owner == 0
    assert (after[first] == before[first]).all() and (after[~first] == 1.1).all()


def test_windows_of_a_reader_add_up_to_the_charge_that_entered(fresh):
    """Sodium that entered in all windows = change of the pool: mass balance, whatever the windows."""
    start = fresh.get_var(var="nai").values
    charge = fresh.get_var(var="ina", weight="area", reader="test").values * 0
    for tick, length in ((40, 40), (200, 160), (2000, 1800), (4000, 2000)):
        fresh.advance(tick)
        charge += fresh.get_var(var="ina", weight="area", reader="test").values * length * 0.025
    gained = fresh.get_var(var="nai").values - start
    np.testing.assert_allclose(gained, -charge * 4e4 / (FARADAY * fresh.segments.diameter), rtol=1e-6, atol=1e-12)


def test_readers_have_windows_of_their_own(fresh):
    fresh.get_var(var="ik", reader="slow")
    fresh.get_var(var="ik", reader="quick")
    fresh.advance(400)
    first = fresh.get_var(var="ik", reader="quick").values
    fresh.advance(800)
    second = fresh.get_var(var="ik", reader="quick").values
    whole = fresh.get_var(var="ik", reader="slow").values
    np.testing.assert_allclose((first + second) / 2, whole, rtol=1e-9, atol=1e-15)


def test_a_window_of_no_length_is_the_present_value(fresh):
    fresh.advance(400)
    fresh.get_var(var="ina", reader="test")
    now = fresh.get_var(var="ina", reader="test").values
    assert (now == fresh.get_var(var="ina", windowed=False).values).all()


def test_restart_repeats_the_run_bit_for_bit(fresh):
    fresh.advance(4000)
    first = fresh.get_var(var="v").values
    fresh.restart()
    fresh.advance(4000)
    assert (fresh.get_var(var="v").values == first).all()


def test_matched_demand_equals_supply(fresh):
    from multiscale_run.simulators.resting_demand import atp_demand, match_resting_demand

    supply = np.linspace(0.01, 0.04, len(fresh.alive.mask))
    match_resting_demand(fresh, supply, World.start())
    np.testing.assert_allclose(atp_demand(fresh), supply, rtol=1e-6)
    atp = fresh.neuron_mean("atpi")
    fresh.advance(40)  # one millisecond, before the stimulus begins
    lost = (atp - fresh.neuron_mean("atpi")) / 1e-3
    np.testing.assert_allclose(lost, supply, rtol=0.01, err_msg="what the pools lose is what was matched")


def test_wrong_window_is_refused(fresh):
    from mpi_coupling.world import UserError

    with pytest.raises(UserError, match="'v' cannot be windowed; windowed variables: ina, ik, ica, icl"):
        fresh.get_var(var="v", windowed=True)


def test_a_misspelt_variable_is_refused(fresh):
    from mpi_coupling.world import UserError

    for call in (lambda: fresh.get_var(var="naj"), lambda: fresh.set_var(fresh.alive.mask * 1.0, var="naj")):
        with pytest.raises(UserError, match="no neuron has a variable 'naj'"):
            call()


def test_a_summation_report_is_the_current_of_the_whole_cell(fresh, report_of):
    """SONATA sums over the whole cell, wherever it says the value belongs; mA/cm2 times um2 is 1e-2 nA."""
    report = report_of(fresh, {"type": "summation", "variable_name": "ik", "unit": "nA", "sections": "soma"})
    fresh.restart()
    fresh.advance(400)
    ik = fresh.get_var(var="ik", windowed=False).values
    expected = 1e-2 * np.bincount(fresh.segments.owner, ik * fresh.segments.area)
    # the report samples at the start of each step, this test after the last one: sample once more
    report._sample()
    np.testing.assert_allclose(report._rows[-1], expected, rtol=1e-12)


def test_a_compartment_report_of_the_soma_is_its_centre(fresh, report_of):
    report = report_of(fresh, {"type": "compartment", "variable_name": "v", "unit": "mV"})
    fresh.restart()
    centre = (fresh.segments.sections == "soma") & fresh.segments.is_centre
    assert centre.sum() == len(fresh.alive.mask)
    np.testing.assert_array_equal(report._rows[0], fresh.get_var(var="v").values[centre])


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"type": "lfp"}, r"reports.test.type = 'lfp': reports of this type are not written"),
        ({"variable_name": "vv"}, r"reports.test.variable_name: no neuron has a variable 'vv'"),
        ({"start_time": 9e9}, r"reports.test.start_time = 9000000000.0: must be before end_time and run.tstop"),
    ],
)
def test_reports_that_cannot_be_written_are_refused(fresh, report_of, change, message):
    from mpi_coupling.world import UserError

    with pytest.raises(UserError, match=message):
        report_of(fresh, {"type": "compartment", "variable_name": "v", "unit": "mV"} | change)
