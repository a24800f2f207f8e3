"""The rate that the mean field gets from spikes, and the saved histograms."""

from functools import partial

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from tvb_nest.transform.saving import HistogramSaver
from tvb_nest.transform.to_rates import SlidingMean, spike_histogram

DT, N = 0.1, 80
WINDOWS = (20, 35, 1, 44)


def spikes_of(n_steps, seed=0, mean=3.0):
    """Spike times of a run and their number in each step."""
    numbers = np.random.default_rng(seed).poisson(mean, n_steps)
    return np.repeat(np.arange(1, n_steps + 1), numbers) * DT, numbers


def in_windows(times, windows):
    """(start step, number of steps, spikes) of each window."""
    steps, start = np.rint(times / DT).astype(int), 0
    for n_steps in windows:
        yield start, n_steps, times[(steps > start) & (steps <= start + n_steps)]
        start += n_steps


def direct_mean(numbers, width, initial, lag=0):
    """The formula, step by step: spikes per neuron and ms in (t - width, t]."""
    past = np.concatenate([np.full(width + lag, initial * N * DT), numbers])
    return np.array([past[i + 1 : i + 1 + width].sum() / (width * DT * N) for i in range(len(numbers))])


@pytest.mark.parametrize("compat_upstream", [False, True])
@pytest.mark.parametrize("width", [DT, 2.0, 20.0])
@pytest.mark.parametrize("initial", [0.0, 0.005])
def test_sliding_mean_is_the_direct_formula(width, initial, compat_upstream):
    times, numbers = spikes_of(sum(WINDOWS))
    mean = SlidingMean([N], width, DT, initial, compat_upstream)
    found = np.concatenate([mean(start, n, [spikes]) for start, n, spikes in in_windows(times, WINDOWS)])
    expected = direct_mean(numbers, round(width / DT), initial, int(compat_upstream))
    assert_allclose(found[:, 0], expected, rtol=1e-12)


def test_sliding_mean_is_causal():
    mean = SlidingMean([N], 1.0, DT)
    rates = mean(0, 30, [np.array([1.0])])[:, 0]  # one spike, in step 10
    assert_array_equal(np.flatnonzero(rates), np.arange(9, 19))
    assert_allclose(rates[9:19], 1 / (N * 1.0))


def test_regions_do_not_mix():
    times = [spikes_of(50, seed)[0] for seed in (1, 2)]
    both = SlidingMean([N, 2 * N], 2.0, DT)(0, 50, times)
    for region, size in enumerate((N, 2 * N)):
        assert_array_equal(both[:, region], SlidingMean([size], 2.0, DT)(0, 50, [times[region]])[:, 0])


def test_order_of_spikes_does_not_matter():
    times, _ = spikes_of(50)
    shuffled = np.random.default_rng(3).permutation(times)
    assert_array_equal(SlidingMean([N], 2.0, DT)(0, 50, [times]), SlidingMean([N], 2.0, DT)(0, 50, [shuffled]))


@pytest.mark.parametrize(
    ("start", "rounding"),
    [(0, np.asarray), (7, np.asarray), (12_345_678, np.asarray), (12_345_678, partial(np.round, decimals=3))]
    + [(12_345_678, lambda times, end=end: np.nextafter(times, end)) for end in (0, np.inf)]
    + [(7, np.float32)],
)
def test_bins_are_exact_however_times_are_rounded(start, rounding):
    steps = start + np.arange(1, 101)
    for times in (steps * DT, steps / 10, np.cumsum(np.full(100, DT)) + start * DT):
        assert_array_equal(spike_histogram(rounding(times), start, 100, DT), 1)


def test_spikes_outside_the_window_are_refused():
    for time in (2.0, 4.1):  # the window is (2, 4] ms
        with pytest.raises(ValueError, match=r"window \(2, 4\] ms"):
            spike_histogram(np.array([3.0, time]), 20, 20, DT)
    with pytest.raises(ValueError, match="ended at 20"):
        mean = SlidingMean([N], 2.0, DT)
        mean(0, 20, [np.empty(0)])
        mean(40, 20, [np.empty(0)])


def test_sliding_mean_refuses_what_has_no_rate():
    with pytest.raises(ValueError, match="shorter than a time step"):
        SlidingMean([N], 0.01, DT)
    with pytest.raises(ValueError, match="without excitatory neurons"):
        SlidingMean([N, 0], 2.0, DT)


def test_sliding_mean_continues_from_a_checkpoint():
    times, _ = spikes_of(60)
    (first, second) = in_windows(times, (30, 30))
    whole, resumed = SlidingMean([N], 2.0, DT, 0.01), SlidingMean([N], 2.0, DT)
    whole(*first[:2], [first[2]])
    resumed.restore(whole.state())
    assert_array_equal(resumed(*second[:2], [second[2]]), whole(*second[:2], [second[2]]))


@pytest.mark.parametrize(("save_step", "files"), [(0, [4]), (1, [1, 2, 3, 4]), (3, [3, 4]), (2, [2, 4])])
def test_saved_histograms_are_those_of_the_spikes(tmp_path, save_step, files):
    times, numbers = spikes_of(sum(WINDOWS))
    with HistogramSaver(tmp_path / "save", "2001", save_step, DT) as saver:
        for start, n_steps, spikes in in_windows(times, WINDOWS):
            saver.add(start, n_steps, spikes)
    names = [tmp_path / "save" / f"2001_{windows}.npy" for windows in files]
    assert sorted((tmp_path / "save").iterdir()) == sorted(names)
    saved = [np.load(name) for name in names]
    assert_array_equal(np.concatenate(saved), numbers[:, np.newaxis])


def test_negative_save_step_is_refused(tmp_path):
    with pytest.raises(ValueError, match="0 or more"):
        HistogramSaver(tmp_path, "x", -1, DT)
