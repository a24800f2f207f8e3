"""SBML from elsewhere: what it means as a network, and what is said about the rest."""

import re
import sys

import numpy as np
import pytest

from mpi_coupling.world import UserError
from multiscale_run.metabolism import NetworkError, load_network
from multiscale_run.metabolism.equations import build_equations
from multiscale_run.metabolism.evaluate import Evaluator
from multiscale_run.metabolism.network import Role
from multiscale_run.metabolism.sbml import export_sbml, import_sbml, write_tables

libsbml = pytest.importorskip("libsbml", reason="NOT TESTED: python-libsbml is not installed")

CELL = '<compartment id="cell" size="2" spatialDimensions="3" constant="true"/>'
FORMULA_TAGS = {"assignmentRule": "variable", "rateRule": "variable", "initialAssignment": "symbol"}


def mathml(formula):
    """MathML of a formula in libSBML's own notation."""
    settings = libsbml.L3ParserSettings()
    settings.setParseLog(libsbml.L3P_PARSE_LOG_AS_LN)
    tree = libsbml.parseL3FormulaWithSettings(formula, settings)
    assert tree is not None, libsbml.getLastParseL3Error()
    return libsbml.writeMathMLToString(tree).partition("\n")[2]


def species(name, value, extra='hasOnlySubstanceUnits="false" boundaryCondition="false" constant="false"'):
    return f'<species id="{name}" compartment="cell" initialConcentration="{value}" {extra}/>'


def parameter(identifier, value=None, constant="true", **attributes):
    given = {"id": identifier, "constant": constant} | ({} if value is None else {"value": value}) | attributes
    return "<parameter " + " ".join(f'{k}="{v}"' for k, v in given.items()) + "/>"


def rule(tag, name, formula):
    return f'<{tag} {FORMULA_TAGS[tag]}="{name}">{mathml(formula)}</{tag}>'


def reaction(name, law, left=(), right=(), local=""):
    def side(tag, items):
        refs = "".join(f'<speciesReference species="{s}" stoichiometry="{n}" constant="true"/>' for s, n in items)
        return f"<{tag}>{refs}</{tag}>" if items else ""

    kinetics = f"<kineticLaw>{mathml(law)}{local}</kineticLaw>"
    sides = side("listOfReactants", left) + side("listOfProducts", right)
    return f'<reaction id="{name}" reversible="false">{sides}{kinetics}</reaction>'


@pytest.fixture
def model(tmp_path):
    """Writes a Level 3 Version 2 file of lists of elements; returns its path."""

    def write(attributes='timeUnits="second" substanceUnits="mole" volumeUnits="litre" extentUnits="mole"', **lists):
        content = "".join(f"<listOf{tag}>{''.join(items)}</listOf{tag}>" for tag, items in lists.items() if items)
        path = tmp_path / "model.xml"
        path.write_text(
            '<?xml version="1.0" encoding="UTF-8"?>'
            '<sbml xmlns="http://www.sbml.org/sbml/level3/version2/core" level="3" version="2">'
            f'<model id="m" {attributes}>{content}</model></sbml>'
        )
        return path

    return write


def derivative(network, **changes):
    """d/dt by species id, at the initial state with some species and inputs changed."""
    state, inputs = network.initial_state(), network.default_inputs()
    for name, value in changes.items():
        if name in {x.id for x in network.inputs}:
            inputs[0, network.input_index(name)] = value
        else:
            state[0, network.slot(name)] = value
    rates = Evaluator(build_equations(network)).derivative(state, inputs)[0]
    return {s.id: rates[s.slot] for s in network.species if s.role is Role.DYNAMIC}


def test_reactions_change_concentrations_by_amounts(model):
    """A + 2 B -> 3 C in 2 litres: the law is mol/s, the symbols mol/L."""
    boundary = 'hasOnlySubstanceUnits="false" boundaryCondition="true" constant="false"'
    amount = 'hasOnlySubstanceUnits="true" boundaryCondition="false" constant="false"'
    path = model(
        Compartments=[CELL],
        Species=[species("A", 3), species("B", 5), species("C", 0, amount), species("D", 7, boundary)],
        Parameters=[parameter("k", 0.1)],
        Reactions=[reaction("v", "k*A*B*D*cell", [("A", 1), ("B", 2), ("D", 1)], [("C", 3)])],
    )
    network = import_sbml(path).network
    rate = 0.1 * 3 * 5 * 7 * 2
    assert derivative(network) == pytest.approx({"A": -rate / 2, "B": -2 * rate / 2, "C": 3 * rate}, rel=1e-15)
    assert [r.id for r in network.rates] == ["v"]
    assert network.species[network.slot("D")].role is Role.CONSTANT
    assert [s.unit for s in network.species] == ["M", "M", "mol", "M"]
    assert network.initial_state()[0, network.slot("C")] == 0.0


