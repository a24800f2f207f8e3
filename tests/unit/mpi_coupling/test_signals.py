"""Signals are remembered until somebody asks, and only within the block."""

import os
import signal

import pytest

from mpi_coupling.signals import CHECKPOINT, STOP, STOPS, SignalWatch
from mpi_coupling.world import World


def test_the_strongest_request_is_taken_once():
    with SignalWatch(World.start()) as signals:
        assert signals.take() is None
        os.kill(os.getpid(), CHECKPOINT)
        assert signals.take() is CHECKPOINT
        assert signals.take() is None
        os.kill(os.getpid(), STOP)
        os.kill(os.getpid(), CHECKPOINT)
        assert signals.take() is STOP


def test_a_signal_that_comes_while_one_is_taken_is_not_lost():
    class Interrupted(set):
        def __iter__(self):
            numbers = super().__iter__()
            os.kill(os.getpid(), STOP)
            return numbers

    with SignalWatch(World.start()) as signals:
        signals._received = Interrupted({CHECKPOINT})
        assert signals.take() is CHECKPOINT
        assert signals.take() is STOP


@pytest.mark.parametrize("number", STOPS)
def test_two_signals_ask_for_the_end(number):
    """Launchers hand the first on and wait; the second is what schedulers send."""
    assert set(STOPS) == {signal.SIGUSR2, signal.SIGTERM}
    with SignalWatch(World.start()) as signals:
        os.kill(os.getpid(), number)
        os.kill(os.getpid(), CHECKPOINT)
        assert signals.take() is number


def test_handlers_come_back():
    before = signal.getsignal(STOP)
    with SignalWatch(World.start()):
        assert signal.getsignal(STOP) != before
    assert signal.getsignal(STOP) == before


def test_ctrl_c_is_raised_when_asked_for_or_pressed_again():
    with SignalWatch(World.start()) as signals:
        os.kill(os.getpid(), signal.SIGINT)
        with pytest.raises(KeyboardInterrupt):
            signals.take()
        os.kill(os.getpid(), signal.SIGINT)
        with pytest.raises(KeyboardInterrupt):
            os.kill(os.getpid(), signal.SIGINT)
