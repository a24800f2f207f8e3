"""Whatever computes a brain: proxies change nothing but where their rate comes from, and pieces do not matter."""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace

import numpy as np
import pytest

from mpi_coupling import UserError
from tvb_nest.tvb_side.brain import Brain

Maker = Callable[..., Brain]
STEPS = 60


@pytest.fixture(scope="module")
def plain() -> dict:
    """Trajectories without proxies, by order and kind."""
    return {}


def plain_run(plain: dict, brain: Maker, order: int) -> np.ndarray:
    made = brain(order)
    key = (type(made).__name__, order)
    if key not in plain:
        plain[key] = made.run(STEPS)
    return plain[key]


def exchange_window(small: SimpleNamespace) -> int:
    return small.connectome.window(small.spiking, small.integrator.dt)


@pytest.mark.parametrize("order", [1, 2])
@pytest.mark.parametrize("window", [1, 2, 5, "window", STEPS])
def test_proxies_that_replay_the_brain_change_nothing(
    brain: Maker, small: SimpleNamespace, plain: dict, order: int, window: int | str
) -> None:
    expected = plain_run(plain, brain, order)
    rates = expected[:, 0, small.spiking]
    window = exchange_window(small) if window == "window" else window
    replay = brain(order, small.spiking)
    states = np.concatenate([replay.run(len(piece), piece) for piece in pieces(rates, window)])
    others = np.setdiff1d(np.arange(small.connectome.n_regions), small.spiking)
    assert np.abs(states[:, :, others] - expected[:, :, others]).max() <= 1e-10
    assert np.array_equal(states[:, 0, small.spiking], rates)
    assert np.isnan(states[:, 1:, small.spiking]).all()


def pieces(rates: np.ndarray, window: int) -> list[np.ndarray]:
    return [rates[k : k + window] for k in range(0, len(rates), window)]


@pytest.mark.parametrize("order", [1, 2])
def test_rates_may_follow_a_window_later(brain: Maker, small: SimpleNamespace, plain: dict, order: int) -> None:
    """Both simulators compute the same window at the same time, and exchange after it."""
    expected = plain_run(plain, brain, order)
    rates = expected[:, 0, small.spiking]
    window = exchange_window(small)
    late, own = brain(order, small.spiking), []
    for piece in pieces(rates, window):
        own.append(late.run(len(piece)))
        assert np.isnan(own[-1][:, :, small.spiking]).all()
        late.supply(piece[:2])  # in parts
        late.supply(piece[2:])
    others = np.setdiff1d(np.arange(small.connectome.n_regions), small.spiking)
    assert np.abs(np.concatenate(own)[:, :, others] - expected[:, :, others]).max() <= 1e-10


def test_rates_reach_other_regions_after_the_delay_and_not_before(brain: Maker, small: SimpleNamespace) -> None:
    """A jump of one proxy shows in a region one delay and the step that reads it later, as between regions."""
    source = 1
    delays = small.connectome.delays(small.integrator.dt)
    quiet, jump = np.full((40, 2), 0.005), np.full((40, 2), 0.005)
    jump[9:, 0] = 0.05  # from step 10 on
    difference = brain(1, small.spiking).run(40, jump) != brain(1, small.spiking).run(40, quiet)
    for region in np.flatnonzero(small.connectome.weights[:, source]):
        if region not in small.spiking:
            first = int(np.argmax(difference[:, 0, region])) + 1
            direct = 10 + delays[region, source] + 1
            assert first <= direct
            if all(not small.connectome.weights[region, k] for k in range(7) if k != source):
                assert first == direct
    earliest = int(np.argmax(np.delete(difference, small.spiking, axis=2).any(axis=(1, 2)))) + 1
    heard = small.connectome.weights[:, source] != 0
    heard[list(small.spiking)] = False
    assert earliest == 10 + delays[heard, source].min() + 1


def direct_coupling(
    small: SimpleNamespace, E: np.ndarray, past: np.ndarray, first: int, n: int, drop: bool
) -> np.ndarray:
    """a sum_j w_ij E_j(s - 1 - d_ij) for steps s, written out; row k of E is step k + 1."""
    weights, delays = small.connectome.weights, small.connectome.delays(small.integrator.dt)
    result = np.zeros((n, len(small.spiking)))
    for k in range(n):
        for q, target in enumerate(small.spiking):
            for source in range(len(weights)):
                if drop and source in small.spiking:
                    continue
                step = first + k - 1 - delays[target, source]
                result[k, q] += weights[target, source] * (E[step - 1, source] if step > 0 else past[source])
    return small.coupling * result


@pytest.mark.parametrize("compat_upstream", [False, True])
def test_coupling_into_proxies(brain: Maker, small: SimpleNamespace, compat_upstream: bool) -> None:
    window = small.connectome.window(small.spiking, small.integrator.dt, among_spiking=True)
    made = brain(2, small.spiking, compat_upstream=compat_upstream)
    past = small.start(SimpleNamespace(state_variables=made.state_variables), 7)[0]
    rates = np.random.default_rng(5).uniform(0, 0.03, (8 * window, 2))
    E = np.empty((0, 7))
    for piece in pieces(rates, window):
        ahead = made.coupling_into_proxies(window)
        expected = direct_coupling(small, E, past, made.step + 1, window, drop=not compat_upstream)
        np.testing.assert_allclose(ahead, expected, rtol=1e-6)  # single precision in the library
        E = np.concatenate([E, made.run(window, piece)[:, 0]])