def test_amounts_and_concentrations_at_the_start(model):
    path = model(
        Compartments=[CELL],
        Species=[
            species("A", 3, 'hasOnlySubstanceUnits="true" boundaryCondition="false" constant="false"'),
            species("B", 4).replace("initialConcentration", "initialAmount"),
        ],
    )
    assert import_sbml(path).network.initial_state()[0].tolist() == [6.0, 2.0]


def test_function_definitions_local_parameters_and_rules_in_any_order(model):
    function = f'<functionDefinition id="mm">{mathml("lambda(s, vmax, km, vmax*s/(km + s))")}</functionDefinition>'
    nested = f'<functionDefinition id="twice">{mathml("lambda(x, 2*mm(x, 1, 1))")}</functionDefinition>'
    local = '<listOfLocalParameters><localParameter id="km" value="0.5"/></listOfLocalParameters>'
    path = model(
        FunctionDefinitions=[function, nested],
        Compartments=[CELL],
        Species=[species("S", 2), species("P", 0)],
        Parameters=[parameter("km", 100), parameter("vmax", constant="false"), parameter("e", 3, "false")],
        InitialAssignments=[rule("initialAssignment", "e", "vmax + S")],
        Rules=[rule("assignmentRule", "vmax", "half*4"), rule("assignmentRule", "half", "S/2")],
        Reactions=[reaction("v", "cell*mm(S, vmax, km) + cell*twice(S)", [("S", 1)], [("P", 1)], local)],
    )
    path.write_text(
        path.read_text().replace("</listOfParameters>", parameter("half", constant="false") + "</listOfParameters>")
    )
    network = import_sbml(path).network
    expected = 4 * 2 / (0.5 + 2) + 2 * 2 / 3
    assert derivative(network) == pytest.approx({"S": -expected, "P": expected}, rel=1e-15)
    assert [a.id for a in network.assignments] == ["half", "vmax"]
    assert {p.id: p.value for p in network.parameters} == {"km": 100, "e": 6, "v_km": 0.5, "cell": 2}


def test_rates_of_a_model_with_rate_rules_are_found(model):
    """What drives a species stays visible: v1 and v2 are rates, w (read by v2) is not."""
    path = model(
        Parameters=[parameter(n, 1 + i, "false") for i, n in enumerate("xyz")]
        + [parameter(n, None, "false") for n in ("v1", "v2", "w")],
        Rules=[
            rule("assignmentRule", "v1", "2*x"),
            rule("assignmentRule", "w", "x + y"),
            rule("assignmentRule", "v2", "w^2"),
            rule("rateRule", "x", "-v1/4 + (v2 - 3*v1)*y - x"),
            rule("rateRule", "y", "w"),
            rule("rateRule", "z", "v2"),
        ],
    )
    network = import_sbml(path).network
    assert [r.id for r in network.rates] == ["v1", "v2", "x_rate", "y_rate"]
    assert [a.id for a in network.assignments] == ["w"]
    assert derivative(network) == pytest.approx({"x": -0.5 + (9 - 6) * 2 - 1, "y": 3.0, "z": 9.0}, rel=1e-15)


def test_rates_that_do_not_enter_linearly_stay_assignments(model):
    path = model(
        Parameters=[parameter("x", 2, "false"), parameter("a", None, "false"), parameter("b", None, "false")],
        Rules=[
            rule("assignmentRule", "a", "x + 1"),
            rule("assignmentRule", "b", "x + 2"),
            rule("rateRule", "x", "a*b - 1/a"),
        ],
    )
    network = import_sbml(path).network
    assert [r.id for r in network.rates] == ["x_rate"]
    assert derivative(network)["x"] == pytest.approx(12 - 1 / 3, rel=1e-15)


