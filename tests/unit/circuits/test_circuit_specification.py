"""What may be asked for."""

import pytest

from mpi_coupling import UserError
from multiscale_run.circuits import CircuitSpec, circuit_names, named_circuit, tables


@pytest.mark.parametrize(
    "wrong",
    [
        {"neurons": 0},
        {"neurons": 2_000_000},
        {"size_um": 3.0},
        {"seed": -1},
        {"astrocytes": 1},
        {"excitatory_fraction": 1.2},
        {"connection_scale": -1.0},
        {"layers": (7,)},
        {"layers": ()},
        {"neuron_density_per_mm3": 0.0},
    ],
)
def test_impossible_values_are_named(wrong):
    name, value = next(iter(wrong.items()))
    with pytest.raises(UserError) as error:
        CircuitSpec(**wrong)
    assert f"{name} is {value}, allowed: " in str(error.value)


def test_all_wrong_values_at_once():
    with pytest.raises(UserError, match=r"neurons is 0.*seed is -1"):
        CircuitSpec(neurons=0, seed=-1)


def test_density_gives_the_size():
    small, large = CircuitSpec(neurons=1000), CircuitSpec(neurons=8000)
    assert large.edge_um == pytest.approx(2 * small.edge_um)
    assert CircuitSpec(neurons=1000, size_um=123).edge_um == 123
    assert CircuitSpec(neurons=1).edge_um == 50


def test_astrocytes_follow_the_neurons():
    assert CircuitSpec(neurons=300).astrocyte_count == 100
    assert CircuitSpec(neurons=1).astrocyte_count == 2
    assert CircuitSpec(neurons=300, astrocytes=7).astrocyte_count == 7


def test_named_circuits():
    assert "tiny" in circuit_names()
    assert named_circuit("tiny", seed=9).seed == 9
    with pytest.raises(UserError, match=r"no circuit named 'huge'; allowed: .*tiny"):
        named_circuit("huge")


def test_tables_refer_to_each_other():
    types = tables.neuron_types()
    kinds = tables.read_toml("morphology_kinds")
    assert {row.etype for row in types} <= set(tables.electrical_types())
    assert {row.morphology for row in types} <= set(kinds)
    layers = {row.layer for row in tables.layers()}
    for layer in layers:
        for synapse_class in ("EXC", "INH"):
            shares = [row.fraction for row in types if (row.layer, row.synapse_class) == (layer, synapse_class)]
            assert sum(shares) == pytest.approx(1) or (layer == 1 and synapse_class == "EXC" and not shares)
    assert [(row.source, row.target) for row in tables.pathways()] == [
        ("EXC", "EXC"),
        ("EXC", "INH"),
        ("INH", "EXC"),
        ("INH", "INH"),
    ]
    assert all((row.syn_type_id >= 100) == (row.source == "EXC") for row in tables.pathways())
