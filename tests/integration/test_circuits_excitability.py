"""The predictors of threshold current and input resistance against the cells themselves, in NEURON."""

import json
import subprocess
import sys
from pathlib import Path

import libsonata
import pytest

from multiscale_run.circuits import build_circuit, named_circuit

pytest.importorskip("neuron", reason="NEURON is not installed")

ROOT = Path(__file__).parents[2]

# arguments: template, folder, file, threshold current (nA); in a process of its own: one NEURON model per process
PROGRAM = """
import json, os, sys
from mpi_coupling import World
World.start()
from multiscale_run.mechanisms.library import activate, mechanism_library
activate(mechanism_library())
from neuron import h
if not hasattr(h, "nakpump"):
    h.nrn_load_dll(os.environ["NRNMECH_LIB_PATH"])
h.load_file("stdrun.hoc")
from multiscale_run.mechanisms import cell_template
template, folder, file, threshold = sys.argv[1:]
cell_template.define(template)
h.celsius = 34
cell = getattr(h, template)(0, folder, file)
soma = cell.soma[0](0.5)
clamp = h.IClamp(soma)
clamp.delay, clamp.dur = 20, 300
detector, spikes = h.NetCon(soma._ref_v, None, -20, 0, 1, sec=cell.soma[0]), h.Vector()
detector.record(spikes)

def respond(current):
    clamp.amp = current
    h.finitialize(-65)
    h.dt = 0.05
    h.continuerun(320)
    return int(spikes.size()), soma.v

below, above = respond(0.8 * float(threshold))[0], respond(1.25 * float(threshold))[0]
resistance = (respond(-0.01)[1] + 65) / -0.01
print("\\n" + json.dumps({"below": below, "above": above, "resistance": resistance}))
"""


@pytest.fixture(scope="module")
def circuit(tmp_path_factory):
    return build_circuit(tmp_path_factory.mktemp("excitability"), named_circuit("tiny"))


@pytest.mark.parametrize("synapse_class", ["EXC", "INH"])
def test_threshold_and_resistance(circuit, synapse_class):
    neurons = libsonata.CircuitConfig.from_file(circuit.config).node_population("neurons")
    node = list(neurons.get_attribute("synapse_class", neurons.select_all())).index(synapse_class)
    template = neurons.get_attribute("model_template", node).removeprefix("hoc:")
    morphology = neurons.get_attribute("morphology", node)
    threshold = neurons.get_dynamics_attribute("threshold_current", node)
    folder = circuit.config.parent / "morphologies" / "neurons"
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, template, str(folder), f"{morphology}.swc", str(threshold)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=240,  # the first run compiles the mechanisms
    )
    assert done.returncode == 0, done.stderr[-3000:]
    found = json.loads(done.stdout.splitlines()[-1])
    assert found["below"] == 0, "silent at 0.8 of the threshold current"
    assert found["above"] >= 1, "fires at 1.25 of the threshold current"
    assert found["resistance"] == pytest.approx(neurons.get_dynamics_attribute("input_resistance", node), rel=0.15)
    assert 50 < found["resistance"] < 250
