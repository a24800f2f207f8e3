"""Both translations together, shared among ranks, and trains as rows of numbers."""

from __future__ import annotations

import numpy as np
import pytest

from tvb_nest.transform.plugins import TransformSettings, make_to_nest, make_to_tvb
from tvb_nest.transform.translator import Translator, pack_train, unpack_train

SIZES, EXCITATORY = (20, 30, 25), (16, 24, 20)


def translator(*positions: int) -> Translator:
    sizes, excitatory = ([values[k] for k in positions] for values in (SIZES, EXCITATORY))
    settings = TransformSettings(tuple(sizes), tuple(excitatory), positions, 50, 0.1, 20.0, 0.1, 4)
    return Translator(make_to_nest("mip", settings), make_to_tvb("sliding_mean", settings))


def test_ranks_that_share_the_regions_draw_the_same_spikes() -> None:
    rates = np.random.default_rng(0).uniform(-1e-3, 2e-2, (20, 3))
    together, parts = translator(0, 1, 2), {(0, 2): translator(0, 2), (1,): translator(1)}
    for start in (0, 20):
        expected = together.spikes(start, rates)
        assert sum(len(times) for _, times in expected) > 30
        for positions, part in parts.items():
            for position, train in zip(positions, part.spikes(start, rates[:, positions]), strict=True):
                np.testing.assert_array_equal(train, expected[position])


def test_ranks_that_share_the_regions_find_the_same_rates() -> None:
    times = [np.array([0.1, 1.5]), np.array([2.0]), np.empty(0)]
    expected = translator(0, 1, 2).rates(0, 20, times)
    np.testing.assert_array_equal(translator(1).rates(0, 20, times[1:2]), expected[:, 1:2])
    assert expected[-1, 0] == pytest.approx(2 / (16 * 20.0))


def test_a_train_survives_as_a_row() -> None:
    neurons = np.array([0, 0, 0, 2, 2, 9])
    times = np.array([10.1, 10.1, 12.0, 10.3, 11.9, 12.0])
    row = pack_train((neurons, times), 100, 20, 0.1)
    assert row.dtype == np.float64 and len(row) == 2 * 5
    found_neurons, found_times = unpack_train(row, 100, 20, 0.1)
    np.testing.assert_array_equal(found_neurons, neurons)
    np.testing.assert_allclose(found_times, times, rtol=1e-14)


def test_an_empty_train_survives() -> None:
    nothing = np.empty(0, dtype=np.int64), np.empty(0)
    neurons, times = unpack_train(pack_train(nothing, 0, 5, 0.1), 0, 5, 0.1)
    assert len(neurons) == len(times) == 0


@pytest.mark.parametrize("time", [10.0, 12.1])
def test_a_spike_outside_the_window_is_refused(time: float) -> None:
    with pytest.raises(ValueError, match=r"spikes must lie in \(10, 12\] ms"):
        pack_train((np.array([1]), np.array([time])), 100, 20, 0.1)
