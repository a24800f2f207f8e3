"""What a channel checks, in one process: order, shape, type and time of windows, the end, and items of each side."""

from __future__ import annotations

import numpy as np
import pytest

from mpi_coupling import Channel, ChannelError, End, Events, LocalChannel, Signal, UserError, Window

SIGNAL = Signal("rate", unit="Hz", shape=(3,), window=4, start=8)


def window(start: int, stop: int, value: float = 0.0, items: int = 3) -> Window:
    return Window(start, stop, np.full((stop - start, items), value))


@pytest.fixture
def channel() -> LocalChannel:
    return LocalChannel(SIGNAL, "tvb", "nest")


def test_windows_arrive_in_order_and_unchanged(channel: LocalChannel) -> None:
    sent = window(8, 12, 1.5)
    channel.sender.send(sent)
    sent.values[:] = -1.0  # the array may be used again
    channel.sender.send(window(12, 13, 2.5))
    first, second = channel.receiver.receive(), channel.receiver.receive(stop=13)
    assert (first.start, first.stop, second.start, second.stop) == (8, 12, 12, 13)
    np.testing.assert_array_equal(first.values, np.full((4, 3), 1.5))
    np.testing.assert_array_equal(second.values, np.full((1, 3), 2.5))


@pytest.mark.parametrize(
    ("wrong", "text"),
    [
        (window(12, 16), r"channel 'rate' from tvb to nest: tvb sends the window \(12, 16\], .* begins at step 8"),
        (window(8, 8), r"window \(8, 8\] of 0 steps; it must have 1 to 4"),
        (window(8, 13), r"window \(8, 13\] of 5 steps; it must have 1 to 4"),
        (window(8, 12, items=2), r"tvb sends float64\[4, 2\] as window \(8, 12\], nest takes float64\[4, 3\]"),
        (Window(8, 12, np.zeros((3, 3))), r"tvb sends float64\[3, 3\]"),
        (Window(8, 12, np.zeros((4, 3), np.float32)), r"tvb sends float32\[4, 3\]"),
        (Window(8, 12, [[0.0] * 3] * 4), "tvb sends list"),  # type: ignore[arg-type]
    ],
)
def test_wrong_windows_are_refused_and_not_sent(channel: LocalChannel, wrong: Window, text: str) -> None:
    with pytest.raises(ChannelError, match=text):
        channel.sender.send(wrong)
    channel.sender.send(window(8, 12))
    assert channel.receiver.receive().start == 8


def test_the_receiver_can_insist_on_a_window(channel: LocalChannel) -> None:
    channel.sender.send(window(8, 11))
    with pytest.raises(ChannelError, match=r"tvb sent the window \(8, 11\], nest needs \(8, 12\]"):
        channel.receiver.receive(stop=12)


def test_end(channel: LocalChannel) -> None:
    with channel.sender as sender:
        sender.send(window(8, 12))
    sender.close()  # again: nothing happens
    assert [each.start for each in channel.receiver] == [8]
    assert channel.receiver.closed and list(channel.receiver) == []
    with pytest.raises(ChannelError, match="was closed at step 12"):
        sender.send(window(12, 16))
    with pytest.raises(ChannelError, match="was closed at step 12"):
        channel.receiver.receive()


def test_end_is_raised_once_to_who_receives_one_by_one(channel: LocalChannel) -> None:
    channel.sender.close()
    with pytest.raises(End, match="tvb closed it at step 8"):
        channel.receiver.receive()


def test_an_exception_does_not_look_like_an_end(channel: LocalChannel) -> None:
    with pytest.raises(ZeroDivisionError), channel.sender, channel.receiver:
        _ = 1 / 0
    assert not channel.sender.closed and not channel.receiver.closed


def test_what_would_hang_two_processes_is_an_error(channel: LocalChannel) -> None:
    with pytest.raises(ChannelError, match="tvb has not sent the window that begins at step 8"):
        channel.receiver.receive()
    for start in (8, 12, 16):
        channel.sender.send(window(start, start + 4))
    with pytest.raises(ChannelError, match=r"window \(20, 24\] cannot be sent before nest received one"):
        channel.sender.send(window(20, 24))


def test_a_receiver_that_closed_does_not_stop_the_sender(channel: LocalChannel) -> None:
    channel.receiver.close()
    for start in range(8, 48, 4):
        channel.sender.send(window(start, start + 4))
    channel.sender.close()


def test_items_are_found_by_their_numbers() -> None:
    channel = LocalChannel(SIGNAL, owned=[2, 0, 1], wanted=[1, 2])
    channel.sender.send(Window(8, 9, np.array([[20.0, 0.0, 10.0]])))
    np.testing.assert_array_equal(channel.receiver.receive().values, [[10.0, 20.0]])


@pytest.mark.parametrize("items", [[0, 0], [3], [-1]])
def test_impossible_items(items: list[int]) -> None:
    with pytest.raises(ValueError, match="items must be different numbers from 0 to 2"):
        LocalChannel(SIGNAL, owned=items)


def test_items_that_nobody_sends() -> None:
    with pytest.raises(UserError, match=r"destination needs items \[1\] that no rank of source sends"):
        LocalChannel(SIGNAL, owned=[0, 2])


@pytest.mark.parametrize(("shape", "window"), [((), 1), ((-1,), 1), ((2,), 0)])
def test_impossible_signals(shape: tuple[int, ...], window: int) -> None:
    with pytest.raises(ValueError, match="signal 'x'"):
        Signal("x", "Hz", shape, window)


def test_a_process_has_only_its_end() -> None:
    channel = Channel("rate", None, LocalChannel(SIGNAL).receiver)
    assert channel.receiver.signal is SIGNAL
    with pytest.raises(ChannelError, match="only its source can send"):
        _ = channel.sender
    with pytest.raises(ChannelError, match="only its destination can receive"):
        _ = Channel("rate", LocalChannel(SIGNAL).sender, None).receiver


SPIKES = Events("spikes", unit="ms", shape=(3,), window=4, most=5)


def test_events_of_any_number_arrive_unchanged() -> None:
    channel = LocalChannel(SPIKES, "nest", "tvb", wanted=[2, 0])
    rows = [np.array([0.5, 0.25]), np.empty(0), np.arange(5.0)]
    channel.sender.send(Window(0, 4, rows))
    rows[0][:] = -1.0  # the arrays may be used again
    values = channel.receiver.receive().values
    assert [row.tolist() for row in values] == [[0.0, 1.0, 2.0, 3.0, 4.0], [0.5, 0.25]]


@pytest.mark.parametrize(
    ("rows", "text"),
    [
        ([np.zeros(6), np.zeros(0), np.zeros(0)], "sends 3 rows of up to 6 float64.*takes 3 rows of up to 5 float64"),
        ([np.zeros(1)] * 2, "sends 2 rows"),
        ([np.zeros(1), np.zeros((1, 1)), np.zeros(1)], "3 rows that are not all 1-D arrays of float64"),
        (np.zeros((4, 3)), "sends ndarray"),
    ],
)
def test_events_that_do_not_fit_are_refused(rows: object, text: str) -> None:
    with pytest.raises(ChannelError, match=text):
        LocalChannel(SPIKES, "nest", "tvb").sender.send(Window(0, 4, rows))
