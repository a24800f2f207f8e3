"""A network written as tables and read again is the same network."""

from dataclasses import replace

import pytest

from multiscale_run.metabolism import NetworkError, load_network, variants
from multiscale_run.metabolism.sbml import write_tables


def without_places(network):
    """The network apart from its variant's name and the rows that things came from."""
    return replace(
        network,
        variant="",
        assignments=tuple(replace(x, place="") for x in network.assignments),
        rates=tuple(replace(x, place="") for x in network.rates),
        multipliers={name: replace(x, place="") for name, x in network.multipliers.items()},
        terms=tuple(replace(x, place="") for x in network.terms),
    )


@pytest.mark.parametrize("variant", ["standard", "aged", "corrected"])
def test_tables_give_the_same_network_back(variant, tmp_path):
    network = load_network(variant, parameters={"glc_art": 0.1 + 0.2})
    files = write_tables(network, tmp_path / "own")
    assert {file.name for file in files} == {file.name for file in (tmp_path / "own").iterdir()}
    assert without_places(load_network(folder=tmp_path / "own")) == without_places(network)
    assert variants(tmp_path / "own") == ("standard",)


def test_tables_that_exist_are_kept(tmp_path):
    (tmp_path / "rates.csv").write_text("mine")
    with pytest.raises(NetworkError, match=r"rates\.csv exists already: name a new folder"):
        write_tables(load_network(), tmp_path)
    assert (tmp_path / "rates.csv").read_text() == "mine"
    assert len([*tmp_path.iterdir()]) == 1


def test_a_place_that_is_no_folder_is_named(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(NetworkError, match=r"cannot write the network tables to .*file"):
        write_tables(load_network(), tmp_path / "file")
