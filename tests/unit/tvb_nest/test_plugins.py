"""Transformers by name, ours and those of other packages."""

from importlib.metadata import EntryPoint, EntryPoints

import numpy as np
import pytest

import mpi_coupling.plugins
from mpi_coupling.failure import UserError
from tvb_nest.transform import plugins
from tvb_nest.transform.plugins import TransformSettings, make_to_nest, make_to_tvb, transformer_names
from tvb_nest.transform.to_rates import SlidingMean
from tvb_nest.transform.to_spikes import RateToSpikes

SETTINGS = TransformSettings((10,), (8,), (0,), 115, 0.1, 20.0, 0.1, 43)


class Constant:
    """A transformer of another package."""

    def __init__(self, settings):
        self.settings = settings

    def __call__(self, start_step, n_steps, times):
        return np.full((n_steps, len(times)), 0.01)


def needs_more(settings):
    raise KeyError("impedance")


@pytest.fixture
def offered(monkeypatch):
    """Lets other packages offer transformers."""

    def offer(**entries):
        points = EntryPoints(EntryPoint(f"to_tvb.{name}", value, plugins.GROUP) for name, value in entries.items())
        monkeypatch.setattr(mpi_coupling.plugins, "entry_points", lambda **keys: points.select(**keys))
        for value in {Constant, needs_more}:
            monkeypatch.setattr(plugins, value.__name__, value, raising=False)

    return offer


def test_built_in():
    assert isinstance(make_to_nest("mip", SETTINGS), RateToSpikes)
    assert isinstance(make_to_nest("sip", SETTINGS), RateToSpikes)
    assert isinstance(make_to_tvb("sliding_mean", SETTINGS), SlidingMean)


def test_of_another_package(offered):
    offered(constant="tvb_nest.transform.plugins:Constant")
    made = make_to_tvb("constant", SETTINGS)
    assert made.settings is SETTINGS
    assert made(0, 3, [np.empty(0)]).shape == (3, 1)
    assert transformer_names("to_tvb") == ["sliding_mean", "constant"]


def test_unknown_name_lists_the_known_ones():
    with pytest.raises(UserError, match="no transformer 'mpi'; choose from mip, sip"):
        make_to_nest("mpi", SETTINGS)
    with pytest.raises(UserError, match="no transformer 'mip'; choose from sliding_mean"):
        make_to_tvb("mip", SETTINGS)


def test_one_that_fails_says_why(offered):
    offered(broken="tvb_nest.transform.plugins:needs_more", missing="no_such_package:f")
    with pytest.raises(UserError, match=r"'to_tvb.broken' cannot be made: KeyError: 'impedance'"):
        make_to_tvb("broken", SETTINGS)
    with pytest.raises(UserError, match="No module named 'no_such_package'"):
        make_to_tvb("missing", SETTINGS)


def test_two_packages_with_the_same_name(monkeypatch):
    points = EntryPoints(EntryPoint("to_tvb.x", value, plugins.GROUP) for value in ("a:f", "b:f"))
    monkeypatch.setattr(mpi_coupling.plugins, "entry_points", lambda **keys: points.select(**keys))
    with pytest.raises(UserError, match="several packages offer it, a:f, b:f; uninstall all but one"):
        make_to_tvb("x", SETTINGS)
