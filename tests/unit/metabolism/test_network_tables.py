"""The shipped tables and what is said about wrong ones."""

import csv
import shutil

import numpy as np
import pytest

from multiscale_run.metabolism import NetworkError, load_network, variants
from multiscale_run.metabolism.equations import build_equations
from multiscale_run.metabolism.evaluate import Evaluator
from multiscale_run.metabolism.tables import NETWORK_FOLDER


@pytest.fixture(scope="module")
def network():
    return load_network()


@pytest.fixture
def tables(tmp_path):
    """A copy of the shipped tables with a function that rewrites one cell."""
    folder = tmp_path / "network"
    shutil.copytree(NETWORK_FOLDER, folder)

    def change(table, row, column, text):
        path = folder / f"{table}.csv"
        with path.open(newline="") as file:
            rows = list(csv.DictReader(file))
        rows[row - 2][column] = text
        with path.open("w", newline="") as file:
            writer = csv.DictWriter(file, rows[0])
            writer.writeheader()
            writer.writerows(rows)
        return folder

    return change


def test_sizes(network):
    assert (len(network.species), len(network.rates), len(network.parameters)) == (183, 156, 590)
    assert (len(network.dynamic_slots), len(network.constant_slots)) == (133, 30)
    assert variants() == ("standard", "young", "aged", "corrected")


@pytest.mark.parametrize(
    ("name", "slot"),
    [("atp_c_n", 22), ("ATP_n", 22), (22, 22), ("22", 22), ("ADP_n", 23), ("k_e", 95), ("K_out", 95), ("Na_n", 98)],
)
def test_slots_are_those_of_the_original_configurations(network, name, slot):
    assert network.slot(name) == slot


def test_every_alias_finds_its_slot(network):
    for species in network.species:
        assert network.slot(species.id) == species.slot
    assert network.slot("ADP_a") == 73


def test_unknown_names_suggest_the_nearest(network):
    with pytest.raises(NetworkError, match=r"unknown species 'atp_c_m'; did you mean .*atp_c_n"):
        network.slot("atp_c_m")
    with pytest.raises(NetworkError, match="species number 183 is out of range: the network has numbers 0 to 182"):
        network.slot(183)
    with pytest.raises(NetworkError, match=r"unknown input 'bf_flow'; did you mean .*bf_"):
        network.input_index("bf_flow")


def test_defaults_are_the_resting_point(network):
    inputs = network.default_inputs(3)
    assert inputs.shape == (3, 6)
    assert inputs[0, network.input_index("bf_fin")] == inputs[0, network.input_index("bf_fout")] == 0.012
    values = {p.id: p.value for p in network.parameters}
    assert values["glc_art"] == 4.65
    assert network.initial_state(2)[1, 22] == pytest.approx(1.384637, abs=1e-6)


def test_parameters_and_variants_change_the_key(network):
    keys = {
        network.content_key,
        load_network(parameters={"glc_art": 4.6}).content_key,
        load_network("aged").content_key,
    }
    assert len(keys) == 3
    assert load_network().content_key == network.content_key
    with pytest.raises(NetworkError, match="unknown network parameter 'glc_arterial'; did you mean"):
        load_network(parameters={"glc_arterial": 4.6})
    with pytest.raises(NetworkError, match="unknown variant 'old'; known are standard, young, aged, corrected"):
        load_network("old")


@pytest.mark.parametrize(
    ("table", "row", "column", "text", "message"),
    [
        ("parameters", 2, "value", "fast", "parameters.csv, row 2, column value: 'fast' is not a number"),
        ("parameters", 3, "value", "nan", "parameters.csv, row 3, column value: 'nan' must be finite"),
        ("parameters", 4, "id", "t2j", "parameters.csv, row 4, column id: 't2j' is already used"),
        ("species", 5, "id", "1st", "species.csv, row 5, column id: '1st' is not a valid name"),
        ("species", 5, "julia_index", "3", "species.csv, row 5, column julia_index: '3' must be a whole number"),
        (
            "species",
            5,
            "role",
            "dynamical",
            "species.csv, row 5, column role: unknown role 'dynamical'; did you mean dynamic",
        ),
        ("rates", 9, "expression", "atp_c_n*", r"rates.csv, row 9, column expression: 'atp_c_n\*' is not a formula"),
        (
            "rates",
            9,
            "expression",
            "atp_c_m",
            "rates.csv, row 9, column expression: unknown name 'atp_c_m'; did you mean",
        ),
        (
            "rates",
            9,
            "expression",
            "atp_c_n.real",
            "rates.csv, row 9, column expression: 'atp_c_n.real' is not allowed",
        ),
        (
            "rates",
            9,
            "expression",
            "sin(atp_c_n)",
            r"rates.csv, row 9, column expression: 'sin\(atp_c_n\)' is not allowed",
        ),
        (
            "assignments",
            2,
            "expression",
            "adp_c_n",
            "assignments.csv, row 2, column expression: unknown name 'adp_c_n'",
        ),
        ("stoichiometry", 7, "rate", "v_nothing", "stoichiometry.csv, row 7, column rate: unknown rate 'v_nothing'"),
        (
            "stoichiometry",
            7,
            "species",
            "k_e",
            "stoichiometry.csv, row 7, column species: unknown dynamic species 'k_e'",
        ),
        ("variants", 2, "target", "nad_tot", "variants.csv, row 2, column target: unknown parameter 'nad_tot'"),
    ],
)
def test_wrong_cells_are_named(tables, table, row, column, text, message):
    with pytest.raises(NetworkError, match=message):
        load_network(folder=tables(table, row, column, text))


def test_undefined_formulas_are_named():
    network = load_network(parameters={"w_x": 0.0})
    with pytest.raises(NetworkError, match=r"stoichiometry.csv, row 2, column coefficient: .*undefined with the given"):
        build_equations(network)


def test_missing_table_and_column(tmp_path, tables):
    with pytest.raises(NetworkError, match=r"cannot read the network table .*species\.csv"):
        load_network(folder=tmp_path)
    folder = tables("inputs", 2, "unit", "1")
    text = (folder / "inputs.csv").read_text().replace("default", "usual")
    (folder / "inputs.csv").write_text(text)
    with pytest.raises(NetworkError, match=r"inputs.csv, row 1: no column default"):
        load_network(folder=folder)


def test_initial_state_is_at_rest_up_to_the_documented_terms():
    network = load_network()
    du = Evaluator(build_equations(network)).derivative(network.initial_state(), network.default_inputs())[0]
    moving = {network.species[slot].id for slot in np.flatnonzero(np.abs(du) > 5e-3)}
    # the neuron's pump cost is charged by the electrical model; amp_c is fixed at 1e-5 while amp_i starts at 0
    assert moving == {"atp_c_n", "amp_i_n", "amp_i_a"}
    assert np.abs(du).max() < 0.024
