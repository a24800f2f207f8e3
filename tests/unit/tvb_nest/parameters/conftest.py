"""Parameter files of tests."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from tvb_nest.parameters import Parameters, parameters_of


@pytest.fixture
def make(tmp_path: Path) -> Callable[..., Parameters]:
    """``make({section: {key: value}})``: parameters of a file in a temporary folder that need not exist."""
    return lambda document=None: parameters_of(document or {}, tmp_path / "parameter.json")


@pytest.fixture
def original(tmp_path: Path) -> Path:
    """A file as the original writes it: a section on a line, linked keys with their values, keys of all versions."""
    return Path(shutil.copy(Path(__file__).parent / "original_parameter.json", tmp_path / "parameter.json"))
