"""The exported file: valid, complete, the same every time, and readable back to the same numbers."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from multiscale_run.metabolism import NetworkError, load_network
from multiscale_run.metabolism.equations import build_equations
from multiscale_run.metabolism.evaluate import Evaluator
from multiscale_run.metabolism.sbml import export_sbml, import_sbml
from multiscale_run.metabolism.tables import NETWORK_FOLDER

libsbml = pytest.importorskip("libsbml", reason="NOT TESTED: python-libsbml is not installed")

VARIANTS = ("standard", "young", "aged", "corrected")
# libSBML's rules for expressions whose units disagree or cannot be known
UNIT_WARNINGS = {99505, 99508, 20702, 80701, 10501}


@pytest.fixture(scope="module")
def exported(tmp_path_factory):
    folder = tmp_path_factory.mktemp("sbml")
    return {v: export_sbml(load_network(v), folder / f"{v}.xml") for v in VARIANTS}


def derivative(network):
    with np.load(Path(__file__).with_name("data") / "reference.npz") as data:
        return Evaluator(build_equations(network)).derivative(data["u"], data["inputs"])


@pytest.mark.parametrize("variant", VARIANTS)
def test_libsbml_finds_no_error(exported, variant):
    document = libsbml.readSBMLFromFile(str(exported[variant].path))
    document.checkConsistency()
    messages = [document.getError(i) for i in range(document.getNumErrors())]
    assert [m.getMessage() for m in messages if m.getSeverity() >= libsbml.LIBSBML_SEV_ERROR] == []
    assert {m.getErrorId() for m in messages} <= UNIT_WARNINGS
    assert (document.getLevel(), document.getVersion()) == (3, 2)


def test_everything_is_in_the_file(exported):
    network = load_network()
    assert exported["standard"].counts == {
        "compartments": 13,
        "species": 171,
        "parameters": 12 + len(network.parameters) + len(network.inputs) + len(network.assignments) + 156,
        "assignment rules": len(network.assignments) + 156,
        "rate rules": 133,
    }
    assert exported["standard"].without_unit == ()
    assert "133 rate rules" in exported["standard"].message
    model = libsbml.readSBMLFromFile(str(exported["standard"].path)).getModel()
    assert model.getSpecies("glc_c_n").getCompartment() == "cytosol_n"
    assert model.getCompartment("cytosol_n").getName() == "cell cytosol"
    assert "doi:10.3389/fsci.2025.1441297" in model.getNotesString()
    assert "Permission is hereby granted, free of charge" in model.getNotesString()
    assert 'upstream_name="ATP_n"' in model.getSpecies("atp_c_n").getAnnotationString()


def test_the_same_network_gives_the_same_bytes(exported, tmp_path):
    again = export_sbml(load_network("aged"), tmp_path / "again.xml")
    assert again.path.read_bytes() == exported["aged"].path.read_bytes()


@pytest.mark.parametrize("variant", VARIANTS)
def test_import_gives_the_network_back(exported, variant):
    network, found = load_network(variant), import_sbml(exported[variant].path).network
    for part in ("species", "parameters", "inputs", "held_at_rest"):
        assert getattr(found, part) == getattr(network, part), part
    for part in ("assignments", "rates"):
        assert [(x.id, x.unit, x.pathway) for x in getattr(found, part)] == [
            (x.id, x.unit, x.pathway) for x in getattr(network, part)
        ]
    assert {(t.species, t.rate) for t in found.terms} == {(t.species, t.rate) for t in network.terms}
    expected = derivative(network)
    assert np.abs(derivative(found) - expected).max(initial=0.0, where=expected == 0.0) == 0.0
    np.testing.assert_allclose(derivative(found), expected, rtol=1e-12, atol=0.0)


def test_the_variant_is_applied(exported):
    standard, aged = (import_sbml(exported[v].path).network for v in ("standard", "aged"))
    assert np.abs(derivative(standard) - derivative(aged)).max() > 1e-3


def test_licences_of_own_tables_are_quoted_instead(tmp_path):
    (tmp_path / "LICENSE.txt").write_text("Free for all < 100 neurons & friends.")
    path = export_sbml(load_network(folder=NETWORK_FOLDER), tmp_path / "own.xml", folder=tmp_path).path
    notes = libsbml.readSBMLFromFile(str(path)).getModel().getNotesString()
    assert "Free for all &lt; 100 neurons &amp; friends." in notes
    assert "Permission is hereby granted" not in notes
    assert "doi:" not in notes


def test_units_that_sbml_cannot_express_are_reported(tmp_path):
    network = load_network()
    strange = replace(network.parameters[0], unit="furlong")
    network = replace(network, parameters=(strange, *network.parameters[1:]))
    exported = export_sbml(network, tmp_path / "strange.xml")
    assert exported.without_unit == ("furlong",)
    assert exported.message.endswith("written without unit: furlong")


def test_names_and_places_that_cannot_be_are_named(tmp_path):
    network = load_network()
    umlaut = replace(network, parameters=(replace(network.parameters[0], id="größe"), *network.parameters[1:]))
    with pytest.raises(NetworkError, match="'größe' cannot be an SBML identifier"):
        export_sbml(umlaut, tmp_path / "umlaut.xml")
    with pytest.raises(NetworkError, match=r"cannot write the SBML file .*missing/model\.xml: No such file"):
        export_sbml(network, tmp_path / "missing" / "model.xml")
