"""The world of the test process: one rank."""

from __future__ import annotations

import pytest

from mpi_coupling import World


@pytest.fixture(scope="session")
def world() -> World:
    return World.start()
