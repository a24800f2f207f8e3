"""Roles and channels between ranks of the launcher: rank 0 plays the source, the others the destination."""

from __future__ import annotations

import os
import time
from dataclasses import replace

import numpy as np
import pytest

from mpi_coupling import ChannelError, End, Events, Groups, PeerSilent, Role, Signal, UserError, Window, World, connect
from mpi_coupling.groups import ROLE_VARIABLE

pytestmark = pytest.mark.mpi(min_size=2)

PLAN = [Role("source", 1, 1), Role("destination", 1, None)]
SIGNAL = Signal("rate", unit="Hz", shape=(5,), window=4)


@pytest.fixture(scope="module")
def world() -> World:
    return World.start()


@pytest.fixture
def role(world: World) -> str:
    return "source" if world.is_root else "destination"


@pytest.fixture
def groups(role: str) -> Groups:
    return Groups.join(PLAN, role)


def spin(seconds: float) -> None:
    """Computes without giving MPI a chance."""
    end = time.perf_counter() + seconds
    while time.perf_counter() < end:
        pass


def window(k: int, signal: Signal = SIGNAL) -> Window:
    shape = (signal.window, *signal.shape)
    return Window(k * signal.window, (k + 1) * signal.window, np.random.default_rng(k).normal(size=shape))


def test_roles(world: World, groups: Groups, role: str) -> None:
    assert groups.role == groups.group.role == role and groups.plays(role)
    assert groups.members == {"source": (0,), "destination": tuple(range(1, world.size))}
    assert groups.group.size == len(groups.members[role]) and groups.group.job is groups.job


def test_roles_by_the_environment_and_dealt(world: World, role: str) -> None:
    os.environ[ROLE_VARIABLE] = role
    assert Groups.join(PLAN).role == role
    del os.environ[ROLE_VARIABLE]
    assert Groups.join(PLAN, one_program=True).role == role


@pytest.mark.parametrize(
    ("roles", "text"),
    [
        (["source", "source"], r"the role source is played by ranks 0 and 1.*, but 1 rank can play it; .*nobody"),
        (["source", "sink"], r"rank 1 has the unknown role 'sink'.*; the role destination is played by nobody"),
        (["source", None], "rank 1 has no role"),
        (["destination", "destination"], "the role source is played by nobody"),
    ],
)
def test_wrong_roles_fail_on_every_rank(world: World, roles: list[str | None], text: str) -> None:
    with pytest.raises(UserError, match=text) as caught:
        Groups.join(PLAN, roles[min(world.rank, 1)])
    assert len(set(world.comm.allgather(str(caught.value)))) == 1


def test_different_plans_fail_on_every_rank(world: World, role: str) -> None:
    with pytest.raises(UserError, match=r"rank 0 plans the roles source .*, rank 1 destination"):
        Groups.join(PLAN if world.is_root else PLAN[1:], role)


@pytest.mark.parametrize("items", [5, 76, 4000])  # one piece, several, and pieces above the eager limit
def test_windows_arrive_in_order_and_bit_for_bit(groups: Groups, items: int) -> None:
    signal = replace(SIGNAL, shape=(items,), window=20)
    channel = connect(groups, signal, "source", "destination", deadline=20)
    if groups.plays("source"):
        with channel.sender as sender:
            for k in range(20):
                sent = window(k, signal)
                sender.send(sent)
                sent.values[:] = np.nan  # the array may be used again
            sender.send(Window(400, 403, np.ones((3, items))))  # the last window is shorter
    else:
        for k in range(20):
            received = channel.receiver.receive(stop=20 * (k + 1))
            np.testing.assert_array_equal(received.values, window(k, signal).values)
        assert channel.receiver.receive().values.shape == (3, items)
        with pytest.raises(End):
            channel.receiver.receive()
    groups.finish()


def test_items_shared_among_the_ranks(world: World, groups: Groups) -> None:
    signal = replace(SIGNAL, shape=(5, 2))
    receivers = world.size - 1
    wanted = np.arange(5)[::-1][(world.rank - 1) % receivers :: receivers]
    channel = connect(groups, signal, "source", "destination", owned=[4, 1, 0, 2, 3], wanted=wanted, deadline=20)
    values = np.arange(10.0).reshape(1, 5, 2)
    if groups.plays("source"):
        channel.sender.send(Window(0, 1, values[:, [4, 1, 0, 2, 3]]))
        channel.sender.close()
    else:
        np.testing.assert_array_equal(channel.receiver.receive().values, values[:, wanted])
        channel.receiver.close()
    groups.finish()


@pytest.mark.parametrize("most", [3, 3000])  # one piece, and pieces above the eager limit
def test_events_arrive_bit_for_bit(world: World, groups: Groups, most: int) -> None:
    signal = Events("spikes", unit="ms", shape=(4,), window=5, most=most)
    wanted = np.arange(4)[(world.rank - 1) % (world.size - 1) :: world.size - 1]

    def rows(k: int) -> list[np.ndarray]:
        rng = np.random.default_rng(k)
        return [rng.normal(size=size) for size in (0, most, *rng.integers(0, most, 2))]

    channel = connect(groups, signal, "source", "destination", wanted=wanted, deadline=20)
    if groups.plays("source"):
        with channel.sender as sender:
            for k in range(10):
                sent = rows(k)
                sender.send(Window(5 * k, 5 * k + 5, sent))
                for row in sent:
                    row[:] = np.nan  # the arrays may be used again
    else:
        for k, received in enumerate(channel.receiver):
            for item, row in zip(wanted, received.values, strict=True):
                np.testing.assert_array_equal(row, rows(k)[item])
        assert k == 9
    groups.finish()