@pytest.mark.parametrize(
    ("formula", "expected"),
    [
        ("x^2 - -3", 4.0 + 3.0),
        ("-x^2", -4.0),
        ("(-x)^2 + (-2)^3", 4.0 - 8.0),
        ("2^x^3", 256.0),
        ("(2^x)^3", 64.0),
        ("x - (1 - x) - (3 + x)", 2 + 1 - 5.0),
        ("1 - x + 3 - (x - 5) + -x", 1 - 2 + 3 + 3 - 2.0),
        ("3*x/4*5/(x/7)", 3 * 2 / 4 * 5 / (2 / 7)),
        ("x/(3/x)/(x*5)", 2 / (3 / 2) / 10),
        ("root(3, x)", 2 ** (1 / 3)),
        ("sqrt(x) + exp(-x)", np.sqrt(2) + np.exp(-2)),
        ("ln(x) + log(10, x) + log(3, x)", np.log(2) + np.log10(2) + np.log(2) / np.log(3)),
        ("tanh(x)*3 - 2*sinh(x)/cosh(x)", 3 * np.tanh(2) - 2 * np.tanh(2)),
        ("abs(-x) + pi + exponentiale", 2 + np.pi + np.e),
        ("1.7e-17*x + 3e5", 1.7e-17 * 2 + 3e5),
        ("avogadro*1e-23", 6.02214179),
        ("plus() + times() + plus(x, 1, 2)", 0 + 1 + 5.0),
    ],
)
def test_mathematics(model, formula, expected):
    path = model(Parameters=[parameter("x", 2, "false")], Rules=[rule("rateRule", "x", formula)])
    assert derivative(import_sbml(path).network)["x"] == pytest.approx(expected, rel=1e-15)


def test_numbers_are_read_exactly(model):
    """An exponent apart from its mantissa must not round the number twice."""
    path = model(Parameters=[parameter("x", 1, "false")], Rules=[rule("rateRule", "x", "1.23456789012345e-7")])
    assert derivative(import_sbml(path).network)["x"] == 1.23456789012345e-7


def test_time_is_a_species_that_runs(model):
    path = model(Parameters=[parameter("x", 1, "false")], Rules=[rule("rateRule", "x", "3*time")])
    network = import_sbml(path).network
    assert derivative(network, time=5.0) == {"x": 15.0, "time": 1.0}


def test_the_clock_and_a_parameter_called_time_are_two_things(model):
    path = model(
        Parameters=[parameter("x", 1, "false"), parameter("time", 100)],
        Rules=[rule("rateRule", "x", "3*time + other")],
    )
    path.write_text(re.sub(r"<ci>\s*other\s*</ci>", "<ci>time</ci>", path.read_text()))
    assert derivative(import_sbml(path).network, time_=5.0) == {"x": 115.0, "time_": 1.0}


def test_minutes_become_seconds(model):
    minutes = (
        '<unitDefinition id="minute"><listOfUnits>'
        '<unit kind="second" exponent="1" scale="0" multiplier="60"/></listOfUnits></unitDefinition>'
    )
    given = {"Parameters": [parameter("x", 3, "false")], "Rules": [rule("rateRule", "x", "x")]}
    imported = import_sbml(model('timeUnits="minute"', UnitDefinitions=[minutes], **given))
    assert derivative(imported.network)["x"] == pytest.approx(0.05, rel=1e-15)
    assert imported.remarks == ()
    imported = import_sbml(model("", **given))
    assert derivative(imported.network)["x"] == 3.0
    assert "unit of time: rates are taken as per second" in imported.message


def test_words_that_the_tables_reserve_get_another_name(model, tmp_path):
    path = model(
        Parameters=[parameter("lambda", 3, "false"), parameter("lambda_", 4)],
        Rules=[rule("rateRule", "lambda", "lambda_").replace("\n", "")],
    )
    network = import_sbml(path).network
    assert derivative(network) == {"lambda__": 4.0}
    write_tables(network, tmp_path / "own")
    assert derivative(load_network(folder=tmp_path / "own")) == {"lambda__": 4.0}


