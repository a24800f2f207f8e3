"""Simulators of other packages: their keys are checked like ours, and what is wrong with a package is said."""

from __future__ import annotations

import sys
from importlib import invalidate_caches

import pytest

from mpi_coupling.failure import UserError
from multiscale_run.config import ConfigError, check_fields, load_config
from multiscale_run.config.schema import base, extension
from multiscale_run.coupling import registry
from multiscale_run.simulators import simulator_class, simulator_classes

M = "multiscale_run"
SWITCH, EVENT = (M, "with_heater"), (M, "connections", "before_heater_advance")
HEATER = '''
import numpy as np
from mpi_coupling.settings.schema import key
from multiscale_run.config.schema import SimulatorSection
from multiscale_run.coupling import NEURONS, readable, writable
from multiscale_run.simulators import ExternalSimulator

class Settings(SimulatorSection):
    """Temperature."""
    warming: float = key(100.0, "Warming.", "degC/s", ge=0)

class Unfinished(ExternalSimulator):
    name = "heater"
    settings = Settings

    @classmethod
    def build(cls, setup):
        return cls(1)

    def advance(self, tick):
        pass

    def state(self):
        return {}

class Nameless(ExternalSimulator):
    pass

class Heater(Unfinished):
    def restore(self, state):
        pass

    @readable(NEURONS, "degC")
    def get_temperature(self):
        return np.zeros(1)

    @writable(NEURONS, "mA/cm2")
    def set_pump_current(self, values):
        pass

class OfOtherName(Heater):
    name = "cooler"

class NoSettings(Heater):
    settings = dict
'''
CONNECTION = {
    "src_simulator": "neurodamus",
    "src_get_func": "get_var",
    "src_get_kwargs": {"var": "ipump_nakpump", "weight": "area"},
    "dest_simulator": "heater",
    "dest_set_func": "set_pump_current",
}


@pytest.fixture
def install(tmp_path, monkeypatch, package_of_simulators):
    """Installs a package: ``install(name=entry point, ...)``."""

    def clear():
        invalidate_caches()
        base.simulator_names.cache_clear()
        extension._extended.cache_clear()

    def make(text=HEATER, package="heater_package", **entries):
        folder = tmp_path / "packages" / package
        package_of_simulators(folder, package, text, entries)
        monkeypatch.syspath_prepend(folder)
        monkeypatch.delitem(sys.modules, package, raising=False)
        clear()

    yield make
    monkeypatch.undo()
    clear()


def test_its_keys_are_keys_of_the_configuration(install, write):
    install(heater="Heater")
    report = {"src_get_func": "get_temperature", "file_name": "temperature.h5"}
    changes = {
        SWITCH: True,
        (M, "heater"): {"ndts": 8000, "warming": 3.0},
        EVENT: [CONNECTION],
        (M, "reports", "heater"): {"temperature": report},
    }
    config = load_config(write(changes))
    assert config.active_simulators == ("neurodamus", "metabolism", "heater")
    assert config.periods() == {"neurodamus": 4000, "metabolism": 4000, "heater": 8000}
    assert config.multiscale_run.heater.warming == 3.0
    assert config.multiscale_run.reports.heater["temperature"].src_get_func == "get_temperature"
    assert config.attribute_view().multiscale_run.heater.ndts == 8000
    assert check_fields(config, registry(simulator_classes(config))) == []


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({(M, "heater"): {"warmin": 1.0}}, 'heater.warmin = 1.0: is not a key of this section; did you mean "warming"'),
        ({(M, "heater"): {"warming": -1.0}}, "multiscale_run.heater.warming = -1.0: must be >= 0"),
        ({(M, "heater"): {"ndts": 0}}, "multiscale_run.heater.ndts = 0: must be a whole number of time steps (>= 1)"),
        ({(M, "heater"): {"ndts": 10**6}}, "must be at least 25000 ms, the period of heater"),
        ({(M, "reports", "heater"): {"t": {"file_name": "t.h5"}}}, "reports.heater.t.src_get_func: is missing"),
    ],
)  # fmt: skip
def test_what_is_wrong_with_them_is_said(install, write, changes, text):
    install(heater="Heater")
    with pytest.raises(ConfigError) as caught:
        load_config(write({SWITCH: True, **changes}))
    assert text in str(caught.value)


