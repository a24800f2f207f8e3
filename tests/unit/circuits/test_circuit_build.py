"""The files of a built circuit: ids in range, everything where it says it is, the same bytes for the same seed."""

import hashlib
import json
import time

import libsonata
import numpy as np
import pytest
from morphio import Morphology
from scipy.spatial import Delaunay, cKDTree

from mpi_coupling import UserError
from multiscale_run.circuits import CircuitSpec, build_circuit, circuit_statistics, named_circuit, write_configuration
from multiscale_run.circuits.space import rotate

from .conftest import CHEMICAL

POPULATIONS = {
    CHEMICAL: ("neurons", "neurons"),
    "neuroglial": ("astrocytes", "neurons"),
    "glialglial": ("astrocytes", "astrocytes"),
    "gliovascular": ("vasculature", "astrocytes"),
}


def _digests(folder):
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def test_same_seed_same_bytes(tmp_path, tiny):
    time.sleep(1.1)  # a time stamp in an HDF5 file has a resolution of one second
    build_circuit(tmp_path, named_circuit("tiny"))
    assert _digests(tmp_path) == _digests(tiny.folder)


def test_another_seed_changes_the_circuit(tmp_path, tiny):
    build_circuit(tmp_path, named_circuit("tiny", seed=2))
    other, own = _digests(tmp_path), _digests(tiny.folder)
    assert other.keys() == own.keys()
    same = {name for name in own if own[name] == other[name]}
    assert all(name.startswith("hoc/") or name.endswith(".json") for name in same)


def test_rebuild_over_an_older_circuit(tmp_path, tiny):
    build_circuit(tmp_path, CircuitSpec(neurons=3, size_um=60))
    build_circuit(tmp_path, named_circuit("tiny"))
    assert _digests(tmp_path) == _digests(tiny.folder)


@pytest.mark.parametrize("name", POPULATIONS)
def test_ends_exist(tiny, name):
    edges = tiny.config.edge_population(name)
    assert (edges.source, edges.target) == POPULATIONS[name]
    assert edges.size == tiny.summary.edges[name] > 0
    source, target = tiny.edges(name, "source", "target")
    assert source.max() < tiny.summary.nodes[edges.source]
    assert target.max() < tiny.summary.nodes[edges.target]


def test_numbers_match_the_request(tiny):
    assert tiny.summary.nodes["neurons"] == 10 and tiny.summary.nodes["astrocytes"] == 4
    assert 150 <= tiny.summary.nodes["vasculature"] <= 320
    assert tiny.summary.file_bytes == sum(path.stat().st_size for path in tiny.folder.rglob("*") if path.is_file())
    layer, synapse_class = tiny.nodes("neurons", "layer", "synapse_class")
    assert set(layer) == {"3", "5"}
    assert sorted(synapse_class) == ["EXC"] * 8 + ["INH"] * 2


def test_neuron_attributes_agree_with_each_other(tiny):
    columns = ("layer", "region", "synapse_class", "mtype", "etype", "model_template", "morphology", "morph_class")
    for layer, region, synapse_class, mtype, etype, template, morphology, morph_class in zip(
        *tiny.nodes("neurons", *columns), strict=True
    ):
        excites = synapse_class == "EXC"
        assert region == f"L{layer}" and layer in mtype.split("_")[0]
        assert (etype, template) == (("cADpyr", "hoc:RegularSpiking") if excites else ("cNAC", "hoc:FastSpiking"))
        assert morph_class == ("PYR" if excites else "INT")
        assert ("pyramidal" in morphology) == excites
        assert (tiny.folder / "morphologies" / "neurons" / f"{morphology}.swc").is_file()


def test_depth_orders_the_layers(tmp_path):
    build_circuit(tmp_path, CircuitSpec(neurons=200, size_um=200))
    nodes = libsonata.CircuitConfig.from_file(tmp_path / "circuit_config.json").node_population("neurons")
    everything = nodes.select_all()
    layer = np.array(nodes.get_attribute("layer", everything)).astype(int)
    y = nodes.get_attribute("y", everything)
    assert set(layer) == {1, 2, 3, 4, 5, 6}
    for upper in range(1, 6):
        assert y[layer == upper].min() > y[layer == upper + 1].max()
    excitatory = np.array(nodes.get_attribute("synapse_class", everything)) == "EXC"
    assert excitatory.sum() == 160 and not excitatory[layer == 1].any()