def test_rates_and_stoichiometries_that_formulas_read(model):
    path = model(
        Compartments=[CELL],
        Species=[species("A", 3), species("B", 0)],
        Parameters=[parameter("x", 0, "false"), parameter("n", 0, "false")],
        Rules=[rule("rateRule", "x", "v + n_B"), rule("assignmentRule", "n_B", "2*A")],
        Reactions=[reaction("v", "A", [("A", 1)], [("B", 1)])],
    )
    text = path.read_text().replace(
        'species="B" stoichiometry="1" constant="true"', 'id="n_B" species="B" constant="false"'
    )
    path.write_text(text)
    network = import_sbml(path).network
    assert derivative(network) == pytest.approx({"A": -1.5, "B": 9.0, "x": 9.0}, rel=1e-15)


def test_conversion_factors(model):
    path = model(
        'timeUnits="second" conversionFactor="f"',
        Compartments=[CELL],
        Species=[species("A", 3), species("B", 0).replace("/>", ' conversionFactor="g"/>')],
        Parameters=[parameter("f", 10), parameter("g", 100)],
        Reactions=[reaction("v", "A", [("A", 1)], [("B", 1)])],
    )
    assert derivative(import_sbml(path).network) == pytest.approx({"A": -15, "B": 150}, rel=1e-15)


def test_inputs_are_chosen_by_name(model):
    path = model(
        Parameters=[parameter("x", 1, "false", name="Potassium"), parameter("k", 2, name="a constant")],
        Rules=[rule("rateRule", "x", "k*x")],
    )
    network = import_sbml(path, inputs=["k"]).network
    assert [(i.id, i.default, i.meaning) for i in network.inputs] == [("k", 2.0, "a constant")]
    assert network.parameters == ()
    assert derivative(network, k=7.0) == {"x": 7.0}
    assert network.slot("Potassium") == 0
    with pytest.raises(NetworkError, match=r"input 'kk' is no constant of model\.xml; did you mean k"):
        import_sbml(path, inputs=["kk"])


def test_everything_that_has_no_place_is_listed_at_once(model):
    event = '<event id="stimulus" useValuesFromTriggerTime="true"><trigger initialValue="true" persistent="true">'
    event += mathml("x > 3") + "</trigger></event>"
    path = model(
        Compartments=[CELL.replace("true", "false")],
        Species=[species("A", 1)],
        Parameters=[parameter(n, 1, "false") for n in "xyzw"],
        Rules=[
            rule("rateRule", "x", "piecewise(1, x > 2, 3)"),
            rule("rateRule", "y", "delay(x, 2) - infinity"),
            rule("assignmentRule", "z", "sin(x) + max(x, 2)"),
            rule("rateRule", "cell", "1"),
            f"<algebraicRule>{mathml('w - x')}</algebraicRule>",
        ],
        Events=[event],
    )
    with pytest.raises(NetworkError) as caught:
        import_sbml(path)
    for text in (
        "event 'stimulus'",
        "algebraic rule 5",
        "piecewise in the rate rule of 'x'",
        "delay and the number inf in the rate rule of 'y'",
        "sin and max in the assignment rule of 'z'",
        "compartment 'cell' whose size changes",
    ):
        assert text in str(caught.value)
    assert "made of + - * / powers exp log sqrt" in str(caught.value)


def test_files_that_are_wrong_are_named(model, tmp_path):
    with pytest.raises(NetworkError, match=r"cannot read the SBML file .*nothing\.xml: there is no such file"):
        import_sbml(tmp_path / "nothing.xml")
    (tmp_path / "text.xml").write_text("hello")
    with pytest.raises(NetworkError, match=r"text\.xml is not valid SBML: line 1: "):
        import_sbml(tmp_path / "text.xml")
    path = model(Parameters=[parameter("x", 1, "false")], Rules=[rule("rateRule", "x", "unknown_name")])
    with pytest.raises(NetworkError, match=r"model\.xml is not valid SBML: line .*unknown_name"):
        import_sbml(path)


def test_missing_values_are_named(model):
    path = model(
        Parameters=[parameter("x", None, "false"), parameter("k"), parameter("y", constant="false"), parameter("q", 0)],
        InitialAssignments=[rule("initialAssignment", "y", "k + 1"), rule("initialAssignment", "q", "1/q0")],
        Rules=[rule("rateRule", "x", "k")],
    )
    path.write_text(path.read_text().replace("</listOfParameters>", parameter("q0", 0) + "</listOfParameters>"))
    with pytest.raises(NetworkError) as caught:
        import_sbml(path)
    for text in ("'y' needs k, which has no value", "parameter 'x' has no value", "parameter 'k' has no value"):
        assert text in str(caught.value)
    assert "the value of 'q' at the start is undefined (1/q0)" in str(caught.value)