def test_its_fields_are_checked(install, write):
    install(heater="Heater")
    wrong = CONNECTION | {"dest_set_func": "set_pump_curent"}
    config = load_config(write({SWITCH: True, EVENT: [wrong]}))
    (problem,) = check_fields(config, registry(simulator_classes(config)))
    assert 'is not a field of heater; did you mean "set_pump_current"' in str(problem)


def test_a_connection_of_one_that_is_off_is_skipped(install, write):
    install(heater="Heater")
    config = load_config(write({EVENT: [CONNECTION]}))
    assert [note for note in config.notes if note.key_path == "multiscale_run.with_heater"]


@pytest.mark.parametrize(
    "changes",
    [
        {(M, "heater"): {"ndts": 8000}, (M, "reports", "heater"): {}, EVENT: [CONNECTION]},
        {EVENT: [CONNECTION]},
        {(M, "reports", "heater"): {}},
    ],
)
def test_of_one_that_is_not_installed_only_that_is_said(write, changes):
    with pytest.raises(ConfigError) as caught:
        load_config(write({SWITCH: True, **changes}))
    (problem,) = caught.value.problems
    assert "multiscale_run.with_heater = true: heater is not installed: no package offers this" in str(problem)


def test_a_connection_to_what_is_no_simulator(write):
    with pytest.raises(ConfigError) as caught:
        load_config(write({(M, "connections", "before_metabolism_advance"): [CONNECTION]}))
    known = ", ".join(f'"{name}"' for name in base.SIMULATORS)
    assert f'dest_simulator = "heater": must be one of {known}' in str(caught.value)


def test_reports_of_one_that_is_off_are_left_out(install, write):
    install(heater="Heater")
    config = load_config(write({(M, "reports", "heater"): {"t": {"src_get_func": "x", "file_name": "t.h5"}}}))
    assert "heater" not in config.active_simulators


def test_the_alphabet_orders_them(install, write):
    install(zeta="Heater", alpha="Heater", metabolism="Heater")
    assert base.simulator_names() == (*base.SIMULATORS, "alpha", "zeta")


@pytest.mark.parametrize(
    ("entry", "text"),
    [
        ("Missing", r"simulator 'heater' of heater_package 1\.0 cannot be loaded: AttributeError"),
        ("NoSettings", "simulator 'heater': its attribute settings must be a subclass of SimulatorSection"),
        ("OfOtherName", "its entry point must lead to an ExternalSimulator with the name 'heater'"),
        ("np", "its attribute settings must be"),
        ("Nameless", "its entry point must lead to an ExternalSimulator with the name 'heater'"),
        ("Unfinished", "simulator 'heater': Unfinished lacks restore"),
    ],
)
def test_a_broken_package_disturbs_only_those_who_use_it(install, write, entry, text):
    install(heater=entry)
    assert load_config(write()).active_simulators == ("neurodamus", "metabolism")
    with pytest.raises(UserError, match=text):
        simulator_classes(load_config(write({SWITCH: True})))


@pytest.mark.parametrize("name", ["reports", "alive", "active_simulators", "model_config", "Heater", "heat-er"])
def test_names_that_are_taken(install, write, name):
    install(**{name: "Heater"})
    assert load_config(write()).active_simulators == ("neurodamus", "metabolism"), "others are not disturbed"
    with pytest.raises(UserError, match=f"simulator '{name}': this name is taken, or is no word of small letters"):
        load_config(write({(M, f"with_{name}"): True}))


def test_two_packages_with_the_same_name(install, write):
    install(heater="Heater")
    install(package="other_package", heater="Heater")
    with pytest.raises(UserError, match=r"several packages offer it, heater_package 1\.0, other_package 1\.0"):
        simulator_class("heater")
