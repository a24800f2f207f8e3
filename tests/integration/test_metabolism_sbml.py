"""Networks that travel as SBML: libRoadRunner integrates ours, our engines integrate others."""

from pathlib import Path

import numpy as np
import pytest
from scipy.special import lambertw

from multiscale_run.metabolism import Status, load_network, make_engine
from multiscale_run.metabolism.sbml import export_sbml, import_sbml, write_tables

pytest.importorskip("libsbml", reason="NOT TESTED: python-libsbml is not installed")

REFERENCE = Path(__file__).parents[1] / "unit" / "metabolism" / "data" / "reference.npz"
ACCURATE = {"relative_tolerance": 1e-10, "absolute_tolerance": 1e-12}

# An enzyme in a compartment of 0.5 litres, as a modeller elsewhere would write it: minutes, a function definition, a
# local parameter, an initial assignment, an assignment rule. S -> P (Michaelis and Menten), then P leaves.
MICHAELIS_MENTEN = """<?xml version="1.0" encoding="UTF-8"?>
<sbml xmlns="http://www.sbml.org/sbml/level3/version1/core" level="3" version="1">
  <model id="enzyme" substanceUnits="mmol" extentUnits="mmol" timeUnits="minute" volumeUnits="litre">
    <listOfFunctionDefinitions><functionDefinition id="saturation">
      <math xmlns="http://www.w3.org/1998/Math/MathML"><lambda><bvar><ci>s</ci></bvar><bvar><ci>k</ci></bvar>
        <apply><divide/><ci>s</ci><apply><plus/><ci>k</ci><ci>s</ci></apply></apply></lambda></math>
    </functionDefinition></listOfFunctionDefinitions>
    <listOfUnitDefinitions>
      <unitDefinition id="mmol"><listOfUnits>
        <unit kind="mole" exponent="1" scale="-3" multiplier="1"/></listOfUnits></unitDefinition>
      <unitDefinition id="minute"><listOfUnits>
        <unit kind="second" exponent="1" scale="0" multiplier="60"/></listOfUnits></unitDefinition>
    </listOfUnitDefinitions>
    <listOfCompartments>
      <compartment id="tube" size="0.5" units="litre" spatialDimensions="3" constant="true"/></listOfCompartments>
    <listOfSpecies>
      <species id="S" name="substrate" compartment="tube" initialConcentration="4" substanceUnits="mmol"
        hasOnlySubstanceUnits="false" boundaryCondition="false" constant="false"/>
      <species id="P" name="product" compartment="tube" initialAmount="0" substanceUnits="mmol"
        hasOnlySubstanceUnits="false" boundaryCondition="false" constant="false"/>
    </listOfSpecies>
    <listOfParameters>
      <parameter id="kcat" value="30" constant="true"/><parameter id="enzyme_total" value="0.1" constant="true"/>
      <parameter id="vmax" constant="false"/><parameter id="km" constant="true"/>
    </listOfParameters>
    <listOfInitialAssignments><initialAssignment symbol="km">
      <math xmlns="http://www.w3.org/1998/Math/MathML"><apply><divide/><ci>S</ci><cn>2</cn></apply></math>
    </initialAssignment></listOfInitialAssignments>
    <listOfRules><assignmentRule variable="vmax">
      <math xmlns="http://www.w3.org/1998/Math/MathML"><apply><times/><ci>kcat</ci><ci>enzyme_total</ci></apply></math>
    </assignmentRule></listOfRules>
    <listOfReactions>
      <reaction id="conversion" reversible="false" fast="false">
        <listOfReactants><speciesReference species="S" stoichiometry="1" constant="true"/></listOfReactants>
        <listOfProducts><speciesReference species="P" stoichiometry="1" constant="true"/></listOfProducts>
        <kineticLaw><math xmlns="http://www.w3.org/1998/Math/MathML"><apply><times/><ci>tube</ci><ci>vmax</ci>
          <apply><ci>saturation</ci><ci>S</ci><ci>km</ci></apply></apply></math></kineticLaw>
      </reaction>
      <reaction id="outflow" reversible="false" fast="false">
        <listOfReactants><speciesReference species="P" stoichiometry="1" constant="true"/></listOfReactants>
        <kineticLaw><math xmlns="http://www.w3.org/1998/Math/MathML">
          <apply><times/><ci>tube</ci><ci>k</ci><ci>P</ci></apply></math>
          <listOfLocalParameters><localParameter id="k" value="1.5"/></listOfLocalParameters></kineticLaw>
      </reaction>
    </listOfReactions>
  </model>
</sbml>
"""


@pytest.fixture
def enzyme(tmp_path):
    path = tmp_path / "enzyme.xml"
    path.write_text(MICHAELIS_MENTEN)
    return path


def roadrunner_module():
    return pytest.importorskip("roadrunner", reason="NOT TESTED: libroadrunner is not installed")