def test_edges_of_a_pair_are_contiguous(tiny):
    source, target = (ids.astype(int) for ids in tiny.edges(CHEMICAL, "source", "target"))
    key = target * 10 + source
    assert (np.diff(key) >= 0).all(), "neurodamus finds tripartite synapses by their place in the pair"
    assert (source != target).all()


def test_synapses_lie_on_their_section(tiny):
    """A synapse's section id, position and segment give, through MorphIO, its coordinates."""
    names = ("afferent_section_id", "afferent_section_pos", "afferent_segment_id", "afferent_segment_offset")
    axes = tuple(f"afferent_center_{axis}" for axis in "xyz")
    target, section, position, segment, offset, *centre = tiny.edges(CHEMICAL, "target", *names, *axes)
    centre = np.stack(centre, axis=1).astype(float)
    (morphology,) = tiny.nodes("neurons", "morphology")
    orientation = np.stack(tiny.nodes("neurons", *(f"orientation_{axis}" for axis in "wxyz")), axis=1).astype(float)
    local = rotate(orientation[target], centre - tiny.positions("neurons")[target], inverse=True)
    for row, neuron in enumerate(target):
        cell = Morphology(tiny.folder / "morphologies" / "neurons" / f"{morphology[neuron]}.swc")
        if section[row] == 0:
            np.testing.assert_allclose(local[row], 0, atol=1e-3)
            continue
        points = cell.sections[section[row] - 1].points.astype(float)
        steps = np.diff(points, axis=0)
        lengths = np.linalg.norm(steps, axis=1)
        expected = points[segment[row]] + steps[segment[row]] * offset[row] / lengths[segment[row]]
        np.testing.assert_allclose(local[row], expected, atol=1e-3)
        along = (lengths[: segment[row]].sum() + offset[row]) / lengths.sum()
        assert position[row] == pytest.approx(along, abs=1e-4)


def test_synapses_by_class(tiny):
    source, section, kind, synapse_type = tiny.edges(
        CHEMICAL, "source", "afferent_section_id", "afferent_section_type", "syn_type_id"
    )
    excitatory = (tiny.nodes("neurons", "synapse_class")[0] == "EXC")[source]
    assert ((synapse_type >= 100) == excitatory).all()
    assert set(kind[excitatory]) <= {3, 4}, "excitation on dendrites only"
    assert set(kind) <= {1, 3, 4}, "none on axons"
    assert ((kind == 1) == (section == 0)).all() and (kind == 1).any()


def test_synaptic_parameters_are_physiological(tiny):
    delay, conductance, u_syn, vesicles = tiny.edges(CHEMICAL, "delay", "conductance", "u_syn", "n_rrp_vesicles")
    assert delay.min() >= 0.5 and delay.max() < 5
    assert conductance.min() > 0 and 0.3 < conductance.mean() < 1.5
    assert u_syn.min() > 0 and u_syn.max() <= 1
    assert vesicles.min() >= 1
    for name in ("depression_time", "facilitation_time", "decay_time"):
        assert tiny.edges(CHEMICAL, name)[0].min() > 0


def test_dynamics_are_shared_within_a_connection(tiny):
    source, target, depression = tiny.edges(CHEMICAL, "source", "target", "depression_time")
    values = {}
    for pair, value in zip(zip(source, target, strict=True), depression, strict=True):
        values.setdefault(pair, set()).add(value)
    assert all(len(found) == 1 for found in values.values()) and len(values) > 20


def test_tripartite_synapses(tiny):
    astrocyte, neuron, synapse, section = tiny.edges(
        "neuroglial", "source", "target", "synapse_id", "astrocyte_section_id"
    )
    assert len(set(synapse)) == len(synapse), "one astrocyte per synapse"
    source, target = tiny.edges(CHEMICAL, "source", "target")
    np.testing.assert_array_equal(target[synapse], neuron)
    assert (tiny.nodes("neurons", "synapse_class")[0][source[synapse]] == "EXC").all()
    assert set(neuron) == set(range(10)), "every neuron of the tiny circuit has a partner"
    assert section.min() >= 1
    (morphology,) = tiny.nodes("astrocytes", "morphology")
    for cell, own in zip(astrocyte, section, strict=True):
        assert own <= len(Morphology(tiny.folder / "morphologies" / "astrocytes" / f"{morphology[cell]}.h5").sections)
    centre = np.stack(tiny.edges(CHEMICAL, *(f"afferent_center_{a}" for a in "xyz")), axis=1)[synapse]
    np.testing.assert_array_equal(cKDTree(tiny.positions("astrocytes")).query(centre)[1], astrocyte)
    with tiny.hdf5("edges/neuroglial.h5") as file:
        assert file["edges/neuroglial/0/synapse_id"].attrs["edge_population"] == CHEMICAL


