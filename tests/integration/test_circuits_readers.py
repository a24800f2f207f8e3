"""Built circuits through the eyes of other programs: bluepysnap, NEURON's morphology reader, vascpy."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from bluepysnap import Circuit
from bluepysnap.circuit_validation import validate
from morphio import Morphology

from multiscale_run.circuits import CircuitSpec, build_circuit, named_circuit

RECONSTRUCTIONS = Path(__file__).parents[3] / "shared" / "data" / "morphologies"

# in a process of its own, because NEURON keeps the sections of a process for ever
NEURON_SECTIONS = """
import json, sys
from neuron import h
h.load_file("stdrun.hoc")
h.load_file("import3d.hoc")
lengths = {}
for path in sys.argv[1:]:
    for section in list(h.allsec()):
        h.delete_section(sec=section)
    reader = h.Import3d_SWC_read()
    reader.quiet = 1
    reader.input(path)
    h.Import3d_GUI(reader, 0).instantiate(None)
    sections = list(h.allsec())
    lengths[path] = [[s.L for s in sections if s.name().startswith(kind)] for kind in ("soma", "axon", "dend", "apic")]
print("\\n" + json.dumps(lengths))
"""


@pytest.fixture(scope="module", params=["tiny", "column", "reconstructions"])
def circuit(request, tmp_path_factory):
    specs = {"tiny": named_circuit("tiny"), "column": CircuitSpec(neurons=200)}
    if request.param == "reconstructions":
        if not RECONSTRUCTIONS.is_dir():
            pytest.skip(f"no real morphologies: {RECONSTRUCTIONS} is absent")
        specs["reconstructions"] = named_circuit("tiny", morphologies=RECONSTRUCTIONS)
    return build_circuit(tmp_path_factory.mktemp(request.param), specs[request.param])


def test_bluepysnap_finds_nothing_wrong(circuit):
    assert validate(str(circuit.config), skip_slow=False, print_errors=False) == set()


def test_bluepysnap_reads_it(circuit):
    snap = Circuit(str(circuit.config))
    assert {name: population.size for name, population in snap.nodes.items()} == circuit.nodes
    assert {name: population.size for name, population in snap.edges.items()} == circuit.edges
    neurons = snap.nodes["neurons"]
    assert set(neurons.get(properties="synapse_class")) == {"EXC", "INH"}
    assert len(neurons.ids("Excitatory")) == round(0.8 * neurons.size)
    assert neurons.morph.get(0, transform=True).points.shape[1] == 3


def test_neuron_numbers_the_sections_like_morphio(circuit):
    """Section ids of synapses come from MorphIO and are used in NEURON: each section must have the same length."""
    folder = circuit.config.parent / "morphologies" / "neurons"
    paths = [str(path) for path in sorted(folder.iterdir())]
    done = subprocess.run(
        [sys.executable, "-c", NEURON_SECTIONS, *paths], capture_output=True, text=True, timeout=120, check=True
    )
    for path, (soma, *neurites) in json.loads(done.stdout.splitlines()[-1]).items():
        expected = [np.linalg.norm(np.diff(s.points, axis=0), axis=1).sum() for s in Morphology(path).sections]
        assert len(soma) == 1, path
        own = [length for kind in neurites for length in kind]
        np.testing.assert_allclose(own, expected, rtol=1e-4, atol=1e-3, err_msg=path)


def test_reconstructions_keep_their_branches(tmp_path):
    if not RECONSTRUCTIONS.is_dir():
        pytest.skip(f"no real morphologies: {RECONSTRUCTIONS} is absent")
    circuit = build_circuit(tmp_path, named_circuit("tiny", morphologies=RECONSTRUCTIONS))
    assert circuit.notes == ()
    for path in sorted(RECONSTRUCTIONS.glob("*.swc")):
        original, own = Morphology(path), Morphology(tmp_path / "morphologies" / "neurons" / path.name)
        assert sorted(map(len, (s.points for s in own.sections))) == sorted(
            map(len, (s.points for s in original.sections))
        )
        length, own_length = (
            sum(np.linalg.norm(np.diff(s.points, axis=0), axis=1).sum() for s in cell.sections)
            for cell in (original, own)
        )
        assert own_length == pytest.approx(length, rel=1e-5)


def test_vascpy_reads_the_vessels(circuit):
    vascpy = pytest.importorskip("vascpy", reason="vascpy is not installed")
    vessels = vascpy.PointVasculature.load_sonata(str(circuit.config.parent / "nodes" / "vasculature.h5"))
    assert vessels.n_edges == circuit.nodes["vasculature"]
    assert (vessels.degrees == 1).sum() == circuit.inlets + circuit.outlets
