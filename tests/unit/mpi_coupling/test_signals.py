"""Signals are remembered until somebody asks, and only within the block."""

import os
import signal

import pytest

from mpi_coupling.signals import CHECKPOINT, STOP, SignalWatch
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