def test_microdomains_divide_the_cube(tiny):
    rng = np.random.default_rng(0)
    positions = tiny.positions("astrocytes")
    probes = rng.uniform(0, 150, (500, 3))
    owner = cKDTree(positions).query(probes)[1]
    with tiny.hdf5("nodes/microdomains.h5") as file:
        assert file["volumes"][:].sum() == pytest.approx(150.0**3, rel=1e-5)
        first = file["point_offsets"][:].astype(int)
        for cell in range(4):
            hull = Delaunay(file["points"][first[cell] : first[cell + 1]])
            inside = hull.find_simplex(probes, tol=1e-6) >= 0
            assert (inside == (owner == cell)).mean() > 0.995
            rows = file["triangles"][file["triangle_offsets"][cell] : file["triangle_offsets"][cell + 1]]
            assert rows.min() >= first[cell] and rows.max() < first[cell + 1]
        pairs = {tuple(pair) for pair in file["neighbours"][:].tolist()}
    source, target = tiny.edges("glialglial", "source", "target")
    edges = set(zip(source.tolist(), target.tolist(), strict=True))
    assert edges == pairs | {pair[::-1] for pair in pairs}, "gap junctions join touching microdomains, both ways"


def test_endfeet(tiny):
    vessel, astrocyte, section, foot = tiny.edges(
        "gliovascular", "source", "target", "astrocyte_section_id", "endfoot_id"
    )
    assert list(foot) == list(range(len(foot)))
    assert (np.diff(astrocyte.astype(int)) >= 0).all()
    assert len(set(vessel)) == len(vessel), "at most one endfoot on a segment"
    counts = np.bincount(astrocyte, minlength=4)
    assert counts.min() >= 1 and counts.max() <= 3
    (morphology,) = tiny.nodes("astrocytes", "morphology")
    for cell, own in zip(astrocyte, section, strict=True):
        neurites = len(Morphology(tiny.folder / "morphologies" / "astrocytes" / f"{morphology[cell]}.h5").sections)
        assert own <= neurites - 1, "neurodamus adds one to this id"
    for name in ("section_id", "segment_id"):
        (own,) = tiny.nodes("vasculature", name)
        np.testing.assert_array_equal(own[vessel], tiny.edges("gliovascular", f"vasculature_{name}")[0])
    diameter, perimeter = tiny.edges("gliovascular", "endfoot_compartment_diameter", "endfoot_compartment_perimeter")
    np.testing.assert_allclose(perimeter, np.pi * diameter, rtol=1e-6)
    assert tiny.edges("gliovascular", "endfoot_compartment_length")[0].min() >= 5
    start, end, first, last = (
        np.stack(tiny.nodes("vasculature", *(f"{side}_{axis}" for axis in "xyz")), axis=1)[vessel]
        if number < 2
        else tiny.nodes("vasculature", f"{side}_diameter")[0][vessel]
        for number, side in enumerate(("start", "end", "start", "end"))
    )
    surface = np.stack(tiny.edges("gliovascular", *(f"endfoot_surface_{axis}" for axis in "xyz")), axis=1)
    distance = np.linalg.norm(surface - (start + end) / 2, axis=1)
    np.testing.assert_allclose(distance, (first + last) / 4, rtol=1e-3)


def test_vasculature_points_are_consistent(tiny):
    start, end, first, last = tiny.nodes("vasculature", "start_node", "end_node", "start_diameter", "end_diameter")
    assert set(start) | set(end) == set(range(int(max(start.max(), end.max())) + 1))
    seen = {}
    for node, diameter in zip(np.concatenate([start, end]), np.concatenate([first, last]), strict=True):
        assert seen.setdefault(node, diameter) == diameter
    section, segment = tiny.nodes("vasculature", "section_id", "segment_id")
    assert len(set(zip(section, segment, strict=True))) == len(section)