def test_values_and_events_do_not_fit_each_other(groups: Groups) -> None:
    signal = SIGNAL if groups.plays("source") else Events("rate", unit="Hz", shape=(5,), window=4, most=7)
    with pytest.raises(UserError, match="most is 7 for destination, None for source"):
        connect(groups, signal, "source", "destination", deadline=20)


def test_a_rank_that_wants_nothing_knows_the_time_and_the_end(groups: Groups) -> None:
    channel = connect(groups, SIGNAL, "source", "destination", wanted=[], deadline=20)
    if groups.plays("source"):
        with channel.sender as sender:
            sender.send(window(0))
    else:
        assert [(each.stop, each.values.shape) for each in channel.receiver] == [(4, (4, 0))]
    groups.finish()


@pytest.mark.parametrize(
    ("change", "text"),
    [
        ({"unit": "kHz"}, "unit is 'kHz' for destination, 'Hz' for source"),
        (
            {"window": 5, "start": 3},
            "window is 5 for destination, 4 for source; start is 3 for destination, 0 for source",
        ),
        ({"shape": (6,)}, r"shape is \(6,\) for destination, \(5,\) for source"),
    ],
)
def test_different_signals_fail_on_every_rank(groups: Groups, change: dict, text: str) -> None:
    signal = SIGNAL if groups.plays("source") else replace(SIGNAL, **change)
    with pytest.raises(UserError, match=text) as caught:
        connect(groups, signal, "source", "destination", deadline=20)
    assert len(set(groups.job.comm.allgather(str(caught.value)))) == 1


def test_items_that_nobody_sends_fail_on_every_rank(groups: Groups) -> None:
    with pytest.raises(UserError, match=r"destination needs items \[4\] that no rank of source sends"):
        connect(groups, SIGNAL, "source", "destination", owned=[0, 1, 2, 3], deadline=20)


def test_a_channel_that_one_side_does_not_open(groups: Groups) -> None:
    if groups.plays("source"):
        with pytest.raises(PeerSilent, match=r"destination \(rank 1 .*did not open the channel 'rate' within 0.2 s"):
            connect(groups, SIGNAL, "source", "destination", deadline=0.2)
    groups.job.barrier()


def test_names_are_used_once_and_by_those_concerned(groups: Groups) -> None:
    channel = connect(groups, SIGNAL, "source", "destination", deadline=20)
    with pytest.raises(ChannelError, match="'rate' cannot be opened beside 'rate': rename it"):
        connect(groups, SIGNAL, "source", "destination")
    with pytest.raises(ChannelError, match="does not concern"):
        connect(groups, SIGNAL, str(groups.role), str(groups.role))
    channel.ends[0].close()
    groups.finish()


def test_a_silent_source_is_named_with_the_window_waited_for(groups: Groups) -> None:
    channel = connect(groups, SIGNAL, "source", "destination", deadline=0.3)
    if groups.plays("source"):
        channel.sender.send(window(0))
        groups.job.barrier()
        channel.sender.close()
    else:
        channel.receiver.receive()
        begin = time.monotonic()
        text = r"source \(rank 0 of the job\) has been silent for 0.3 s: channel 'rate' .* begins at step 4"
        with pytest.raises(PeerSilent, match=text):
            channel.receiver.receive()
        assert 0.25 < time.monotonic() - begin < 5
        groups.job.barrier()
        assert list(channel.receiver) == []  # a longer patience would have helped
    groups.finish()


def test_a_source_runs_ahead_by_two_windows_only(groups: Groups) -> None:
    channel = connect(groups, SIGNAL, "source", "destination", deadline=0.3)
    if groups.plays("source"):
        sent = 0
        with pytest.raises(
            PeerSilent, match=r"destination .*cannot send the window \(\d+, \d+\] before one of its last 2"
        ):
            for sent in range(20):
                channel.sender.send(window(sent))
        assert 2 <= sent <= 3
        groups.job.barrier()
        channel.sender.close()
    else:
        groups.job.barrier()
        assert 2 <= len(list(channel.receiver)) <= 3
    groups.finish()


def test_ends_closed_in_any_order_and_what_was_sent_too_much(groups: Groups) -> None:
    there = connect(groups, SIGNAL, "source", "destination", deadline=20)
    back = connect(groups, replace(SIGNAL, name="back"), "destination", "source", deadline=20)
    mine, other = (there, back) if groups.plays("source") else (back, there)
    for k in range(2):
        mine.sender.send(Window(4 * k, 4 * k + 4, np.zeros((4, len(mine.sender.items)))))
    if groups.plays("source"):
        other.receiver.close()
        mine.sender.close()
    else:
        mine.sender.close()
        other.receiver.close()
    groups.finish()


@pytest.mark.parametrize("items", [5, 76, 1500])
def test_a_window_arrives_while_its_source_computes(groups: Groups, items: int) -> None:
    signal = replace(SIGNAL, shape=(items,), window=20)
    channel = connect(groups, signal, "source", "destination", deadline=20)
    waits = []
    for k in range(5):
        groups.job.barrier()
        begin = time.perf_counter()
        if groups.plays("source"):
            channel.sender.send(window(k, signal))
            spin(0.3)
        else:
            channel.receiver.receive()
        waits.append(time.perf_counter() - begin)
    channel.ends[0].close()
    groups.finish()
    if groups.plays("destination"):
        assert min(waits) < 0.15, waits  # a message that needs its sender takes 0.3 s


def test_waiting_leaves_the_core_to_others(groups: Groups) -> None:
    channel = connect(groups, SIGNAL, "source", "destination", deadline=20)
    if groups.plays("source"):
        time.sleep(0.6)
        channel.sender.send(window(0))
    else:
        begin = time.process_time()
        channel.receiver.receive()
        assert time.process_time() - begin < 0.2
    channel.ends[0].close()
    groups.finish()
