"""Populations, synapses, devices and own models as NEST made them."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

DT = 0.1
SIX_SIGMA = 6


@pytest.mark.parametrize("threads", [1, 2])
def test_synapses_between_regions(scenario, threads):
    """Region 2 hears region 0: 40 * 0.25 synapses per neuron, 3.4 mm / (2 mm/ms) = 1.7 ms; nobody else does."""
    found = scenario("links", threads=threads)
    steps = np.rint(found["times"] / DT).astype(int)
    for region in (0, 1, 2):
        own = (found["regions"] == region) & (steps == 6)  # its own neurons, one delay after the given spikes
        assert_array_equal(found["neurons"][own], np.arange(40))
    others = steps != 6
    assert_array_equal(found["regions"][others], 2)
    assert_array_equal(steps[others], 6 + 17)
    assert others.sum() == 50 * 40 * 0.25
    assert found["neurons"][others].max() >= 40  # inhibitory neurons get them too


def test_synapses_inside_a_region(scenario):
    """A fixed in-degree, p_connect times the size of the population; all come after the local delay."""
    found = scenario("inside", p_connect=0.1)
    steps = np.rint(found["times"] / DT).astype(int)
    assert_array_equal(found["neurons"][steps == 15], np.arange(40))
    assert set(steps.tolist()) == {15, 25}
    assert_array_equal(np.bincount(found["neurons"][steps == 25], minlength=50), 4)


def test_distributed_values(scenario):
    found = scenario("values", seed=3, threads=1)
    expected = {
        "excitatory I_e": (20.0, 3.0),
        "excitatory V_m": (-64.5, 4.0),
        "excitatory w": (6.0, 6.0),
        "inhibitory I_e": (20.0, 3.0),
        "inhibitory V_m": (-65.0, 4.0),
        "inhibitory w": (0.0, 0.0),
    }
    for name, (mean, spread) in expected.items():
        values = found[f"1 {name}"]
        assert len(values) == (1600 if name.startswith("exc") else 400)
        assert_allclose(values.mean(), mean, atol=SIX_SIGMA * spread / np.sqrt(len(values)))
        assert_allclose(values.std(), spread, rtol=SIX_SIGMA / np.sqrt(2 * len(values)))
    assert not np.array_equal(found["0 excitatory V_m"], found["1 excitatory V_m"])


def test_distributed_values_depend_on_the_seed_alone(scenario):
    one, two, other = (scenario("values", seed=s, threads=n) for s, n in ((3, 1), (3, 2), (4, 1)))
    for name, values in one.items():
        assert_array_equal(values, two[name])
        if not name.endswith("inhibitory w"):
            assert not np.array_equal(values, other[name])


def test_current_step(scenario):
    """100 pA in (5, 15] ms, felt one step later, charge a leaky neuron of 40 MOhm and 10 ms."""
    potentials = scenario("current_step", kind="stimulus")["V_m"]
    times = np.arange(1, 301) * DT - DT
    charged = 4.0 * (1 - np.exp(-(np.clip(times, 5, 15) - 5) / 10.0)) * np.exp(-np.maximum(times - 15, 0) / 10.0)
    assert_allclose(potentials[:, 1, 8:], -70 + np.repeat(charged[:, np.newaxis], 2, axis=1), atol=1e-9)
    assert_array_equal(potentials[:, 0], -70)  # the other region
    assert_array_equal(potentials[:, 1, :8], -70)  # the other population


def test_constant_current(scenario):
    potentials = scenario("current_step", kind="dc")["V_m"]
    times = np.arange(1, 301) * DT - DT
    expected = -70 + 4.0 * (1 - np.exp(-np.maximum(times - DT, 0) / 10.0))
    assert_allclose(potentials, np.broadcast_to(expected[:, np.newaxis, np.newaxis], potentials.shape), atol=1e-9)


OWN = """
def kernel(settings):
    return settings | {"resolution": 0.1, "print_time": False}

def populations(nest, parameters, region):
    return {"excitatory": nest.Create("parrot_neuron", 2 + region), "third kind": nest.Create("parrot_neuron", 3)}

def connections(nest, parameters, region, populations):
    nest.Connect(populations["excitatory"][0], populations["third kind"], syn_spec={"delay": 0.4})

def devices(nest, parameters, populations):
    recorder = nest.Create("spike_recorder")
    nest.Connect(populations[6]["third kind"], recorder)
    return {"thirds": recorder}

def simulate(nest, parameters, start, stop):
    with open("FOLDER/windows", "a") as file:
        file.write(f"{start:.1f} {stop:.1f}\\n")
"""


def test_own_model(scenario, tmp_path):
    (tmp_path / "own.py").write_text(OWN.replace("FOLDER", str(tmp_path)))
    found = scenario("own_model", folder=str(tmp_path))
    assert found["sizes"].tolist() == [7, 11]
    assert (tmp_path / "windows").read_text() == "0.0 1.0\n1.0 2.0\n"
    excitatory = found["neurons"] < 2
    assert_allclose(found["times"][excitatory], np.repeat([0.3, 1.3], 4))
    table = next((tmp_path / "nest").glob("thirds-*.dat")).read_text().splitlines()[3:]
    assert [line.split("\t")[1] for line in table] == ["0.700"] * 3 + ["1.700"] * 3
    first = 1 + 4 + 3 + 8  # the third kind of region 6 follows both populations of region 2 and its own first
    assert [int(line.split("\t")[0]) for line in table] == [first, first + 1, first + 2] * 2
    lines = (tmp_path / "nest" / "population_GIDs.dat").read_text().splitlines()
    assert lines == ["0  4 excitatory", "7  15 excitatory", "4  7 third kind", "15  18 third kind"]
    assert (tmp_path / "nest" / "labels.csv").read_text() == "label,type of data\nthirds,spikes\n"