def test_astrocyte_soma_is_a_contour(tiny):
    for path in sorted((tiny.folder / "morphologies" / "astrocytes").iterdir()):
        cell = Morphology(path)
        assert len(cell.soma.points) >= 3 and len(cell.root_sections) == 5 and len(cell.sections) == 15


def test_node_sets_resolve(tiny):
    text = json.loads((tiny.folder / "node_sets.json").read_text())
    sets = libsonata.NodeSets.from_file(tiny.folder / "node_sets.json")
    neurons = tiny.config.node_population("neurons")
    assert sets.materialize("Excitatory", neurons).flat_size == 8
    assert sets.materialize("Neurons", neurons).flat_size == 10
    layer, mtype, etype = tiny.nodes("neurons", "layer", "mtype", "etype")
    for prefix, values in (("Layer", layer), ("", mtype), ("", etype)):
        for value in set(values):
            assert sets.materialize(f"{prefix}{value}", neurons).flat_size == (values == value).sum()
    assert text["All"] == ["Neurons", "Astrocytes"]


def test_configuration_apart_from_the_data(tmp_path):
    summary = build_circuit(tmp_path / "run" / "circuit", CircuitSpec(neurons=3, size_um=60), tmp_path / "run")
    assert summary.config == tmp_path / "run" / "circuit_config.json"
    assert str(tmp_path) not in summary.config.read_text()
    moved = (tmp_path / "run").rename(tmp_path / "elsewhere")
    config = libsonata.CircuitConfig.from_file(moved / "circuit_config.json")
    assert config.node_population("neurons").size == 3
    assert write_configuration(tmp_path / "other").is_file()


@pytest.mark.parametrize(
    "spec",
    [
        CircuitSpec(neurons=1),
        CircuitSpec(neurons=2, excitatory_fraction=0.0),
        CircuitSpec(neurons=5, size_um=80, connection_scale=0.0),
        CircuitSpec(neurons=300, size_um=100, layers=(1,)),
    ],
    ids=["single", "inhibitory", "unconnected", "dense_layer_1"],
)
def test_extreme_circuits_are_readable(tmp_path, spec):
    summary = build_circuit(tmp_path, spec)
    statistics = circuit_statistics(summary.config)
    assert {population.name: population.size for population in statistics.nodes} == summary.nodes
    assert {population.name: population.size for population in statistics.edges} == summary.edges


def test_growth_is_linear(tmp_path):
    """At a fixed density twice the neurons make twice the circuit, but for the border, whose share falls."""
    counts = []
    for neurons in (1000, 2000, 4000):
        summary = build_circuit(tmp_path, CircuitSpec(neurons=neurons))
        counts.append([*summary.edges.values(), *summary.nodes.values(), summary.file_bytes])
    smaller, middle, larger = np.array(counts, float)
    assert (larger / middle < 2.4).all() and (larger / middle > 1.6).all()
    assert (larger / middle <= middle / smaller * 1.1).all(), "growth slows down towards linear"


def test_statistics_count_the_circuit(tiny):
    statistics = circuit_statistics(tiny.summary.config)
    neurons = next(population for population in statistics.nodes if population.name == "neurons")
    assert neurons.kind == "biophysical" and neurons.size == 10
    assert neurons.counts["synapse_class"] == {"EXC": 8, "INH": 2}
    assert all(sum(counts.values()) == 10 for counts in neurons.counts.values())
    chemical = next(population for population in statistics.edges if population.name == CHEMICAL)
    assert (chemical.source, chemical.target, chemical.kind) == ("neurons", "neurons", "chemical")
    assert chemical.per_target == pytest.approx(tiny.summary.edges[CHEMICAL] / 10)
    files = [*(tiny.folder / "edges").iterdir(), *(tiny.folder / "nodes").glob("[!m]*.h5")]
    assert statistics.file_bytes == sum(path.stat().st_size for path in files)


def test_statistics_of_a_missing_file(tmp_path):
    with pytest.raises(UserError, match=r"circuit_config\.json cannot be read"):
        circuit_statistics(tmp_path / "circuit_config.json")
    build_circuit(tmp_path, CircuitSpec(neurons=2, size_um=60))
    (tmp_path / "edges" / "glialglial.h5").unlink()
    with pytest.raises(UserError, match=r"circuit_config\.json cannot be read"):
        circuit_statistics(tmp_path / "circuit_config.json")
