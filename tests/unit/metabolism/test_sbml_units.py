"""Units between the tables' notation and SBML's."""

import pytest

from multiscale_run.metabolism import load_network
from multiscale_run.metabolism.sbml.units import UnitPart, format_unit, parse_unit, same_unit


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("1", []),
        ("mM", [UnitPart("mole", 1, -3), UnitPart("litre", -1)]),
        ("1/(mM2*s)", [UnitPart("mole", -2, -3), UnitPart("litre", 2), UnitPart("second", -1)]),
        ("mA/cm2", [UnitPart("ampere", 1, -3), UnitPart("metre", -2, -2)]),
        ("1/(M**0.5*s)", [UnitPart("mole", -0.5), UnitPart("litre", 0.5), UnitPart("second", -1)]),
        ("kJ/(mol*mV)", [UnitPart("joule", 1, 3), UnitPart("mole", -1), UnitPart("volt", -1, -3)]),
        ("umol/min", [UnitPart("mole", 1, -6), UnitPart("second", -1, 0, 60.0)]),
        ("m", [UnitPart("metre")]),
    ],
)
def test_units_are_read(text, parts):
    found = parse_unit(text)
    assert same_unit(found, parts)
    assert same_unit(parse_unit(format_unit(found)), parts)


@pytest.mark.parametrize("text", ["", "furlong", "mM^2", "xM", "mM/", "2*s"])
def test_what_is_no_unit(text):
    assert parse_unit(text) is None


def test_every_unit_of_the_shipped_tables_is_known():
    network = load_network()
    tables = (network.species, network.parameters, network.assignments, network.rates, network.inputs)
    units = {item.unit for table in tables for item in table} - {""}
    assert len(units) > 20
    for unit in units:
        parts = parse_unit(unit)
        assert parts is not None, unit
        assert same_unit(parse_unit(format_unit(parts)), parts), unit


def test_what_the_tables_cannot_write_has_no_text():
    assert format_unit([UnitPart("candela")]) == ""
    assert format_unit([UnitPart("mole", 1, -5)]) == ""
    assert format_unit([UnitPart("second", 1, 0, 30.0)]) == ""