def test_sources_of_proxies_are_connected_in_the_test(small: SimpleNamespace) -> None:
    """Otherwise leaving them out would not be seen."""
    assert small.connectome.weights[np.ix_(small.spiking, small.spiking)].any()


@pytest.mark.parametrize("order", [1, 2])
def test_pieces_do_not_matter(brain: Maker, small: SimpleNamespace, order: int) -> None:
    rates = np.random.default_rng(5).uniform(0, 0.03, (STEPS, 2))
    whole = brain(order, small.spiking).run(STEPS, rates)
    made = brain(order, small.spiking)
    cut = np.split(rates, [1, 3, 20, 21, 50])
    assert np.array_equal(np.concatenate([made.run(len(piece), piece) for piece in cut]), whole, equal_nan=True)


@pytest.mark.parametrize("spiking", [(), (1, 4)])
def test_state_and_restore(brain: Maker, spiking: tuple[int, ...]) -> None:
    rates = np.random.default_rng(5).uniform(0, 0.03, (STEPS, len(spiking)))
    first, second = brain(2, spiking), brain(2, spiking)
    first.run(23, rates[:23])
    saved = {name: array.copy() for name, array in first.state().items()}
    rest = first.run(STEPS - 23, rates[23:])
    second.restore(saved)
    assert second.step == 23
    assert np.array_equal(second.run(STEPS - 23, rates[23:]), rest, equal_nan=True)
    first.restore(saved)
    assert np.array_equal(first.run(STEPS - 23, rates[23:]), rest, equal_nan=True)
    assert np.array_equal(first.coupling_into_proxies(3), second.coupling_into_proxies(3))


def test_state_between_run_and_supply(brain: Maker, small: SimpleNamespace) -> None:
    rates = np.random.default_rng(5).uniform(0, 0.03, (10, 2))
    first, second = brain(2, small.spiking), brain(2, small.spiking)
    first.run(5)
    second.restore(first.state())
    for made in (first, second):
        made.supply(rates[:5])
    assert np.array_equal(first.run(5, rates[5:]), second.run(5, rates[5:]), equal_nan=True)


def test_state_of_another_brain_is_refused(brain: Maker) -> None:
    with pytest.raises(UserError, match="the saved state does not fit"):
        brain(2).restore(brain(1).state())


def test_how_far_ahead_and_behind_things_may_be(brain: Maker, small: SimpleNamespace, plain: dict) -> None:
    """A step reads rates one delay before the step ahead of it: the delay and one step more are possible."""
    weights, delays = small.connectome.weights, small.connectome.delays(small.integrator.dt)
    is_proxy = np.isin(np.arange(len(weights)), small.spiking)
    heard = delays[(weights != 0) & is_proxy[:, None] & ~is_proxy].min() + 1
    needed = delays[(weights != 0) & is_proxy & ~is_proxy[:, None]].min() + 1
    made = brain(1, small.spiking)
    assert made.coupling_into_proxies(heard).shape == (heard, 2)
    with pytest.raises(ValueError, match="not known yet"):
        made.coupling_into_proxies(heard + 1)
    with pytest.raises(ValueError, match="need rates of the proxies after step 0"):
        made.run(needed + 1)
    expected = plain_run(plain, brain, 1)
    states = made.run(needed)
    assert np.abs(states[:, :, ~is_proxy] - expected[:needed][:, :, ~is_proxy]).max() <= 1e-10
    made.supply(expected[: needed - 1, 0, small.spiking])
    with pytest.raises(ValueError, match=f"need rates of the proxies after step {needed - 1}"):
        made.run(needed)
    made.run(needed - 1)


def test_what_is_not_known_is_not_used(brain: Maker, small: SimpleNamespace) -> None:
    made = brain(1, small.spiking)
    window = exchange_window(small)
    with pytest.raises(ValueError, match="depends on activity that is not known yet"):
        made.coupling_into_proxies(STEPS)
    with pytest.raises(ValueError, match=f"steps to {STEPS} need rates of the proxies after step 0"):
        made.run(STEPS)
    made.run(window)
    with pytest.raises(ValueError, match=f"rates of steps 1 to {window} are still missing"):
        made.run(1, np.zeros((1, 2)))
    with pytest.raises(ValueError, match=f"but step {window} is the last"):
        made.supply(np.zeros((window + 1, 2)))
    with pytest.raises(ValueError, match=r"rates have shape \(1, 3\), must have \(1, 2\)"):
        made.supply(np.zeros((1, 3)))
    with pytest.raises(ValueError, match="must be finite"):
        made.supply(np.full((1, 2), np.nan))
    with pytest.raises(ValueError, match="at least 1"):
        made.run(0)