def test_without_libsbml_the_remedy_is_named(model, monkeypatch):
    path = model(Parameters=[parameter("x", 1)])
    monkeypatch.setitem(sys.modules, "libsbml", None)
    with pytest.raises(UserError, match=r"needs python-libsbml: pip install 'multiscale-run\[sbml\]'"):
        import_sbml(path)


@pytest.mark.parametrize(("level", "version"), [(1, 2), (2, 1), (2, 4), (3, 1)])
def test_older_levels(level, version, tmp_path):
    """S -> P with k S, in a compartment of 2 litres."""
    document = libsbml.SBMLDocument(level, version)
    m = document.createModel()
    m.setId("old")
    c = m.createCompartment()
    c.setId("cell"), c.setSize(2.0), c.setConstant(True), c.setSpatialDimensions(3)
    for name, amount in (("S", 6.0), ("P", 0.0)):
        s = m.createSpecies()
        s.setId(name), s.setCompartment("cell"), s.setInitialAmount(amount)
        s.setHasOnlySubstanceUnits(False), s.setBoundaryCondition(False), s.setConstant(False)
    k = m.createParameter()
    k.setId("k"), k.setValue(0.25), k.setConstant(True)
    r = m.createReaction()
    r.setId("v"), r.setReversible(False), r.setFast(False)
    for reference, name in ((r.createReactant(), "S"), (r.createProduct(), "P")):
        reference.setSpecies(name), reference.setStoichiometry(1), reference.setConstant(True)
    r.createKineticLaw().setMath(libsbml.parseFormula("k*S*cell"))
    path = tmp_path / "old.xml"
    assert libsbml.writeSBMLToFile(document, str(path))
    network = import_sbml(path).network
    assert derivative(network) == pytest.approx({"S": -0.75, "P": 0.75}, rel=1e-15)


def test_long_sums(model):
    """Models made from rules have observables that add up hundreds of species."""
    names = [f"p{i}" for i in range(500)]
    path = model(
        Parameters=[parameter("x", 1, "false"), *(parameter(name, 2) for name in names)],
        Rules=[rule("rateRule", "x", " + ".join(names) + " - x")],
    )
    assert derivative(import_sbml(path).network) == {"x": 999.0}


def test_submodels_are_refused_but_not_the_mere_word(model):
    path = model(Parameters=[parameter("x", 1, "false")], Rules=[rule("rateRule", "x", "2")])
    comp = 'xmlns:comp="http://www.sbml.org/sbml/level3/version1/comp/version1" comp:required="true" level="3"'
    plain = path.read_text().replace("version2/core", "version1/core").replace('version="2">', 'version="1">')
    path.write_text(plain.replace('level="3"', comp))
    assert derivative(import_sbml(path).network) == {"x": 2.0}
    part = '<comp:listOfSubmodels><comp:submodel comp:id="part" comp:modelRef="m"/></comp:listOfSubmodels>'
    path.write_text(path.read_text().replace("</model>", part + "</model>"))
    with pytest.raises(NetworkError, match=r"model\.xml"):
        import_sbml(path)


def test_an_imported_network_can_be_exported_again(model, tmp_path):
    """Amounts become parameters, a compartment whose size is read becomes one of two things of that name."""
    path = model(
        Compartments=[CELL],
        Species=[
            species("A", 3, 'hasOnlySubstanceUnits="true" boundaryCondition="false" constant="false" name="first"'),
            species("B", 0.5),
        ],
        Parameters=[parameter("k", 10)],
        Reactions=[reaction("v", "k*A*time", [("A", 1)], [("B", 2)])],
    )
    network = import_sbml(path).network
    exported = export_sbml(network, tmp_path / "again.xml", folder=tmp_path)
    document = libsbml.readSBMLFromFile(str(exported.path))
    document.checkConsistency()
    assert document.getNumErrors(libsbml.LIBSBML_SEV_ERROR) == 0
    again = import_sbml(exported.path).network
    assert again.species == network.species
    assert derivative(again, time=2.0) == derivative(network, time=2.0) == {"A": -120.0, "B": 120.0, "time": 1.0}
