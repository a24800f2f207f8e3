"""The tables are complete and consistent with the mod files."""

import re
from pathlib import Path

import pytest

import multiscale_run.mechanisms as package
from mpi_coupling.world import UserError
from multiscale_run.mechanisms.tables import REGIONS, electrical_types, initial_concentrations, membrane

MODS = Path(package.__file__).parent / "mod"
HOCS = Path(package.__file__).parent / "hoc"


def test_every_electrical_type_has_a_template_and_the_other_way_round():
    assert set(electrical_types()) == {file.stem for file in HOCS.glob("*.hoc")}


@pytest.mark.parametrize("electrical_type", electrical_types())
def test_parameters_exist_in_the_mod_files(electrical_type):
    for entry in membrane(electrical_type):
        assert entry.region in (*REGIONS, "all")
        assert entry.value > 0
        if entry.mechanism == "cable":
            assert entry.parameter in ("cm", "Ra")
            continue
        text = (MODS / f"{entry.mechanism}.mod").read_text()
        assert f"SUFFIX {entry.mechanism}\n" in text
        assert re.search(rf"RANGE .*\b{entry.parameter}\b", text), entry


@pytest.mark.parametrize("electrical_type", electrical_types())
def test_no_parameter_is_given_twice(electrical_type):
    keys = [(entry.region, entry.mechanism, entry.parameter) for entry in membrane(electrical_type)]
    assert len(keys) == len(set(keys))


def test_unknown_type_lists_the_known_ones():
    with pytest.raises(
        UserError, match=r"'Bursting' is not in electrical_types\.csv; it has FastSpiking, RegularSpiking"
    ):
        membrane("Bursting")


def test_energy_carriers_start_at_the_rest_of_the_network():
    inside = {concentration.ion: concentration.inside for concentration in initial_concentrations()}
    assert (inside["atp"], inside["adp"]) == (1.384637, 0.05774179)
    assert set(inside) == {"na", "k", "ca", "cl", "atp", "adp"}


@pytest.mark.parametrize("file", sorted(MODS.glob("*.mod")), ids=lambda file: file.stem)
def test_every_mod_file_says_what_it_is(file):
    text = file.read_text()
    assert text.startswith("TITLE ")
    assert "COMMENT\n" in text
    assert re.search(rf"(SUFFIX|POINT_PROCESS) {file.stem}\n", text)
