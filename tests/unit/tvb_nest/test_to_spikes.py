"""Rates, correlations and windows of the spike trains made for NEST."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from tvb_nest.transform.to_spikes import LAWS, RateToSpikes, bernoulli_cells, input_rates

DT = 0.1
SIX_SIGMA = 6


def counts(law, shared, n_neurons=20, windows=400, n_steps=20, rate=0.05, n_synapses=4.0, seed=3):
    """Spikes per neuron and window, (neurons, windows)."""
    make = RateToSpikes([n_neurons], n_synapses, shared, DT, seed, law)
    trains = [make(k * n_steps, np.full((n_steps, 1), rate))[0][0] for k in range(windows)]
    return np.stack([np.bincount(neurons, minlength=n_neurons) for neurons in trains], axis=1)


@pytest.mark.parametrize("law", LAWS)
@pytest.mark.parametrize("shared", [0.0, 0.01, 0.3, 1.0])
def test_mean_and_variance_of_a_train_are_those_of_poisson(law, shared):
    n_neurons, windows, mean = 20, 400, 0.05 * 4.0 * 20 * DT
    found = counts(law, shared)
    # the mean over correlated neurons is less certain than over independent ones
    error = np.sqrt(mean / windows * (1 + (n_neurons - 1) * shared) / n_neurons)
    assert abs(found.mean() - mean) < SIX_SIGMA * error
    variance = found.var(axis=1, ddof=1).mean()
    effective = windows * n_neurons / (1 + (n_neurons - 1) * shared)
    assert abs(variance - mean) < SIX_SIGMA * np.sqrt((mean + 2 * mean**2) / effective)


@pytest.mark.parametrize("law", LAWS)
@pytest.mark.parametrize("shared", [0.0, 0.1, 0.5, 0.9])
def test_correlation_of_two_trains_is_the_shared_percentage(law, shared):
    found = np.corrcoef(counts(law, shared, windows=4000))
    pairs = found[np.triu_indices(len(found), 1)]
    assert pairs.mean() == pytest.approx(shared, abs=0.025)
    assert pairs.std() < 0.05  # all pairs alike


@pytest.mark.parametrize("law", LAWS)
def test_all_or_nothing(law):
    (neurons, times), *_ = RateToSpikes([7], 10.0, 1.0, DT, 1, law)(0, np.full((50, 1), 0.5))
    trains = [times[neurons == neuron] for neuron in range(7)]
    assert len(trains[0]) > 10
    for train in trains[1:]:
        assert_array_equal(train, trains[0])


@pytest.mark.parametrize(("law", "sizes"), [("sip", {1, 20}), ("mip", set(range(2, 20)))])
def test_higher_orders_tell_the_laws_apart(law, sizes):
    """How many of 20 neurons fire together: one or all in SIP, a binomial number in MIP."""
    times = RateToSpikes([20], 1.0, 0.5, DT, 5, law)(0, np.full((50_000, 1), 1e-2))[0][1]
    found, frequency = np.unique(np.unique(np.rint(times / DT), return_counts=True)[1], return_counts=True)
    usual = set(found[frequency > 0.01 * frequency.sum()].tolist())
    assert usual <= sizes
    assert max(usual) > 12


@pytest.mark.parametrize("law", LAWS)
def test_windows_are_complete_and_on_the_grid(law):
    start, n_steps, rate = 700, 35, 0.2
    make = RateToSpikes([200], 5.0, 0.1, DT, 11, law)
    steps = []
    for _ in range(60):
        neurons, times = make(start, np.full((n_steps, 1), rate))[0]
        assert np.all(np.diff(neurons) >= 0)
        same = np.diff(neurons) == 0
        assert np.all(np.diff(times)[same] >= 0)
        steps.append(times / DT - start)
    steps = np.concatenate(steps)
    assert_allclose(steps, np.rint(steps), atol=1e-9)
    histogram = np.bincount(np.rint(steps).astype(int), minlength=n_steps + 1)
    assert histogram[0] == 0 and len(histogram) == n_steps + 1
    expected = 200 * 5.0 * rate * DT * 60
    # each step, the last too, has its share; the correlation of neurons widens the bounds
    assert_allclose(histogram[1:], expected, atol=SIX_SIGMA * np.sqrt(expected * (1 + 199 * 0.1)))


@pytest.mark.parametrize("law", LAWS)
def test_a_changing_rate_is_followed_step_by_step(law):
    rates = np.array([0.0, 0.4, 0.0, 0.1, 0.0])[:, np.newaxis]
    make = RateToSpikes([500], 3.0, 0.05, DT, 2, law)
    histogram = np.zeros(5)
    for _ in range(200):
        histogram += np.bincount(np.rint(make(0, rates)[0][1] / DT).astype(int) - 1, minlength=5)
    expected = rates[:, 0] * 3.0 * DT * 500 * 200
    assert_array_equal(histogram[[0, 2, 4]], 0)
    assert_allclose(histogram, expected, atol=SIX_SIGMA * np.sqrt(expected.max() * (1 + 499 * 0.05)))


def test_regions_have_independent_streams():
    rates = np.full((100, 2), 0.05)
    both = RateToSpikes([50, 50], 10.0, 0.2, DT, 8)(0, rates)
    assert not np.array_equal(both[0][1], both[1][1])
    # what the first region draws does not depend on the others
    alone = RateToSpikes([50], 10.0, 0.2, DT, 8)(0, rates[:, :1])
    silent = RateToSpikes([50, 50], 10.0, 0.2, DT, 8)(0, rates * [1, 0])
    for other in (alone, silent):
        assert_array_equal(other[0][0], both[0][0])
        assert_array_equal(other[0][1], both[0][1])
    many = RateToSpikes([20, 20], 4.0, 0.5, DT, 9)
    totals = np.array([[len(train[0]) for train in many(0, np.full((20, 2), 0.05))] for _ in range(2000)])
    assert abs(np.corrcoef(totals.T)[0, 1]) < SIX_SIGMA / np.sqrt(2000)


def test_same_seed_same_spikes_and_checkpoint():
    rates = np.full((20, 1), 0.1)
    one, two = (RateToSpikes([30], 10.0, 0.1, DT, 4) for _ in range(2))
    assert_array_equal(one(0, rates)[0][0], two(0, rates)[0][0])
    saved = one.state()
    expected = one(20, rates)
    two.restore(saved)
    assert_array_equal(two(20, rates)[0][1], expected[0][1])


def test_silence():
    neurons, times = RateToSpikes([10], 5.0, 0.5, DT, 0)(0, np.zeros((20, 1)))[0]
    assert len(neurons) == len(times) == 0


@pytest.mark.parametrize("rate", [-0.1, np.nan, np.inf])
def test_impossible_rates_are_refused(rate):
    with pytest.raises(ValueError, match="region 1 is negative or not a number"):
        RateToSpikes([10, 10], 5.0, 0.5, DT, 0)(0, np.array([[0.1, rate]]))


def test_impossible_settings_are_refused():
    with pytest.raises(ValueError, match="from 0 to 1"):
        RateToSpikes([10], 5.0, 1.5, DT, 0)
    with pytest.raises(ValueError, match="choose from mip, sip"):
        RateToSpikes([10], 5.0, 0.5, DT, 0, "xip")


@pytest.mark.parametrize("probability", [1e-5, 0.02, 0.5, 1.0])
def test_bernoulli_cells_are_independent_trials(probability):
    rng = np.random.default_rng(1)
    n_cells, runs = 1000, 300
    hits = np.zeros(n_cells)
    for _ in range(runs):
        cells = bernoulli_cells(n_cells, probability, rng)
        assert np.all(np.diff(cells) > 0)
        hits[cells] += 1
    total, expected = hits.sum(), n_cells * runs * probability
    assert abs(total - expected) <= SIX_SIGMA * np.sqrt(expected * (1 - probability))
    halves = hits[: n_cells // 2].sum(), hits[n_cells // 2 :].sum()  # the end is as likely as the beginning
    assert abs(halves[0] - halves[1]) <= SIX_SIGMA * np.sqrt(expected * (1 - probability))


def test_bernoulli_cells_of_nothing():
    assert len(bernoulli_cells(0, 0.5, np.random.default_rng(0))) == 0


def test_input_rates_are_in_hertz():
    assert_allclose(input_rates(np.array([[0.01]]), 115), [[1150.0]])