def roadrunner_for(path):
    """libRoadRunner with the file loaded: an implementation that shares nothing with ours."""
    roadrunner = roadrunner_module()
    runner = roadrunner.RoadRunner(str(path))
    runner.integrator.relative_tolerance, runner.integrator.absolute_tolerance = 1e-10, 1e-13
    runner.integrator.maximum_num_steps = 200_000
    return runner


@pytest.mark.parametrize("engine_name", ["native", "scipy"])
def test_an_own_network_runs_in_our_engines(enzyme, tmp_path, engine_name):
    """S(t) = km W(S0/km exp((S0 - vmax t)/km)): Schnell and Mendoza 1997, J Theor Biol 187:207."""
    write_tables(import_sbml(enzyme).network, tmp_path / "tables")
    network = load_network(folder=tmp_path / "tables")
    engine = make_engine(engine_name, network, **ACCURATE)
    state, inputs = network.initial_state(3), network.default_inputs(3)
    assert network.slot("substrate") == network.slot("S")
    minutes, km, vmax = 0.0, 2.0, 3.0
    for seconds in (1.0, 20.0, 60.0):
        assert (engine.advance(state, inputs, seconds).status == Status.OK).all()
        minutes += seconds / 60.0
        exact = km * lambertw(4.0 / km * np.exp((4.0 - vmax * minutes) / km)).real
        assert state[:, network.slot("S")] == pytest.approx(exact, rel=1e-8)
    assert np.ptp(state, axis=0).max() == 0.0


@pytest.mark.parametrize("engine_name", ["native", "scipy"])
def test_roadrunner_agrees_about_an_own_network(enzyme, engine_name):
    network = import_sbml(enzyme).network
    engine = make_engine(engine_name, network, **ACCURATE)
    state, inputs = network.initial_state(), network.default_inputs()
    engine.advance(state, inputs, 90.0)
    expected = roadrunner_for(enzyme).simulate(0.0, 1.5, 2, ["[S]", "[P]"])[-1]
    assert state[0, [network.slot("S"), network.slot("P")]] == pytest.approx(expected, rel=1e-7)


@pytest.mark.parametrize(
    ("variant", "row"), [("standard", None), ("aged", None), ("corrected", None), ("standard", 20)]
)
def test_roadrunner_integrates_the_exported_network_to_our_answer(tmp_path, variant, row):
    """One second from rest, and from a perturbed state of the reference data."""
    network = load_network(variant)
    state, inputs = network.initial_state(), network.default_inputs()
    if row is not None:
        with np.load(REFERENCE) as data:
            state, inputs = data["u"][row : row + 1].copy(), data["inputs"][row : row + 1].copy()
    path = export_sbml(network, tmp_path / "model.xml").path
    runner = roadrunner_for(path)
    dynamic = [network.species[slot] for slot in network.dynamic_slots]
    concentrations = set(runner.model.getFloatingSpeciesIds()) | set(runner.model.getBoundarySpeciesIds())
    symbols = {s.id: f"[{s.id}]" if s.id in concentrations else s.id for s in network.species}
    for species in network.species:
        runner.setValue(symbols[species.id], state[0, species.slot])
    for column, given in enumerate(network.inputs):
        runner.setValue(given.id, inputs[0, column])
    expected = runner.simulate(0.0, 1.0, 2, [symbols[s.id] for s in dynamic])[-1]
    assert make_engine("native", network, **ACCURATE).advance(state, inputs, 1.0).status[0] == Status.OK
    np.testing.assert_allclose(state[0, network.dynamic_slots], expected, rtol=1e-6, atol=1e-10)


def test_an_imported_network_integrates_as_the_one_it_was_exported_from(tmp_path):
    network = load_network("aged")
    found = import_sbml(export_sbml(network, tmp_path / "aged.xml").path).network
    ends = []
    for each in (network, found):
        state = each.initial_state()
        make_engine("native", each).advance(state, each.default_inputs(), 0.1)
        ends.append(state)
    np.testing.assert_allclose(ends[1], ends[0], rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("name", ["feedback", "linearPathwayOpen", "linearPathwayClosed", "named_stoic_in_kinetic_law"])
def test_models_of_others_have_the_derivatives_that_roadrunner_finds(name):
    """Files that come with libRoadRunner, at a state away from their start."""
    path = Path(roadrunner_module().__file__).parent / "tests" / f"{name}.xml"
    if not path.exists():
        pytest.skip(f"NOT TESTED: this libRoadRunner comes without {path.name}")
    network, runner = import_sbml(path).network, roadrunner_for(path)
    state = network.initial_state() * 1.25 + 0.125
    for species in network.species:
        runner.setValue(f"[{species.id}]", state[0, species.slot])
    found = make_engine("scipy", network).derivative(state, network.default_inputs())[0, network.dynamic_slots]
    # the models' compartments have size 1: amounts are concentrations
    expected = [runner.getValue(f"{network.species[slot].id}'") for slot in network.dynamic_slots]
    assert np.abs(expected).max() > 0.01
    assert found == pytest.approx(expected, rel=1e-13, abs=1e-15)
