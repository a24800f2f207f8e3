"""Simulators of other packages in a run: two of them, on any number of ranks, resumed, in everything that shows it."""

from __future__ import annotations

import os
import re

import numpy as np
import pytest

PACKAGE = '''
"""Pumps that warm neurons and the tissue round them; all factors are made up."""
import numpy as np
from multiscale_run.coupling import NEURONS, TETRAHEDRA, VESSELS, readable, writable
from multiscale_run.simulators import ExternalSimulator


class Warm(ExternalSimulator):
    factor = 1.0

    def __init__(self, setup, size):
        super().__init__(setup.config.periods()[self.name])
        self.setup, self.tick = setup, 0
        self.celsius, self.input = np.full(size, 34.0), np.zeros(size)

    @classmethod
    def build(cls, setup):
        return cls(setup, len(setup.neurons.alive.neuron_ids))

    def advance(self, tick):
        self.celsius += self.factor * 1e-3 * self.setup.clock.ms(tick - self.tick) * self.input
        self.tick = tick

    def check(self):
        return ["too hot"] if (self.celsius > 100.0).any() else []

    def state(self):
        return {"celsius": self.celsius, "input": self.input, "tick": np.array(self.tick)}

    def restore(self, state):
        self.celsius[:], self.input[:], self.tick = state["celsius"], state["input"], int(state["tick"])


class Heater(Warm):
    name = "heater"
    factor = 100.0

    @readable(NEURONS, "degC")
    def get_temperature(self):
        return self.celsius

    @writable(NEURONS, "mA/cm2")
    def set_pump_current(self, values):
        self.input[:] = values


class Bath(Warm):
    name = "bath"

    @classmethod
    def build(cls, setup):
        return cls(setup, setup.mesh.n_tetrahedra)

    @readable(TETRAHEDRA, "degC")
    def get_temperature(self):
        return self.celsius

    @writable(TETRAHEDRA, "mA/cm2")
    def set_pump_current(self, values):
        self.input[:] = values


class Late(Heater):
    name = "late"

    def __init__(self, setup, size):
        super().__init__(setup, size)
        self.period //= 2


class Wet(Warm):
    name = "wet"

    @readable(VESSELS, "")
    def get_water(self):
        return np.zeros(1)
'''
NAMES = {"heater": "Heater", "bath": "Bath", "late": "Late", "wet": "Wet"}


def connection(source, field, destination, sink, **arguments):
    return {
        "src_simulator": source,
        "src_get_func": field,
        "src_get_kwargs": arguments,
        "dest_simulator": destination,
        "dest_set_func": sink,
    }


def report(field, name):
    return {name: {"src_get_func": field, "unit": "degC", "file_name": f"{name}.h5"}}


@pytest.fixture(autouse=True)
def installed(tmp_path, package_of_simulators):
    folder = tmp_path / "packages"
    os.environ["PYTHONPATH"] = os.pathsep.join([str(folder), *filter(None, [os.environ.get("PYTHONPATH")])])
    return package_of_simulators(folder, "warm", PACKAGE, NAMES)


def warm(settings):
    """Pumps warm neurons every 25 ms and their tetrahedra every 50 ms; without the extracellular space."""
    section = settings["multiscale_run"]
    section |= {"with_steps": False, "with_heater": True, "with_bath": True}
    section |= {"heater": {"ndts": 1000}, "bath": {"ndts": 2000}}
    for name in ("heater", "bath"):
        current = connection("neurodamus", "get_var", name, "set_pump_current", var="ipump_nakpump", weight="area")
        section["connections"][f"before_{name}_advance"] = [current]
    section["reports"]["heater"] = report("get_temperature", "warm_neurons")
    section["reports"]["bath"] = report("get_temperature", "warm_tissue")


def without(settings):
    settings["multiscale_run"] |= {"with_steps": False, "with_bloodflow": False}


def test_two_of_them_on_any_number_of_ranks(tiny, tools):
    changes = tools["duration"](200.0), warm
    one, two = tiny(*changes, name="one").computed(), tiny(*changes, name="two").computed(ranks=2)
    plain = tiny(tools["duration"](200.0), lambda s: s["multiscale_run"].update(with_steps=False), name="plain")
    np.testing.assert_array_equal(one.spikes(), plain.computed().spikes(), "they only listen")
    for name, steps in {"warm_neurons": 9, "warm_tissue": 5}.items():
        _, values = one.report(name)
        assert len(values) == steps and (values[-1] >= values[0]).all() and (values[-1] > values[0]).any()
        np.testing.assert_allclose(two.report(name)[1], values, rtol=1e-6)


def test_resumed_to_the_same_bits_but_not_with_another_version(tiny, tools, compare, installed):
    changes = tools["duration"](200.0), warm
    whole = tiny(*changes, name="whole").computed(ranks=2)
    folder = tiny(*changes, name="resumed")
    assert tools["launch"]("compute", "--checkpoint-every", "75", folder.path, ranks=2).returncode == 0
    resumed = tools["launch"]("compute", "--resume", folder.path, ranks=2)
    assert resumed.returncode == 0 and "resuming at 150 ms" in resumed.stdout
    compare(whole, folder)
    installed.write_text(installed.read_text().replace("Version: 1.0", "Version: 1.1"))
    refused = tools["launch"]("compute", "--resume", folder.path, ranks=2)
    assert refused.returncode == 2 and "another configuration, circuit or mechanisms" in refused.stdout


def test_everything_that_shows_a_run_shows_them(tiny, tools):
    folder = tiny(tools["duration"](100.0), warm).computed()
    described = (folder.results / "run.json").read_text()
    assert re.search(r'"warm": "1\.0"', described)
    for command, *options in (["check"], ["connections"], ["stats", "--results"], ["watch", "--once"]):
        done = folder.command(command, *options)
        assert done.returncode == 0, done.stdout
        if command in ("stats", "watch"):
            assert "warm neurons" in done.stdout and "warm tissue" in done.stdout, done.stdout
    assert folder.command("post-processing").returncode == 0
    assert 'alt="What simulators of other packages reported."' in (folder.results / "report.html").read_text()
    assert folder.command("view").returncode == 0
    page = (folder.path / "view.html").read_text()
    assert "warm neurons" in page and "warm tissue" in page


def test_a_check_of_theirs_stops_the_run(tiny, tools):
    def hot(settings):
        settings["multiscale_run"]["connections"]["before_heater_advance"][0]["transform_expression"] = "vals * 1e9"

    done = tiny(tools["duration"](100.0), warm, hot).compute()
    assert done.returncode == 3 and "too hot" in done.stdout, done.stdout


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("late", "simulator 'late': its period is 2000 ticks, not the 4000 of its section"),
        ("wet", "multiscale_run.reports.wet.water: this run has no vessels, on which get_water lives"),
    ],
)
def test_what_cannot_be_is_said(tiny, tools, name, message):
    def use(settings):
        settings["multiscale_run"][f"with_{name}"] = True
        if name == "wet":
            settings["multiscale_run"]["reports"]["wet"] = report("get_water", "water")

    done = tiny(tools["duration"](100.0), without, use).compute()
    assert done.returncode == 2 and "Traceback" not in done.stdout, done.stdout
    assert message in " ".join(done.stdout.split()), done.stdout
